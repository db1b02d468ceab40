"""Access to the API server of a kubeconfig.

kubernetes_asyncio runs login plugins and reads certificates. It is imported only here, since any
part of it takes 40 MiB and 0.3 s. Fields that it ignores are read here, or refused.
"""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.kubernetes.access import Access, header_value, impersonation_headers
from yuptime_exporter.kubernetes.kubeconfig_files import Entry, Selected, selected

if TYPE_CHECKING:
    from kubernetes_asyncio.client.configuration import Configuration
    from kubernetes_asyncio.config.kube_config import KubeConfigLoader

REMEDY = "give --kubernetes.kubeconfig=PATH, or run in a pod that has a service account"

_FILE_FIELDS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_BASE64_FIELDS = ("certificate-authority-data", "client-certificate-data", "client-key-data")


class Kubeconfig:
    """The credentials of a kubeconfig, or of several that `$KUBECONFIG` joins with colons."""

    def __init__(self, paths: str) -> None:
        self._paths = paths
        self._selected: Selected | None = None
        self._loader: KubeConfigLoader | None = None

    async def load(self, *, force: bool) -> Access:
        """Return the present access; runs a login plugin if the kubeconfig names one."""
        try:
            return await self._load(force=force)
        except SourceUnusable as error:
            text = str(error).removeprefix("kubernetes: ")
            raise SourceUnusable(f"kubernetes: {self._paths}: {text}; {REMEDY}") from error

    async def _load(self, *, force: bool) -> Access:
        from kubernetes_asyncio.client.configuration import Configuration  # noqa: PLC0415
        from kubernetes_asyncio.config.config_exception import ConfigException  # noqa: PLC0415

        configuration = Configuration()
        plugin = ""
        try:
            if self._selected is None or self._loader is None or force:
                self._selected = selected(self._paths)
                _check(self._selected)
                self._loader = _loader(self._selected)
            plugin = _plugin_of(self._selected.user)
            await self._loader.load_and_set(configuration)
        except (
            ConfigException,
            aiohttp.ClientError,
            OSError,
            # Errors of the library for values of another type.
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            AssertionError,
        ) as error:
            # The library quotes the file from the first brace on, which may contain a token.
            said = _without_number(error) if isinstance(error, OSError) else str(error)
            text = " ".join(said.partition("{")[0].split()) or "it is not a kubeconfig"
            raise SourceUnusable(f"{plugin}{text}") from error
        return _access(configuration, self._selected)


def _without_number(error: OSError) -> str:
    """Return the reason and the file of an error of the system."""
    return ": ".join(str(part) for part in (error.filename, error.strerror) if part) or str(error)


def _check(found: Selected) -> None:
    """Refuse values that the library would ignore or use otherwise than kubectl does."""
    cluster, user = found.cluster, found.user
    server = str(cluster.values.get("server") or "")
    if not server.startswith(("http://", "https://")):
        raise SourceUnusable(
            f"{cluster.place}.server: expected a URL that begins with https:// or http://"
        )
    _check_proxy(cluster)
    for entry in (cluster, user):
        _check_entry(entry)
    if _has(user, "client-certificate") and not _has(user, "client-key"):
        raise SourceUnusable(f"{user.place}.client-key: expected the key of client-certificate")
    provider = user.values.get("auth-provider")
    if isinstance(provider, Mapping) and provider.get("name") == "gcp":
        raise SourceUnusable(
            f"{user.place}.auth-provider: expected oidc, got gcp, which Kubernetes removed in 1.26 "
            "in favour of the plugin gke-gcloud-auth-plugin"
        )


def _check_proxy(cluster: Entry) -> None:
    proxy = cluster.values.get("proxy-url")
    if not proxy:
        return
    place = f"{cluster.place}.proxy-url"
    try:
        scheme = URL(str(proxy)).scheme
    except ValueError as error:
        raise SourceUnusable(f"{place}: expected a URL") from error
    if scheme not in {"http", "https"}:
        # The URL itself may contain a password.
        raise SourceUnusable(
            f"{place}: expected a proxy with http:// or https://, got the scheme {scheme!r}"
        )


def _check_entry(entry: Entry) -> None:
    for name in _BASE64_FIELDS:
        if name in entry.values:
            _check_base64(entry.values[name], f"{entry.place}.{name}")
    for name in _FILE_FIELDS:
        if entry.values.get(name) and not entry.values.get(f"{name}-data"):
            _check_file(entry, name)


def _has(entry: Entry, name: str) -> bool:
    return bool(entry.values.get(name) or entry.values.get(f"{name}-data"))


def _check_file(entry: Entry, name: str) -> None:
    """Refuse a path at which there is no file; it is relative to the folder of the kubeconfig."""
    path = Path(entry.file).parent / str(entry.values[name])
    if not path.is_file():
        raise SourceUnusable(f"{entry.place}.{name}: there is no such file: {path}")


def _check_base64(value: object, place: str) -> None:
    try:
        base64.b64decode("".join(str(value).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SourceUnusable(f"{place}: expected base64, got other characters") from error


def _loader(found: Selected) -> "KubeConfigLoader":
    from kubernetes_asyncio.config.kube_config import ConfigNode, KubeConfigLoader  # noqa: PLC0415

    user = dict(found.user.values)
    if user.get("tokenFile"):
        user.pop("token", None)  # kubectl prefers the file, which may be replaced
    plugin = user.get("exec")
    if isinstance(plugin, Mapping) and "/" in str(plugin.get("command", "")):
        # As kubectl does; a name without a slash is looked for in $PATH.
        folder = Path(found.user.file).parent.absolute()
        user["exec"] = {**plugin, "command": str(folder / plugin["command"])}
    config = {
        "current-context": "selected",
        "contexts": [{"name": "selected", "context": {"cluster": "selected", "user": "selected"}}],
        "clusters": [_node(ConfigNode, "cluster", found.cluster.values, found.cluster.file)],
        "users": [_node(ConfigNode, "user", user, found.user.file)],
    }
    return KubeConfigLoader(config_dict=config, config_base_path=None)


def _node(node: type[Any], kind: str, values: Mapping[str, Any], file: str) -> object:
    return node(kind, {"name": "selected", kind: dict(values)}, file)


def _plugin_of(user: Entry) -> str:
    """Return the beginning of an error of a login plugin; empty: there is no plugin."""
    plugin = user.values.get("exec")
    command = plugin.get("command") if isinstance(plugin, Mapping) else None
    return f"the login plugin {Path(str(command)).name} failed: " if command else ""


def _access(configuration: "Configuration", found: Selected) -> Access:
    authorization = str(configuration.api_key.get("BearerToken", ""))
    return Access(
        server=str(configuration.host).rstrip("/"),
        authorization=header_value(authorization, f"{found.user.place}: the token"),
        impersonation=impersonation_headers(found.user.values),
        ca_file=configuration.ssl_ca_cert,
        cert_file=configuration.cert_file,
        key_file=configuration.key_file,
        verify=configuration.verify_ssl,
        server_hostname=configuration.tls_server_name,
        proxy=configuration.proxy,
        namespace=found.namespace,
    )
