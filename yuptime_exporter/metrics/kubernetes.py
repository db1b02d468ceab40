"""What is counted of the following of objects at a Kubernetes API server."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge


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
    SERVER_ERROR = "server_error"
    BROKEN = "broken"
    """What came makes no sense, or a watch ended as soon as it began."""


@dataclass(slots=True)
class CollectionMetrics:
    """What is counted of one collection; those of one resource are shown together.

    Attributes:
        objects: of how many something is held.
        synced: whether all were listed once.
        last_event_timestamp: when the API server last said anything, 0 before.
    """

    lists: Counter
    watches: Counter
    events: Counter
    errors: Mapping[Trouble, Counter]
    objects: int = 0
    synced: bool = False
    last_event_timestamp: float = 0.0


class KubernetesMetrics:
    """Counters and gauges of all collections, with all series of what is followed from the start."""

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
            "Unix time at which the API server last said anything of all that is watched, 0 before.",
            labels,
            registry=registry,
        )
        self.crd_outdated = Gauge(
            "yuptime_kubernetes_crd_outdated",
            "Whether the CustomResourceDefinition that is installed drops fields of push monitors.",
            registry=registry,
        )
        self._collections: dict[str, list[CollectionMetrics]] = {}

    def of(self, resource: str) -> CollectionMetrics:
        """Return what is counted of one more collection of a resource, from now on shown."""
        added = CollectionMetrics(
            lists=self._lists.labels(resource),
            watches=self._watches.labels(resource),
            events=self._events.labels(resource),
            errors={trouble: self._errors.labels(resource, trouble) for trouble in Trouble},
        )
        if resource not in self._collections:
            all_of_it = self._collections[resource] = []
            self._objects.labels(resource).set_function(
                lambda: sum(one.objects for one in all_of_it)
            )
            self._synced.labels(resource).set_function(lambda: all(one.synced for one in all_of_it))
            self._last_event_timestamp_seconds.labels(resource).set_function(
                lambda: min(one.last_event_timestamp for one in all_of_it)
            )
        self._collections[resource].append(added)
        return added
