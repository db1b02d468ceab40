"""What is counted of the following of objects at a Kubernetes API server."""

from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

RESOURCES = ("monitors", "secrets")


class Trouble(StrEnum):
    """Why objects could not be followed for a moment, or for longer."""

    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    EXPIRED = "expired"
    """The API server has forgotten the moment from which to go on; everything is listed anew."""
    TOO_MANY_REQUESTS = "too_many_requests"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ResourceMetrics:
    """What is counted of one collection."""

    resource: str
    lists: Counter
    watches: Counter
    events: Counter
    errors: Counter
    objects: Gauge
    synced: Gauge
    last_event_timestamp_seconds: Gauge

    def error(self, trouble: Trouble) -> None:
        """Count one error."""
        self.errors.labels(self.resource, trouble).inc()


class KubernetesMetrics:
    """Counters and gauges of all collections, with all their series from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("resource",)
        self._lists = Counter(
            "yuptime_kubernetes_lists_total",
            "Times that all objects were listed.",
            labels,
            registry=registry,
        )
        self._watches = Counter(
            "yuptime_kubernetes_watches_total",
            "Watches that were begun.",
            labels,
            registry=registry,
        )
        self._events = Counter(
            "yuptime_kubernetes_events_total",
            "Events that watches delivered, bookmarks included.",
            labels,
            registry=registry,
        )
        self._errors = Counter(
            "yuptime_kubernetes_errors_total",
            "Lists and watches that did not succeed.",
            ("resource", "reason"),
            registry=registry,
        )
        self._objects = Gauge(
            "yuptime_kubernetes_objects",
            "Objects of which something is held.",
            labels,
            registry=registry,
        )
        self._synced = Gauge(
            "yuptime_kubernetes_synced",
            "Whether all objects were listed once.",
            labels,
            registry=registry,
        )
        self._last_event_timestamp_seconds = Gauge(
            "yuptime_kubernetes_watch_last_event_timestamp_seconds",
            "Unix time at which the API server last said anything, 0 before.",
            labels,
            registry=registry,
        )
        self.crd_outdated = Gauge(
            "yuptime_kubernetes_crd_outdated",
            "Whether the CustomResourceDefinition that is installed drops fields of push monitors.",
            registry=registry,
        )
        for resource in RESOURCES:
            self.of(resource)

    def of(self, resource: str) -> ResourceMetrics:
        """Return what is counted of one collection."""
        for trouble in Trouble:
            self._errors.labels(resource, trouble)
        return ResourceMetrics(
            resource=resource,
            lists=self._lists.labels(resource),
            watches=self._watches.labels(resource),
            events=self._events.labels(resource),
            errors=self._errors,
            objects=self._objects.labels(resource),
            synced=self._synced.labels(resource),
            last_event_timestamp_seconds=self._last_event_timestamp_seconds.labels(resource),
        )
