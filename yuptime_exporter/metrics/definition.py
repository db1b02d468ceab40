"""Metrics of the CustomResourceDefinition of Monitors."""

from prometheus_client import CollectorRegistry, Gauge


class DefinitionMetrics:
    """Whether the installed definition keeps all fields."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.outdated = Gauge(
            "yuptime_kubernetes_crd_outdated",
            "Whether the CustomResourceDefinition that is installed drops fields of push monitors.",
            registry=registry,
        )
