"""Metrics of the writes to Monitor objects."""

from enum import StrEnum
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge


class Written(StrEnum):
    """The outcome of a write; the values of the label `reason`, without `done`."""

    DONE = "done"
    CONFLICT = "conflict"
    """The object has changed since the draft; it is read and drafted again."""
    GONE = "gone"
    UNWRITABLE = "unwritable"
    """The API server rejects the object as it is."""
    PRUNED = "pruned"
    """The installed definition has dropped the status."""
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"


class Cause(StrEnum):
    """Why a status is written; the values of the label `cause`."""

    PUSH = "push"
    """A push waits for the write to be acknowledged."""
    TRANSITION = "transition"
    HEARTBEAT = "heartbeat"


class StatusMetrics:
    """The metrics of the reporter and of Events; all series exist from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self.writes = counter(
            "yuptime_status_writes_total",
            "Writes of the status of Monitors, by cause.",
            ("cause",),
        )
        self.errors = counter(
            "yuptime_status_write_errors_total",
            "Writes of the status of Monitors that failed, by reason.",
            ("reason",),
        )
        self.writable = gauge(
            "yuptime_status_writable",
            "Whether the API server lets the exporter write the status of Monitors.",
        )
        self.queue_length = gauge(
            "yuptime_status_queue_length", "Monitors whose status is due to be written."
        )
        self.needed_writes_per_second = gauge(
            "yuptime_status_needed_writes_per_second",
            "Writes a second that keep every status from expiring while its job pushes.",
        )
        self.max_writes_per_second = gauge(
            "yuptime_status_max_writes_per_second",
            "Limit of --status.max-qps; if more writes are needed, statuses are late.",
        )
        self.events = counter(
            "yuptime_events_total",
            "Kubernetes Events about monitors, by outcome.",
            ("outcome",),
        )
        for cause in Cause:
            self.writes.labels(cause)
        for written in Written:
            if written is not Written.DONE:
                self.errors.labels(written)
        for outcome in ("created", "duplicate", "failed", "dropped"):
            self.events.labels(outcome)
        self.writable.set(1)
