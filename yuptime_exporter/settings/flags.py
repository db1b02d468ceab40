"""The command line of `yuptime-exporter`: flags in, settings out, as Prometheus' programs do it."""

import argparse
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from yuptime_exporter import __version__
from yuptime_exporter.core.durations import duration_seconds
from yuptime_exporter.core.urls import base_url, url_problem

_DEFAULT_ADDRESS = ":10091"
_DEFAULT_STORAGE_URL = "sqlite:data/yuptime.db"
_DEFAULT_RETENTION = "30d"

# A tenth of what an API server on two cores accepted (measured: 546 status patches a second), so
# that the exporter alone cannot keep it busy.
_DEFAULT_MAX_QPS = 100.0

_DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"  # RFC 1123

_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; `host` None means every interface, port 0 any free port."""

    host: str | None
    port: int

    def __str__(self) -> str:
        """Return the form in which the flag takes it."""
        host = self.host or ""
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says; fixed for the life of the process.

    Attributes:
        manifest_paths: where manifests are; empty: monitors come from Kubernetes.
        namespaces: whose Monitors are followed; empty: of all.
        secrets_mode: `watch` or `get`.
        lease: namespace and name, with a slash between them; None: the exporter's own.
        storage_path: of the database; None: pushes rest in the status of Monitors.
        push_listen_addresses: where push routes are served, and nowhere else; empty: together
            with everything else.
        external_url: how the exporter is reached from outside, without a slash at its end.
        route_prefix: the path below which everything is served; empty, or without a slash at
            its end.
    """

    manifest_paths: tuple[Path, ...]
    kubernetes: bool
    namespaces: tuple[str, ...]
    kubeconfig: Path | None
    secrets_mode: str
    status_max_qps: float
    lease: str | None
    config_file: Path | None
    storage_path: Path | None
    storage_retention_seconds: float
    listen_addresses: tuple[Address, ...]
    push_listen_addresses: tuple[Address, ...]
    telemetry_path: str
    external_url: str | None
    route_prefix: str
    enable_lifecycle: bool
    alertmanager_urls: tuple[str, ...]
    log_level: str
    log_format: str


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Leaves the version its lines, and the flags their column."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34)


def version_text(program: str = "yuptime-exporter") -> str:
    """Return what `--version` prints."""
    return (
        f"{program}, version {__version__}\n"
        f"  python version: {platform.python_version()}\n"
        f"  platform:       {platform.system().lower()}/{platform.machine()}"
    )


def parse_arguments(arguments: Sequence[str] | None = None) -> Settings:
    """Return what the command line says; exits with 2 and the usage where it is wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    problem = _contradiction(given)
    if problem:
        parser.error(problem)
    external_path = urlsplit(given.external_url or "").path
    return Settings(
        manifest_paths=tuple(given.manifest_paths),
        kubernetes=given.kubernetes,
        namespaces=tuple(dict.fromkeys(given.namespaces)),
        kubeconfig=given.kubeconfig,
        secrets_mode=given.secrets_mode,
        status_max_qps=given.status_max_qps,
        lease=given.lease,
        config_file=given.config_file,
        storage_path=given.storage_path,
        storage_retention_seconds=given.storage_retention_seconds,
        listen_addresses=tuple(given.listen_addresses or [_address(_DEFAULT_ADDRESS)]),
        push_listen_addresses=tuple(given.push_listen_addresses),
        telemetry_path=given.telemetry_path,
        external_url=given.external_url,
        route_prefix=_prefix(external_path) if given.route_prefix is None else given.route_prefix,
        enable_lifecycle=given.enable_lifecycle,
        alertmanager_urls=tuple(dict.fromkeys(given.alertmanager_urls)),
        log_level=given.log_level,
        log_format=given.log_format,
    )


def _contradiction(given: argparse.Namespace) -> str | None:
    """Return what cannot be meant by the flags together."""
    if not given.manifest_paths and not given.kubernetes:
        return (
            "no source of monitors: give --source.manifests=PATH, a file or a directory of YAML, "
            "or --source.kubernetes"
        )
    if given.manifest_paths and given.kubernetes:
        return "two sources of monitors: give --source.manifests or --source.kubernetes, not both"
    if given.storage_path is None and not given.kubernetes:
        return "--storage.url=kubernetes: needs Monitor objects: give --source.kubernetes, too"
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="yuptime-exporter",
        description="Receives the pushes of jobs and tells Prometheus which did not come.",
        allow_abbrev=False,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_text())
    _add_sources(parser.add_argument_group("monitors and configuration"))
    _add_kubernetes(parser.add_argument_group("kubernetes"))
    _add_storage(parser.add_argument_group("storage"))
    _add_web(parser.add_argument_group("web"))
    _add_alerting(parser.add_argument_group("alerting"))
    _add_logs(parser.add_argument_group("logs"))
    return parser


def _add_sources(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--source.manifests",
        dest="manifest_paths",
        metavar="PATH",
        type=Path,
        action="append",
        default=[],
        help="file or directory with the YAML of Monitors and Secrets; repeatable",
    )
    group.add_argument(
        "--source.kubernetes",
        dest="kubernetes",
        action="store_true",
        help="follow the Monitors and Secrets of a Kubernetes API server",
    )
    group.add_argument(
        "--config.file",
        dest="config_file",
        metavar="PATH",
        type=Path,
        help="Alertmanagers, labels of alerts, and limits, in YAML",
    )


def _add_kubernetes(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--kubernetes.namespace",
        dest="namespaces",
        metavar="NAMESPACE",
        type=_namespace,
        action="append",
        default=[],
        help="follow this namespace only; repeatable (default: all)",
    )
    group.add_argument(
        "--kubernetes.kubeconfig",
        dest="kubeconfig",
        metavar="PATH",
        type=Path,
        help="how to reach the API server (default: as a pod, or where kubectl looks)",
    )
    group.add_argument(
        "--kubernetes.secrets",
        dest="secrets_mode",
        choices=("watch", "get"),
        default="watch",
        help="watch Secrets, or only read those that Monitors name (default: %(default)s)",
    )
    group.add_argument(
        "--kubernetes.lease",
        dest="lease",
        metavar="NAMESPACE/NAME",
        type=_lease,
        help="where replicas note that they receive (default: yuptime-exporter beside the pod)",
    )
    group.add_argument(
        "--status.max-qps",
        dest="status_max_qps",
        metavar="RATE",
        type=_rate,
        default=_DEFAULT_MAX_QPS,
        help="most status writes a second that no push waits for (default: %(default)s)",
    )


def _add_storage(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--storage.url",
        dest="storage_path",
        metavar="URL",
        type=_storage_path,
        default=_DEFAULT_STORAGE_URL,
        help="where last pushes rest: sqlite:PATH or kubernetes: (default: %(default)s)",
    )
    group.add_argument(
        "--storage.retention",
        dest="storage_retention_seconds",
        metavar="DURATION",
        type=_duration,
        default=_DEFAULT_RETENTION,
        help="how long history outlives a monitor's declaration (default: %(default)s)",
    )


def _add_web(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--web.listen-address",
        dest="listen_addresses",
        metavar="ADDRESS",
        type=_address,
        action="append",
        default=[],
        help=f"where to listen; repeatable (default: {_DEFAULT_ADDRESS})",
    )
    group.add_argument(
        "--push.listen-address",
        dest="push_listen_addresses",
        metavar="ADDRESS",
        type=_address,
        action="append",
        default=[],
        help="serve pushes and probes here, and pushes nowhere else; repeatable",
    )
    group.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        metavar="PATH",
        type=_path,
        default="/metrics",
        help="path of the metrics (default: %(default)s)",
    )
    group.add_argument(
        "--web.external-url",
        dest="external_url",
        metavar="URL",
        type=_external_url,
        help="how this exporter is reached from outside, for links",
    )
    group.add_argument(
        "--web.route-prefix",
        dest="route_prefix",
        metavar="PATH",
        type=_prefix,
        help="serve everything below this path (default: the path of --web.external-url)",
    )
    group.add_argument(
        "--web.enable-lifecycle",
        dest="enable_lifecycle",
        action="store_true",
        help="allow POST /-/reload",
    )


def _add_alerting(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--alertmanager.url",
        dest="alertmanager_urls",
        metavar="URL",
        type=_alertmanager_url,
        action="append",
        default=[],
        help="Alertmanager that is told of every monitor, without credentials; repeatable",
    )


def _add_logs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--log.level",
        dest="log_level",
        choices=("debug", "info", "warn", "error"),
        default="info",
        help="only log what is at least this severe (default: %(default)s)",
    )
    group.add_argument(
        "--log.format",
        dest="log_format",
        choices=("logfmt", "json"),
        default="logfmt",
        help="how a line of the log is written (default: %(default)s)",
    )


def _address(text: str) -> Address:
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > 65_535:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, allowed is HOST:PORT, :PORT or [IPV6]:PORT with a port up to 65535"
        )
    return Address(match["v6"] or match["host"] or None, int(match["port"]))


def _duration(text: str) -> float:
    try:
        return duration_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _storage_path(text: str) -> Path | None:
    scheme, _, path = text.partition(":")
    if text == "kubernetes:":
        return None
    if scheme != "sqlite" or not path:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed are sqlite:PATH and kubernetes:")
    return Path(path)


def _namespace(text: str) -> str:
    if len(text) > 63 or not re.fullmatch(_DNS_LABEL, text):
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is the name of a namespace")
    return text


def _lease(text: str) -> str:
    if not re.fullmatch(rf"{_DNS_LABEL}/{_DNS_LABEL}(\.{_DNS_LABEL})*", text):
        raise argparse.ArgumentTypeError(
            f"found {text!r}, allowed is NAMESPACE/NAME, such as yuptime/yuptime-exporter"
        )
    return text


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 1 <= rate <= 10_000:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is a number from 1 to 10000")
    return rate


def _path(text: str) -> str:
    if not re.fullmatch(r"(/[\w.~-]+)+", text):
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is a path such as /metrics")
    return text


def _prefix(text: str) -> str:
    stripped = text.rstrip("/")
    return _path(stripped) if stripped else ""


def _alertmanager_url(text: str) -> str:
    problem = url_problem(text)
    if problem:
        raise argparse.ArgumentTypeError(f"found {text!r}, {problem}")
    return base_url(text)


def _external_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, allowed is a URL such as https://yuptime.example.com/jobs"
        )
    _prefix(url.path)
    return text.rstrip("/")
