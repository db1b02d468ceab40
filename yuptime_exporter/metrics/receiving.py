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
