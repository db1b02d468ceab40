"""Judged monitors in, metric families out; all metrics of single monitors are defined here."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from yuptime_exporter.core.evaluation import gap_seconds
from yuptime_exporter.core.identity import AlertDefaults, alert_labels
from yuptime_exporter.core.messages import shown_message
from yuptime_exporter.core.model import Judged, MonitorKey, PushKind, Reason, Row, State, Verdict

# Labels that a scrape adds to its targets in Kubernetes: those of a ServiceMonitor, and the labels of the
# exporter's pod and Service where `labelmap` copies them. Exposed as empty, they are dropped from the
# series under `honor_labels: true` (prometheus/prometheus, scrape.go). So an alert does not contain the
# pod of the replica that was scraped.
TARGET_LABELS = (
    "app_kubernetes_io_component",
    "app_kubernetes_io_instance",
    "app_kubernetes_io_managed_by",
    "app_kubernetes_io_name",
    "app_kubernetes_io_part_of",
    "app_kubernetes_io_version",
    "container",
    "endpoint",
    "helm_sh_chart",
    "node",
    "pod",
    "pod_template_hash",
    "service",
)


def _last_push(row: Row, _: Verdict) -> float:
    return row.last_push.received_timestamp if row.last_push else 0


def _last_success(row: Row, _: Verdict) -> float:
    return row.last_push.last_success_timestamp if row.last_push else 0


def _up(row: Row, _: Verdict) -> float:
    return row.last_push is not None and row.last_push.status is PushKind.UP


_GAUGES: Mapping[str, tuple[str, Callable[[Row, Verdict], float]]] = {
    "yuptime_monitor_last_push_timestamp_seconds": (
        "Unix time of the last accepted push, 0 before the first.",
        _last_push,
    ),
    "yuptime_monitor_last_success_timestamp_seconds": (
        "Unix time of the last push that reported up, 0 before the first.",
        _last_success,
    ),
    "yuptime_monitor_expire_seconds": (
        "Time after a push at which the next one is due.",
        lambda row, _: gap_seconds(row),
    ),
    "yuptime_monitor_grace_seconds": (
        "Time past expiry before the monitor counts as down.",
        lambda row, _: row.monitor.grace_seconds,
    ),
    "yuptime_monitor_armed_timestamp_seconds": (
        "Unix time from which the first push is awaited.",
        lambda row, _: row.arming.armed_timestamp,
    ),
    "yuptime_monitor_deadline_timestamp_seconds": (
        "Unix time at which silence makes the monitor down.",
        lambda _, verdict: verdict.deadline_timestamp,
    ),
    "yuptime_monitor_due_timestamp_seconds": (
        "Unix time at which the next push is due.",
        lambda _, verdict: verdict.due_timestamp,
    ),
    "yuptime_monitor_down": (
        "Whether the monitor is down for any reason, judged at the scrape.",
        lambda _, verdict: verdict.state is State.DOWN,
    ),
    "yuptime_monitor_up": (
        "Whether the last push reported up, 0 before the first; silence is not folded in.",
        _up,
    ),
}

_COUNTERS: Mapping[str, tuple[str, Callable[[Row], float]]] = {
    "yuptime_monitor_pushes": (
        "Accepted pushes.",
        lambda row: row.last_push.pushes_total if row.last_push else 0,
    ),
    "yuptime_monitor_pushes_down": (
        "Accepted pushes that reported down.",
        lambda row: row.last_push.pushes_down_total if row.last_push else 0,
    ),
}


def monitor_families(
    judged: Iterable[Judged], defaults: AlertDefaults, *, messages: bool = False
) -> Iterator[Metric]:
    """Return the families of all monitors; without monitors, only their names and types.

    Args:
        judged: the monitors with their verdicts.
        defaults: labels of the alerts of all monitors.
        messages: whether the messages of monitors that are down are exposed.
    """
    rows = list(judged)
    labels = [
        {"namespace": row.monitor.key.namespace, "monitor": row.monitor.key.name} for row, _ in rows
    ]
    for name, (documentation, value) in _GAUGES.items():
        family: Metric = GaugeMetricFamily(name, documentation)
        family.samples = [
            Sample(name, own, float(value(row, verdict)))
            for own, (row, verdict) in zip(labels, rows, strict=True)
        ]
        yield family
    for name, (documentation, count) in _COUNTERS.items():
        family = CounterMetricFamily(name, documentation)
        family.samples = [
            Sample(f"{name}_total", own, float(count(row)))
            for own, (row, _) in zip(labels, rows, strict=True)
        ]
        yield family
    yield _alert_labels(rows, defaults)
    yield _info(rows, labels)
    yield _annotations(rows)
    if messages:
        yield _messages(rows)


def rejected_family(keys: Iterable[MonitorKey], rejected: Callable[[MonitorKey], int]) -> Metric:
    """Return the family of refused pushes; it counts since the program started."""
    family = CounterMetricFamily(
        "yuptime_monitor_pushes_rejected",
        "Pushes with a valid token that were refused: malformed, too large or too many.",
        labels=("namespace", "monitor"),
    )
    for key in keys:
        family.add_metric(key, rejected(key))
    return family


def process_families(
    *, monitors_by_type: Mapping[str, int], now_timestamp: float
) -> Iterator[Metric]:
    """Return the families of the exporter whose values are read at each scrape."""
    yield GaugeMetricFamily(
        "yuptime_time_seconds", "Unix time by the clock that judges.", value=now_timestamp
    )
    monitors = GaugeMetricFamily(
        "yuptime_monitors", "Declared monitors; only type push is judged.", labels=("type",)
    )
    for monitor_type, count in sorted(monitors_by_type.items()):
        monitors.add_metric((monitor_type,), count)
    yield monitors


def _alert_labels(rows: Iterable[Judged], defaults: AlertDefaults) -> Metric:
    family = GaugeMetricFamily(
        "yuptime_monitor_alert_labels",
        "Labels of the alerts of the monitor; absent while it is paused.",
    )
    unset = dict.fromkeys(TARGET_LABELS, "")
    for row, _ in rows:
        if row.monitor.enabled:
            own = alert_labels(row.monitor.key, row.monitor.alert_labels, defaults)
            family.add_sample(family.name, {**unset, **own}, 1.0)
    return family


def _info(rows: Iterable[Judged], labels: Iterable[Mapping[str, str]]) -> Metric:
    family = GaugeMetricFamily("yuptime_monitor_info", "Information about the monitor.")
    for (row, _), own in zip(rows, labels, strict=True):
        paused = "false" if row.monitor.enabled else "true"
        family.add_sample(family.name, {**own, "source": row.monitor.source, "paused": paused}, 1.0)
    return family


def _annotations(rows: Iterable[Judged]) -> Metric:
    family = GaugeMetricFamily(
        "yuptime_monitor_annotations_info",
        "Texts of the team for the alerts of the monitor; absent where it gives none.",
        labels=("namespace", "monitor", "description", "runbook_url"),
    )
    for row, _ in rows:
        monitor = row.monitor
        if monitor.alert_description or monitor.alert_runbook_url:
            texts = (monitor.alert_description, monitor.alert_runbook_url)
            family.add_metric((*monitor.key, *texts), 1.0)
    return family


def _messages(rows: Iterable[Judged]) -> Metric:
    """Return the messages of the jobs that reported down; no other message explains a state."""
    family = GaugeMetricFamily(
        "yuptime_monitor_message_info",
        "Message of the push that reported down; absent in every other state.",
        labels=("namespace", "monitor", "message"),
    )
    for row, verdict in rows:
        last = row.last_push
        if verdict.reason is Reason.REPORTED_DOWN and last is not None and last.message:
            family.add_metric((*row.monitor.key, shown_message(last.message)), 1.0)
    return family
