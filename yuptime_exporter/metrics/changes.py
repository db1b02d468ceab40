"""Metrics of the changes that the table makes by itself."""

from prometheus_client import CollectorRegistry, Counter


class ChangeMetrics:
    """Metrics of `engine.table_changes`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.future_timestamps = Counter(
            "yuptime_store_future_timestamps_total",
            "Stored moments that lay in the future and were set to the present.",
            registry=registry,
        )
