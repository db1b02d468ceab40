"""What an exporter exposes in addition where it follows a Kubernetes API server."""

from prometheus_client import CollectorRegistry, generate_latest

from yuptime_exporter.metrics.kubernetes import CollectionMetrics, KubernetesMetrics
from yuptime_exporter.metrics.status import StatusMetrics

RESOURCES = ("monitors", "secrets")


class ClusterMetrics:
    """The metrics of that part of the exporter, counted by whoever holds this.

    Attributes:
        kubernetes: what is not about one resource.
        followed: what is counted of each resource.
        status: what is counted of the writing of status.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.kubernetes = KubernetesMetrics(self._registry)
        self.followed: dict[str, CollectionMetrics] = {
            resource: self.kubernetes.of(resource) for resource in RESOURCES
        }
        self.status = StatusMetrics(self._registry)

    def page(self) -> str:
        """Return these metrics as a scrape has them."""
        return generate_latest(self._registry).decode()
