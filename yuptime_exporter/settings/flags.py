"""The flags of `yuptime-exporter`, named and grouped as those of Prometheus' programs."""

import argparse

from yuptime_exporter.settings import values
from yuptime_exporter.settings.model import DEFAULT_DATABASE, DEFAULT_HISTORY_LIMIT

DEFAULT_ADDRESS = ":10091"
_DEFAULT_STORAGE_URL = f"sqlite:{DEFAULT_DATABASE}"
_DEFAULT_RETENTION = "30d"

# 100 writes a second are a fifth of the 546 status patches a second that an API server on two
# cores accepted (measured), so that the exporter alone cannot keep it busy.
_DEFAULT_MAX_QPS = 100.0


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add every flag, in the groups that `--help` shows."""
    _add_sources(parser.add_argument_group("monitors and configuration"))
    _add_kubernetes(parser.add_argument_group("kubernetes"))
    _add_storage(parser.add_argument_group("storage"))
    web = parser.add_argument_group("web")
    _add_addresses(web)
    _add_paths(web)
    _add_permissions(web)
    _add_pages(web)
    _add_metrics(parser.add_argument_group("metrics"))
    _add_alerting(parser.add_argument_group("alerting"))
    _add_logs(parser.add_argument_group("logs"))


def _add_sources(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--source.manifests",
        dest="manifest_paths",
        metavar="PATH",
        type=values.file,
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
        type=values.file,
        help="YAML file with Alertmanagers, labels of alerts, and limits",
    )


def _add_kubernetes(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--kubernetes.namespace",
        dest="namespaces",
        metavar="NAMESPACE",
        type=values.namespace,
        action="append",
        default=[],
        help="follow this namespace only; repeatable (default: all)",
    )
    group.add_argument(
        "--kubernetes.kubeconfig",
        dest="kubeconfig",
        metavar="PATH",
        type=values.file,
        help="kubeconfig file of the API server (default: as a pod, or where kubectl looks)",
    )
    group.add_argument(
        "--kubernetes.secrets",
        dest="secrets_mode",
        choices=("watch", "get"),
        default="watch",
        help="watch all Secrets, or get only those that Monitors name (default: %(default)s)",
    )
    group.add_argument(
        "--kubernetes.lease",
        dest="lease",
        metavar="NAMESPACE/NAME",
        type=values.lease,
        help="Lease that replicas share (default: yuptime-exporter in the exporter's namespace)",
    )
    group.add_argument(
        "--status.max-qps",
        dest="status_max_qps",
        metavar="RATE",
        type=values.rate,
        default=_DEFAULT_MAX_QPS,
        help="most status writes a second, those of pushes not counted (default: %(default)s)",
    )


def _add_storage(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--storage.url",
        dest="storage",
        metavar="URL",
        type=values.storage,
        default=_DEFAULT_STORAGE_URL,
        help="where pushes are stored: sqlite:PATH or kubernetes: (default: %(default)s)",
    )
    group.add_argument(
        "--storage.retention",
        dest="storage_retention_seconds",
        metavar="DURATION",
        type=values.duration,
        default=_DEFAULT_RETENTION,
        help="how long history is kept after a monitor was removed (default: %(default)s)",
    )
    group.add_argument(
        "--storage.history",
        dest="history_limit",
        metavar="NUMBER",
        type=values.history_limit,
        default=str(DEFAULT_HISTORY_LIMIT),
        help="how many pushes to each monitor are kept for people to look at; 0: only what the last "
        "push says (default: %(default)s)",
    )


def _add_addresses(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--web.listen-address",
        dest="listen_addresses",
        metavar="ADDRESS",
        type=values.address,
        action="append",
        default=[],
        help=f"address to listen on; repeatable (default: {DEFAULT_ADDRESS})",
    )
    group.add_argument(
        "--push.listen-address",
        dest="push_listen_addresses",
        metavar="ADDRESS",
        type=values.address,
        action="append",
        default=[],
        help="address that serves pushes and probes; then no other serves pushes; repeatable",
    )
    group.add_argument(
        "--push.dialects",
        dest="dialects",
        metavar="NAMES",
        type=values.names,
        default=(),
        help="also accept pushes as other programs send them: healthchecks, uptime-kuma, gatus or "
        "alertmanager, separated by commas (default: none)",
    )


def _add_paths(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--web.config.file",
        dest="web_config_file",
        metavar="PATH",
        type=values.file,
        help="file with TLS, users and headers of the exporter's listeners, in the format of "
        "Prometheus (default: plain HTTP, open to all)",
    )
    group.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        metavar="PATH",
        type=values.path,
        default="/metrics",
        help="path of the metrics (default: %(default)s)",
    )
    group.add_argument(
        "--web.external-url",
        dest="external_url",
        metavar="URL",
        type=values.external_url,
        help="URL of this exporter as seen from outside, for links",
    )
    group.add_argument(
        "--web.route-prefix",
        dest="route_prefix",
        metavar="PATH",
        type=values.prefix,
        help="serve everything below this path (default: the path of --web.external-url)",
    )


def _add_permissions(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--web.enable-lifecycle",
        dest="enable_lifecycle",
        action="store_true",
        help="allow POST /-/reload",
    )
    group.add_argument(
        "--web.enable-admin-api",
        dest="enable_admin_api",
        action="store_true",
        help="allow copies of the database and test alerts, for `yuptime backup` and "
        "`yuptime test-alert`",
    )
    group.add_argument(
        "--web.max-connections",
        dest="max_connections",
        metavar="NUMBER",
        type=values.positive,
        help="most connections open at once; then the oldest idle one is closed for a new one "
        "(default: 4096, or fewer where the limit of open files is low)",
    )
    group.add_argument(
        "--web.fast-pushes",
        dest="fast_pushes",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="answer common pushes without the machinery that other requests need; "
        "turn it off to rule it out while looking for an error (default: on)",
    )


def _add_pages(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--web.hide-messages",
        dest="hide_messages",
        action="store_true",
        help="leave the messages of jobs out of pages and JSON",
    )
    group.add_argument(
        "--web.show-client-addresses",
        dest="show_client_addresses",
        action="store_true",
        help="show the addresses of the clients that pushed on pages and in JSON",
    )
    links = {
        "alertmanager": "Alertmanager, for links from pages to silences "
        "(default: the first of --alertmanager.url)",
        "prometheus": "Prometheus, for links on pages",
        "dashboard": "the Grafana dashboard of one monitor, for links on pages",
    }
    for name, target in links.items():
        group.add_argument(
            f"--web.{name}-url",
            dest=f"{name}_link",
            metavar="URL",
            type=values.web_url,
            help=f"URL of {target}",
        )


def _add_metrics(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--metrics.messages",
        dest="expose_messages",
        action="store_true",
        help="expose the messages of jobs that reported down, for the alerts of Prometheus; "
        "every reader of the metrics can then read them",
    )


def _add_alerting(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--alerting.runbook-url",
        dest="runbook_url",
        metavar="URL",
        type=values.web_url,
        help="runbook of alerts whose monitor names none (default: that of the project)",
    )
    group.add_argument(
        "--alertmanager.url",
        dest="alertmanager_urls",
        metavar="URL",
        type=values.alertmanager_url,
        action="append",
        default=[],
        help="Alertmanager that receives the alerts of all monitors, without credentials; "
        "repeatable",
    )


def _add_logs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--log.level",
        dest="log_level",
        choices=("debug", "info", "warn", "error"),
        default="info",
        help="least severe level that is logged (default: %(default)s)",
    )
    group.add_argument(
        "--log.format",
        dest="log_format",
        choices=("logfmt", "json"),
        default="logfmt",
        help="format of log lines (default: %(default)s)",
    )
