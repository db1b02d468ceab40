"""Metrics of the manifests and objects that declare monitors."""

from prometheus_client import CollectorRegistry, Gauge


class DeclarationMetrics:
    """Metrics of `engine.follower`."""

    def __init__(self, registry: CollectorRegistry) -> None:
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
