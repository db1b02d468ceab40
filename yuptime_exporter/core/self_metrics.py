"""What the exporter counts of itself. Metric names of single monitors live in `exposition`."""

import platform
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Ten steps from the fastest push (a commit takes 0.2 ms) to beyond every timeout.
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0)
_COMMIT_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0)


class Rejection(StrEnum):
    """Why a push was not accepted. Closed on purpose: no client can add a series.

    An unknown monitor and a wrong token are one reason, since whoever may read the metrics
    need not be somebody who may learn which monitors exist.
    """

    UNAUTHORIZED = "unauthorized"
    MALFORMED = "malformed"
    TIMEOUT = "timeout"
    LENGTH_REQUIRED = "length_required"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    RATE_LIMITED = "rate_limited"
    NOT_READY = "not_ready"
    TOKEN_MISSING = "token_missing"  # noqa: S105  a reason, not a token
    STORE_UNAVAILABLE = "store_unavailable"


@dataclass(frozen=True, slots=True)
class NotificationMetrics:
    """What is counted of one Alertmanager; the names are those of Prometheus' own sender."""

    sent: Counter
    errors: Counter
    dropped: Counter
    latency: Histogram
    queue_length: Gauge


class SelfMetrics:
    """Every counter, gauge and histogram about the exporter, on a registry of its own."""

    def __init__(self, registry: CollectorRegistry, *, version: str, revision: str) -> None:
        build_info = Gauge(
            "yuptime_build_info",
            "A metric with a constant '1' value labeled by version, revision and Python.",
            ("version", "revision", "pythonversion", "implementation"),
            registry=registry,
        )
        build_info.labels(
            version, revision, platform.python_version(), platform.python_implementation()
        ).set(1)
        self.ready = Gauge(
            "yuptime_ready",
            "Whether state is restored and all monitors are listed.",
            registry=registry,
        )
        self.config_reload_successful = Gauge(
            "yuptime_config_last_reload_successful",
            "Whether the last configuration reload attempt was successful.",
            registry=registry,
        )
        self.config_reload_success_timestamp_seconds = Gauge(
            "yuptime_config_last_reload_success_timestamp_seconds",
            "Unix time of the last successful configuration reload.",
            registry=registry,
        )
        self.monitors_invalid = Gauge(
            "yuptime_monitors_invalid",
            "Number of declared monitors, Secrets and files that cannot be used as they are.",
            registry=registry,
        )
        self.documents_ignored = Gauge(
            "yuptime_documents_ignored",
            "Number of documents of other kinds that the sources hold.",
            registry=registry,
        )
        self.pushes_rejected = Counter(
            "yuptime_pushes_rejected_total",
            "Pushes that were not accepted.",
            ("reason",),
            registry=registry,
        )
        for reason in Rejection:
            self.pushes_rejected.labels(reason)
        self.http_request_duration_seconds = Histogram(
            "yuptime_http_request_duration_seconds",
            "Time from the end of a request's headers to the end of its answer.",
            ("handler", "method", "code"),
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self.outage_credit_seconds = Counter(
            "yuptime_outage_credit_seconds_total",
            "Time in which nobody could push, credited to the deadlines that were open in it.",
            registry=registry,
        )
        self.future_timestamps = Counter(
            "yuptime_store_future_timestamps_total",
            "Stored moments that lay in the future and were set to the present.",
            registry=registry,
        )
        self.store_commit_duration_seconds = Histogram(
            "yuptime_store_commit_duration_seconds",
            "Time to make one group of writes durable.",
            buckets=_COMMIT_BUCKETS,
            registry=registry,
        )
        self.store_writes = Counter(
            "yuptime_store_writes_total",
            "Values made durable.",
            registry=registry,
        )
        self.store_errors = Counter(
            "yuptime_store_errors_total",
            "Groups of writes that the store refused; none of them was acknowledged.",
            registry=registry,
        )
        self.store_last_commit_timestamp_seconds = Gauge(
            "yuptime_store_last_commit_timestamp_seconds",
            "Unix time of the last durable write, 0 before the first.",
            registry=registry,
        )
        self.store_queue_length = Gauge(
            "yuptime_store_queue_length",
            "Writes that wait for the store.",
            registry=registry,
        )
        self.store_queue_capacity = Gauge(
            "yuptime_store_queue_capacity",
            "Writes that may wait for the store before further ones are refused.",
            registry=registry,
        )
        labels = ("alertmanager",)
        self._notifications_sent = Counter(
            "yuptime_notifications_sent_total",
            "Alerts that an Alertmanager accepted.",
            labels,
            registry=registry,
        )
        self._notifications_errors = Counter(
            "yuptime_notifications_errors_total",
            "Alerts that could not be sent to an Alertmanager; they are sent again.",
            labels,
            registry=registry,
        )
        self._notifications_dropped = Counter(
            "yuptime_notifications_dropped_total",
            "Alerts that were dropped, after an error or because too many waited.",
            labels,
            registry=registry,
        )
        self._notifications_latency = Histogram(
            "yuptime_notifications_latency_seconds",
            "Time of one request to an Alertmanager.",
            labels,
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self._notifications_queue_length = Gauge(
            "yuptime_notifications_queue_length",
            "Alerts that wait to be sent to an Alertmanager.",
            labels,
            registry=registry,
        )
        self.notifications_queue_capacity = Gauge(
            "yuptime_notifications_queue_capacity",
            "Alerts that may wait for each address of an Alertmanager.",
            registry=registry,
        )

    def notifications_to(self, alertmanager: str) -> NotificationMetrics:
        """Return what is counted of one Alertmanager, from now on shown as 0."""
        return NotificationMetrics(
            sent=self._notifications_sent.labels(alertmanager),
            errors=self._notifications_errors.labels(alertmanager),
            dropped=self._notifications_dropped.labels(alertmanager),
            latency=self._notifications_latency.labels(alertmanager),
            queue_length=self._notifications_queue_length.labels(alertmanager),
        )

    def forget_notifications_to(self, alertmanager: str) -> None:
        """Show nothing more of an Alertmanager that is no longer sent to."""
        for metric in (
            self._notifications_sent,
            self._notifications_errors,
            self._notifications_dropped,
            self._notifications_latency,
            self._notifications_queue_length,
        ):
            metric.remove(alertmanager)
