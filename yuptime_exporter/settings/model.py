"""The settings of one run, as values; a combination that cannot work cannot be written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

SecretsMode = Literal["watch", "get"]


@dataclass(frozen=True, slots=True)
class Address:
    """An address to listen on; `host` None means every interface, port 0 any free port."""

    host: str | None
    port: int

    def __str__(self) -> str:
        """Return the address as the flag has it."""
        host = self.host or ""
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


class LeaseName(NamedTuple):
    """Namespace and name of a Lease."""

    namespace: str
    name: str


DEFAULT_HISTORY_LIMIT = 100

# Where a first try stores its pushes: below the working directory.
DEFAULT_DATABASE = Path("data/yuptime.db")


@dataclass(frozen=True, slots=True)
class SqliteStorage:
    """Pushes are stored in an SQLite database.

    Attributes:
        history_limit: how many pushes to each monitor are kept.
    """

    path: Path
    history_limit: int = DEFAULT_HISTORY_LIMIT

    @property
    def makes_folder(self) -> bool:
        """Whether the exporter makes the folder of the database: for the default path only."""
        return self.path == DEFAULT_DATABASE


@dataclass(frozen=True, slots=True)
class StatusStorage:
    """Pushes are stored in the status of Monitor objects, which several replicas share.

    Attributes:
        history_limit: how many pushes to each monitor are kept in memory.
    """

    history_limit: int = DEFAULT_HISTORY_LIMIT


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """Monitors come from files and directories; there are no Monitor objects to store pushes in."""

    paths: tuple[Path, ...]
    storage: SqliteStorage


@dataclass(frozen=True, slots=True)
class ClusterSource:
    """Monitors come from a Kubernetes API server.

    Attributes:
        namespaces: the namespaces to follow; empty: all.
        kubeconfig: the file of that name; None: as a pod, or where kubectl looks for it.
        secrets_mode: `watch` all Secrets, or `get` those that Monitors name.
        lease: the Lease that replicas share; None: `yuptime-exporter` in the exporter's namespace.
        status_max_qps: most status writes a second, those of pushes not counted.
    """

    namespaces: tuple[str, ...]
    kubeconfig: Path | None
    secrets_mode: SecretsMode
    lease: LeaseName | None
    status_max_qps: float
    storage: SqliteStorage | StatusStorage

    @property
    def is_replicated(self) -> bool:
        """Whether other replicas may store pushes in the same place."""
        return isinstance(self.storage, StatusStorage)


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What pages show, and where their links lead.

    Attributes:
        hide_messages: whether the messages of jobs are left out of pages and JSON.
        show_client_addresses: whether the addresses of the clients that pushed are shown.
        alertmanager_url: of the Alertmanager for people; None: the first one that gets alerts.
        prometheus_url: of the Prometheus for people; None: no link.
        dashboard_url: of the Grafana dashboard of one monitor; None: no link.
    """

    hide_messages: bool = False
    show_client_addresses: bool = False
    alertmanager_url: str | None = None
    prometheus_url: str | None = None
    dashboard_url: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The command line, read; fixed for the life of the process.

    Attributes:
        source: where monitors come from, and with it where pushes can be stored.
        storage_retention_seconds: how long history is kept after a monitor was removed.
        web_config_file: TLS and users of the exporter's own listeners; None: plain and open.
        push_listen_addresses: the only addresses that serve pushes; empty: pushes are served
            together with everything else.
        runbook_url: the runbook of alerts whose monitor names none; None: that of the project.
        expose_messages: whether metrics contain the messages of jobs that reported down.
        external_url: URL of the exporter as seen from outside, without a slash at its end.
        route_prefix: the path below which everything is served; empty, or without a slash at
            its end.
        dialects: the names of the dialects that are served besides the native one.
        max_connections: how many may be open at once; None: as many as the system lets.
        fast_pushes: whether common pushes are answered without aiohttp.
    """

    source: ManifestSource | ClusterSource
    config_file: Path | None
    storage_retention_seconds: float
    web_config_file: Path | None
    listen_addresses: tuple[Address, ...]
    push_listen_addresses: tuple[Address, ...]
    telemetry_path: str
    external_url: str | None
    route_prefix: str
    enable_lifecycle: bool
    enable_admin_api: bool
    dialects: tuple[str, ...]
    max_connections: int | None
    fast_pushes: bool
    alertmanager_urls: tuple[str, ...]
    runbook_url: str | None
    expose_messages: bool
    pages: PageSettings
    log_level: str
    log_format: str
