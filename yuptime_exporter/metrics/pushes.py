"""Metrics of pushes."""

from prometheus_client import CollectorRegistry, Counter

from yuptime_exporter.core.errors import RejectionReason


class PushMetrics:
    """Counters of rejections, with a series for each reason from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rejected = Counter(
            "yuptime_pushes_rejected_total",
            "Pushes that were not accepted.",
            ("reason",),
            registry=registry,
        )
        for reason in RejectionReason:
            self.rejected.labels(reason)
