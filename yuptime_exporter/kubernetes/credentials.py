"""API server address, trusted certificates, and client credentials.

They come from a pod's service account or from a kubeconfig, as for every client of Kubernetes. The
service account is read here. kubernetes_asyncio reads a kubeconfig; it is imported only for that,
since any part of it takes 40 MiB and 0.3 s.
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

# client-go, tools/clientcmd/client_config.go, Namespace: deployments set this variable by the
# downward API, and it precedes the file.
_POD_NAMESPACE = "POD_NAMESPACE"

_REMEDY = "give --kubernetes.kubeconfig=PATH, or run in a pod that has a service account"


@dataclass(frozen=True, slots=True)
class Access:
    """All that a request to an API server needs.

    Attributes:
        server: the URL, without a slash at the end.
        authorization: the value of the header; empty: none is sent.
        ca_file: certificate authorities that are trusted; None: those of the system.
        server_hostname: the name in the server's certificate; None: that of the URL.
        proxy: the URL of a proxy; None: connect directly.
        namespace: the namespace of the kubeconfig's current context; None: it names none.
    """

    server: str
    authorization: str = field(default="", repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    server_hostname: str | None = None
    proxy: str | None = field(default=None, repr=False)
    namespace: str | None = None


class Credentials(Protocol):
    """A place from which `Access` is read, again and again."""

    async def load(self, *, force: bool) -> Access:
        """Return the present access.

        Args:
            force: read everything again, also credentials that have not expired.

        Raises:
            SourceUnusable: it cannot be read.
        """


def credentials(kubeconfig: Path | None, service_account: Path) -> Credentials:
    """Return the credentials of a kubeconfig, of this pod, or of kubectl on this machine."""
    if kubeconfig is None and os.environ.get(SERVICE_HOST):
        return ServiceAccount(service_account, os.environ)
    default = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    return Kubeconfig(str(kubeconfig or default))


def pod_namespace(service_account: Path) -> str | None:
    """Return the namespace of the pod; None outside a pod."""
    if named := os.environ.get(_POD_NAMESPACE):
        return named
    try:
        return (service_account / "namespace").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


class ServiceAccount:
    """The credentials of the pod."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    async def load(self, *, force: bool) -> Access:  # noqa: ARG002  nothing is cached
        """Return the present access; the kubelet replaces both files while the pod runs."""
        host, port = self._environ.get(SERVICE_HOST), self._environ.get(_SERVICE_PORT) or "443"
        ca_file = self._folder / "ca.crt"
        try:
            # A file may end with a newline, which a header cannot contain.
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
    """The credentials of a kubeconfig, or of several that `$KUBECONFIG` joins with colons."""

    def __init__(self, paths: str) -> None:
        self._paths = paths
        self._loader: KubeConfigLoader | None = None

    async def load(self, *, force: bool) -> Access:
        """Return the present access; runs a login plugin if the kubeconfig names one."""
        from kubernetes_asyncio.client.configuration import Configuration  # noqa: PLC0415
        from kubernetes_asyncio.config.config_exception import ConfigException  # noqa: PLC0415

        configuration = Configuration()
        try:
            if self._loader is None or force:
                self._loader = _loader(self._paths)
            await self._loader.load_and_set(configuration)
        except (
            ConfigException,
            aiohttp.ClientError,
            yaml.YAMLError,
            OSError,
            # Errors of the library for a file that is not a kubeconfig.
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            AssertionError,
        ) as error:
            # The library quotes the file from the first brace on, which may contain a token.
            text = " ".join(str(error).partition("{")[0].split()) or "it is not a kubeconfig"
            raise SourceUnusable(f"kubernetes: {self._paths}: {text}; {_REMEDY}") from error
        return _access(configuration, self._loader)


def _loader(paths: str) -> "KubeConfigLoader":
    from kubernetes_asyncio.config.config_exception import ConfigException  # noqa: PLC0415
    from kubernetes_asyncio.config.kube_config import (  # noqa: PLC0415
        KubeConfigLoader,
        KubeConfigMerger,
    )

    merger = KubeConfigMerger(paths)
    if merger.config is None:
        raise ConfigException("there is no such file")
    # For kubectl the first file that names a current context counts; for the merger, the last.
    named = (config.get("current-context") for config in merger.config_files.values())
    context = next((name for name in named if name), None)
    return KubeConfigLoader(
        config_dict=merger.config, config_base_path=None, active_context=context
    )


def _access(configuration: "Configuration", loader: "KubeConfigLoader") -> Access:
    context = (loader.current_context or {}).get("context", {})
    return Access(
        server=str(configuration.host).rstrip("/"),
        authorization=str(configuration.api_key.get("BearerToken", "")).strip(),
        ca_file=configuration.ssl_ca_cert,
        cert_file=configuration.cert_file,
        key_file=configuration.key_file,
        verify=configuration.verify_ssl,
        server_hostname=configuration.tls_server_name,
        proxy=configuration.proxy,
        namespace=context.get("namespace") or None,
    )
