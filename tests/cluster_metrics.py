"""The metrics that only an exporter with `--source.kubernetes` exposes."""

from prometheus_client import CollectorRegistry, generate_latest

from yuptime_exporter.metrics.definition import DefinitionMetrics
from yuptime_exporter.metrics.kubernetes import CollectionMetrics, KubernetesMetrics
from yuptime_exporter.metrics.status import StatusMetrics

RESOURCES = ("monitors", "secrets")


class ClusterMetrics:
    """The metrics of the Kubernetes parts, without the parts themselves.

    Attributes:
        kubernetes: metrics of the API server's connection.
        definition: metrics of the installed CustomResourceDefinition.
        followed: metrics of each followed resource.
        status: metrics of status writes.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.kubernetes = KubernetesMetrics(self._registry)
        self.definition = DefinitionMetrics(self._registry)
        self.followed: dict[str, CollectionMetrics] = {
            resource: self.kubernetes.of(resource) for resource in RESOURCES
        }
        self.kubernetes.expose_unlisted("shop", lambda: False)
        self.status = StatusMetrics(self._registry)

    def page(self) -> str:
        """Return the metrics in the text format of a scrape."""
        return generate_latest(self._registry).decode()
