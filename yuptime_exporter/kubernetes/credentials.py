"""Where an API server is, how it is believed, and who we are to it.

Both ways to know it are those of every client of Kubernetes: the files that a pod finds in its
service account, and a kubeconfig. The former are read here. Only for the latter kubernetes_asyncio
is imported, since importing any part of it takes 40 MiB and a third of a second.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import aiohttp
import yaml

from yuptime_exporter.core.errors import SourceUnusable

if TYPE_CHECKING:
    from kubernetes_asyncio.client.configuration import Configuration
    from kubernetes_asyncio.config.kube_config import KubeConfigLoader

# kubernetes.io/docs/tasks/run-application/access-api-from-pod
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SERVICE_HOST = "KUBERNETES_SERVICE_HOST"
_SERVICE_PORT = "KUBERNETES_SERVICE_PORT"

_REMEDY = "give --kubernetes.kubeconfig=PATH, or run in a pod that has a service account"


@dataclass(frozen=True, slots=True)
class Access:
    """All that is needed to ask an API server.

    Attributes:
        server: its URL, without a slash at the end.
        authorization: the header's value; empty: none.
        ca_file: who vouches for it; None: whom the system believes.
        server_hostname: which name its certificate must have; None: that of the URL.
        proxy: through whom to connect; None: directly.
    """

    server: str
    authorization: str = field(default="", repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    server_hostname: str | None = None
    proxy: str | None = field(default=None, repr=False)


class Credentials(Protocol):
    """What tells how to ask an API server."""

    async def load(self, *, anew: bool) -> Access:
        """Return what is so now.

        Args:
            anew: believe nothing that was read before, even if it should still hold.

        Raises:
            SourceUnusable: it cannot be read.
        """


def credentials(kubeconfig: Path | None, service_account: Path) -> Credentials:
    """Return the credentials of a kubeconfig, of this pod, or of whoever uses kubectl here."""
    if kubeconfig is None and os.environ.get(SERVICE_HOST):
        return ServiceAccount(service_account, os.environ)
    default = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    return Kubeconfig(str(kubeconfig or default))


class ServiceAccount:
    """Credentials of the pod that we run in."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    async def load(self, *, anew: bool) -> Access:  # noqa: ARG002  nothing is remembered
        """Return what is so now; the kubelet replaces both files while the pod runs."""
        host, port = self._environ.get(SERVICE_HOST), self._environ.get(_SERVICE_PORT) or "443"
        ca_file = self._folder / "ca.crt"
        try:
            # A file may end with a newline, of which no header may have one.
            token = self._read("token").strip()
            if not token or not self._read("ca.crt").strip():
                raise SourceUnusable(f"kubernetes: {self._folder}: a file is empty; {_REMEDY}")
        except (OSError, ValueError) as error:
            raise SourceUnusable(f"kubernetes: {error}; {_REMEDY}") from error
        host = f"[{host}]" if host and ":" in host else host
        return Access(f"https://{host}:{port}", f"Bearer {token}", ca_file=str(ca_file))

    def _read(self, name: str) -> str:
        return (self._folder / name).read_text()


class Kubeconfig:
    """Credentials of a kubeconfig, or of several as `$KUBECONFIG` joins them."""

    def __init__(self, paths: str) -> None:
        self._paths = paths
        self._loader: KubeConfigLoader | None = None

    async def load(self, *, anew: bool) -> Access:
        """Return what is so now; asks a login plugin or an identity provider where it says so."""
        from kubernetes_asyncio.client.configuration import Configuration  # noqa: PLC0415
        from kubernetes_asyncio.config.config_exception import ConfigException  # noqa: PLC0415

        configuration = Configuration()
        try:
            if self._loader is None or anew:
                self._loader = _loader(self._paths)
            await self._loader.load_and_set(configuration)
        except (
            ConfigException,
            aiohttp.ClientError,
            yaml.YAMLError,
            OSError,
            # What the library meets in a file that is not as it should be.
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            AssertionError,
        ) as error:
            # From a brace on it is a part of the file, which may hold a token.
            said = " ".join(str(error).partition("{")[0].split()) or "it is not a kubeconfig"
            raise SourceUnusable(f"kubernetes: {self._paths}: {said}; {_REMEDY}") from error
        return _access(configuration)


def _loader(paths: str) -> "KubeConfigLoader":
    from kubernetes_asyncio.config.config_exception import ConfigException  # noqa: PLC0415
    from kubernetes_asyncio.config.kube_config import (  # noqa: PLC0415
        KubeConfigLoader,
        KubeConfigMerger,
    )

    merged = KubeConfigMerger(paths).config
    if merged is None:
        raise ConfigException("there is no such file")
    return KubeConfigLoader(config_dict=merged, config_base_path=None)


def _access(configuration: "Configuration") -> Access:
    return Access(
        server=str(configuration.host).rstrip("/"),
        authorization=str(configuration.api_key.get("BearerToken", "")).strip(),
        ca_file=configuration.ssl_ca_cert,
        cert_file=configuration.cert_file,
        key_file=configuration.key_file,
        verify=configuration.verify_ssl,
        server_hostname=configuration.tls_server_name,
        proxy=configuration.proxy,
    )
