"""All metrics of single monitors: each is one entry of `FAMILIES`."""

from functools import lru_cache

from yuptime_exporter.core.evaluation import gap_seconds
from yuptime_exporter.core.exposition import Family, Shown
from yuptime_exporter.core.exposition_text import Labels
from yuptime_exporter.core.identity import AlertDefaults, further_alert_labels
from yuptime_exporter.core.messages import shown_message
from yuptime_exporter.core.model import PushKind, Reason, State
from yuptime_exporter.core.run_families import RUN_FAMILIES

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


def _last_push(shown: Shown) -> float:
    last = shown.row.last_push
    return last.received_timestamp if last else 0


def _last_success(shown: Shown) -> float:
    last = shown.row.last_push
    return last.last_success_timestamp if last else 0


def _up(shown: Shown) -> float:
    last = shown.row.last_push
    return last is not None and last.status is PushKind.UP


def _pushes(shown: Shown) -> float:
    last = shown.row.last_push
    return last.pushes_total if last else 0


def _pushes_down(shown: Shown) -> float:
    last = shown.row.last_push
    return last.pushes_down_total if last else 0


def _if_enabled(shown: Shown) -> float | None:
    return 1 if shown.row.monitor.enabled else None


def _alert_labels(shown: Shown) -> Labels:
    return _exposed_alert_labels(shown.row.monitor.alert_labels, shown.defaults)


@lru_cache(maxsize=1024)
def _exposed_alert_labels(own_labels: Labels, defaults: AlertDefaults) -> Labels:
    unset = dict.fromkeys(TARGET_LABELS, "")
    return tuple((unset | further_alert_labels(own_labels, defaults)).items())


def _info(shown: Shown) -> Labels:
    monitor = shown.row.monitor
    return (("source", monitor.source), ("paused", "false" if monitor.enabled else "true"))


def _schedule(shown: Shown) -> Labels:
    schedule = shown.row.monitor.schedule
    return (
        ("kind", schedule.kind),
        ("schedule", schedule.text),
        ("time_zone", schedule.time_zone),
    )


def _if_annotated(shown: Shown) -> float | None:
    monitor = shown.row.monitor
    return 1 if monitor.alert_description or monitor.alert_runbook_url else None


def _annotations(shown: Shown) -> Labels:
    monitor = shown.row.monitor
    return (
        ("description", monitor.alert_description),
        ("runbook_url", monitor.alert_runbook_url),
    )


def _if_reported_down(shown: Shown) -> float | None:
    """Return 1 where a message explains the state."""
    last = shown.row.last_push
    reported = shown.verdict.reason is Reason.REPORTED_DOWN
    return 1 if reported and last is not None and last.message else None


def _message(shown: Shown) -> Labels:
    last = shown.row.last_push
    return (("message", shown_message(last.message) if last else ""),)


FAMILIES = (
    Family(
        "yuptime_monitor_last_push_timestamp_seconds",
        "Unix time of the last accepted push, 0 before the first.",
        _last_push,
    ),
    Family(
        "yuptime_monitor_last_success_timestamp_seconds",
        "Unix time of the last push that reported up, 0 before the first.",
        _last_success,
    ),
    Family(
        "yuptime_monitor_expire_seconds",
        "Time after a push at which the next one is due.",
        lambda shown: gap_seconds(shown.row),
    ),
    Family(
        "yuptime_monitor_grace_seconds",
        "Time past expiry before the monitor counts as down.",
        lambda shown: shown.row.monitor.grace_seconds,
        declared=True,
    ),
    Family(
        "yuptime_monitor_armed_timestamp_seconds",
        "Unix time from which the first push is awaited.",
        lambda shown: shown.row.arming.armed_timestamp,
    ),
    Family(
        "yuptime_monitor_deadline_timestamp_seconds",
        "Unix time at which silence makes the monitor down.",
        lambda shown: shown.verdict.deadline_timestamp,
    ),
    Family(
        "yuptime_monitor_due_timestamp_seconds",
        "Unix time at which the next push is due.",
        lambda shown: shown.verdict.due_timestamp,
    ),
    Family(
        "yuptime_monitor_down",
        "Whether the monitor is down for any reason, judged at the scrape.",
        lambda shown: shown.verdict.state is State.DOWN,
    ),
    Family(
        "yuptime_monitor_up",
        "Whether the last push reported up, 0 before the first; silence is not folded in.",
        _up,
    ),
    Family("yuptime_monitor_pushes", "Accepted pushes.", _pushes, type="counter"),
    Family(
        "yuptime_monitor_pushes_down",
        "Accepted pushes that reported down.",
        _pushes_down,
        type="counter",
    ),
    Family(
        "yuptime_monitor_pushes_rejected",
        "Pushes with a valid token that were refused: malformed, too large or too many.",
        lambda shown: shown.rejected_total,
        type="counter",
    ),
    Family(
        "yuptime_monitor_alert_labels",
        "Labels of the alerts of the monitor; absent while it is paused.",
        _if_enabled,
        _alert_labels,
        declared=True,
    ),
    Family(
        "yuptime_monitor_info", "Information about the monitor.", lambda _: 1, _info, declared=True
    ),
    Family(
        "yuptime_monitor_schedule_info",
        "When pushes are due: an interval, or a cron expression in a time zone.",
        lambda _: 1,
        _schedule,
        declared=True,
    ),
    Family(
        "yuptime_monitor_annotations_info",
        "Texts of the team for the alerts of the monitor; absent where it gives none.",
        _if_annotated,
        _annotations,
        declared=True,
    ),
    *RUN_FAMILIES,
)

MESSAGES = Family(
    "yuptime_monitor_message_info",
    "Message of the push that reported down; absent in every other state.",
    _if_reported_down,
    _message,
)
"""The messages of the jobs that reported down; exposed with `--metrics.messages` only."""


def exposed_families(*, messages: bool) -> tuple[Family, ...]:
    """Return all families of monitors.

    Args:
        messages: whether `--metrics.messages` was given.
    """
    return (*FAMILIES, MESSAGES) if messages else FAMILIES
