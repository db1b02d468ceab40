"""Metrics of the store."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Ten steps from the fastest commit (0.2 ms) to the time after which a push is given up.
_COMMIT_BUCKETS_SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0)


class StoreMetrics:
    """Metrics of any store; the queue gauges are 0 for a store without a queue."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.commit_duration_seconds = Histogram(
            "yuptime_store_commit_duration_seconds",
            "Time to make one group of writes durable.",
            buckets=_COMMIT_BUCKETS_SECONDS,
            registry=registry,
        )
        self.writes = Counter(
            "yuptime_store_writes_total",
            "Values made durable.",
            registry=registry,
        )
        self.errors = Counter(
            "yuptime_store_errors_total",
            "Groups of writes that the store refused; none of them was acknowledged.",
            registry=registry,
        )
        self.upkeep_failures = Counter(
            "yuptime_store_upkeep_failures_total",
            "Attempts to clean up the database that failed; pushes were stored all the same.",
            registry=registry,
        )
        self.last_commit_timestamp_seconds = Gauge(
            "yuptime_store_last_commit_timestamp_seconds",
            "Unix time of the last durable write, 0 before the first.",
            registry=registry,
        )
        self.queue_length = Gauge(
            "yuptime_store_queue_length",
            "Writes that wait for the store.",
            registry=registry,
        )
        self.queue_capacity = Gauge(
            "yuptime_store_queue_capacity",
            "Writes that may wait for the store before further ones are refused.",
            registry=registry,
        )
