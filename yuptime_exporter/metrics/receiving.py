"""Metrics of the receiving log."""

from prometheus_client import CollectorRegistry, Counter


class ReceivingMetrics:
    """Metrics of `engine.receiving_log`."""

    def __init__(self, registry: CollectorRegistry) -> None:
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
