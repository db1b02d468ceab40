"""Metrics of alerts sent to Alertmanagers; the names are those of Prometheus' own sender."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from yuptime_exporter.metrics.http import REQUEST_BUCKETS_SECONDS


@dataclass(frozen=True, slots=True)
class AlertmanagerMetrics:
    """Metrics of one Alertmanager."""

    sent: Counter
    errors: Counter
    dropped: Counter
    latency: Histogram
    queue_length: Gauge


class NotificationMetrics:
    """Metrics of all Alertmanagers, by URL."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("alertmanager",)
        self._sent = Counter(
            "yuptime_notifications_sent_total",
            "Alerts that an Alertmanager accepted.",
            labels,
            registry=registry,
        )
        self._errors = Counter(
            "yuptime_notifications_errors_total",
            "Alerts that could not be sent to an Alertmanager, and are sent again; failed checks too.",
            labels,
            registry=registry,
        )
        self._dropped = Counter(
            "yuptime_notifications_dropped_total",
            "Alerts that were dropped, after an error or because too many waited.",
            labels,
            registry=registry,
        )
        self._latency = Histogram(
            "yuptime_notifications_latency_seconds",
            "Time of one request to an Alertmanager.",
            labels,
            buckets=REQUEST_BUCKETS_SECONDS,
            registry=registry,
        )
        self._queue_length = Gauge(
            "yuptime_notifications_queue_length",
            "Alerts that wait to be sent to an Alertmanager.",
            labels,
            registry=registry,
        )
        self.queue_capacity = Gauge(
            "yuptime_notifications_queue_capacity",
            "Alerts that may wait for each address of an Alertmanager.",
            registry=registry,
        )

    def of(self, alertmanager: str) -> AlertmanagerMetrics:
        """Return the metrics of one Alertmanager; its series are 0 from now on."""
        return AlertmanagerMetrics(
            sent=self._sent.labels(alertmanager),
            errors=self._errors.labels(alertmanager),
            dropped=self._dropped.labels(alertmanager),
            latency=self._latency.labels(alertmanager),
            queue_length=self._queue_length.labels(alertmanager),
        )

    def forget(self, alertmanager: str) -> None:
        """Remove the series of an Alertmanager that is no longer sent to."""
        for metric in (self._sent, self._errors, self._dropped, self._latency, self._queue_length):
            metric.remove(alertmanager)
