"""What is counted of the writing of Monitor status."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge


class Written(StrEnum):
    """What became of a write."""

    DONE = "done"
    CONFLICT = "conflict"
    """The object has changed since it was drafted for; it is read anew."""
    GONE = "gone"
    UNWRITABLE = "unwritable"
    """The API server refuses the object as it is."""
    PRUNED = "pruned"
    """It was written, but the CRD has no place for it."""
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"


class Cause(StrEnum):
    """Why a status is written."""

    PUSH = "push"
    """A push waits to be acknowledged until it is written."""
    TRANSITION = "transition"
    HEARTBEAT = "heartbeat"


class StatusMetrics:
    """Counters and gauges of status writing, with all their series from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.writes = Counter(
            "yuptime_status_writes_total",
            "Status of Monitors that was written, by cause.",
            ("cause",),
            registry=registry,
        )
        self.errors = Counter(
            "yuptime_status_write_errors_total",
            "Writes of Monitor status that did not succeed, by what became of them.",
            ("reason",),
            registry=registry,
        )
        self.writable = Gauge(
            "yuptime_status_writable",
            "Whether the API server lets the exporter write the status of Monitors.",
            registry=registry,
        )
        self.queue_length = Gauge(
            "yuptime_status_queue_length",
            "Monitors whose status is to be written now.",
            registry=registry,
        )
        self.needed_writes_per_second = Gauge(
            "yuptime_status_needed_writes_per_second",
            "Writes a second that keep every status from expiring while its job pushes.",
            registry=registry,
        )
        self.max_writes_per_second = Gauge(
            "yuptime_status_max_writes_per_second",
            "Limit of --status.max-qps, above which statuses may lag behind.",
            registry=registry,
        )
        self.events = Counter(
            "yuptime_events_total",
            "Kubernetes Events about monitors, by what became of them.",
            ("outcome",),
            registry=registry,
        )
        for cause in Cause:
            self.writes.labels(cause)
        for written in Written:
            if written is not Written.DONE:
                self.errors.labels(written)
        for outcome in ("created", "duplicate", "failed", "dropped"):
            self.events.labels(outcome)
        self.writable.set(1)
