"""Limits of sending alerts, each with its source."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SinkLimits:
    """Times in seconds and numbers of alerts; the defaults are for production.

    Attributes:
        max_batch: most alerts in one request; Prometheus, notifier/manager.go,
            DefaultMaxBatchSize.
        queue_capacity: most alerts that wait for one address; Prometheus, cmd/prometheus/main.go,
            --alertmanager.notification-queue-capacity.
        resolve_interval_seconds: time between two lookups of a name with known addresses: pods
            behind a headless Service come and go.
        resolve_retry_seconds: time between two lookups of a name without known addresses, for
            which alerts may be waiting.
        check_seconds: time without an alert after which an empty request is sent, so that an
            Alertmanager that takes no alerts is known before the first one.
        drain_seconds: time for the last alerts at shutdown, which must stay below 10 s in total.
    """

    max_batch: int = 256
    queue_capacity: int = 10_000
    resolve_interval_seconds: float = 30.0
    resolve_retry_seconds: float = 2.0
    check_seconds: float = 60.0
    drain_seconds: float = 2.0
