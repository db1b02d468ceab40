"""Metrics of the collections that are followed at a Kubernetes API server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge


class FollowFailure(StrEnum):
    """Why a list or watch failed; the values of the label `reason`."""

    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    EXPIRED = "expired"
    """The API server no longer knows the version to continue from; all objects are listed again."""
    TOO_MANY_REQUESTS = "too_many_requests"
    REFUSED = "refused"
    """Any other status below 500."""
    SERVER_ERROR = "server_error"
    BROKEN = "broken"
    """The answer could not be read, or a watch ended as soon as it began."""


@dataclass(slots=True)
class CollectionMetrics:
    """The metrics of one collection. Collections of one resource are exposed as their sum.

    Attributes:
        objects: the number of objects that are kept.
        synced: whether a list was completed since the start.
        last_event_timestamp: when the API server last answered or sent an event; 0: never.
    """

    lists: Counter
    watches: Counter
    events: Counter
    errors: Mapping[FollowFailure, Counter]
    objects: int = 0
    synced: bool = False
    last_event_timestamp: float = 0.0


class KubernetesMetrics:
    """The metrics of all collections; all series of a collection exist from its start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, labelnames=("resource",), registry=registry)
        gauge = partial(Gauge, labelnames=("resource",), registry=registry)
        self._lists = counter(
            "yuptime_kubernetes_lists_total", "Lists of all objects that were begun."
        )
        self._watches = counter("yuptime_kubernetes_watches_total", "Watches that were begun.")
        self._events = counter(
            "yuptime_kubernetes_events_total", "Events that watches delivered, bookmarks included."
        )
        self._errors = counter(
            "yuptime_kubernetes_errors_total",
            "Lists and watches that failed, by reason.",
            labelnames=("resource", "reason"),
        )
        self._objects = gauge("yuptime_kubernetes_objects", "Objects that are kept.")
        self._synced = gauge("yuptime_kubernetes_synced", "Whether all objects were listed once.")
        self._last_event_timestamp_seconds = gauge(
            "yuptime_kubernetes_watch_last_event_timestamp_seconds",
            "Unix time of the last answer or event, of the collection where it is the longest ago; "
            "0 before.",
        )
        self._unlisted = Gauge(
            "yuptime_kubernetes_namespace_unlisted",
            "1 while the monitors of a followed namespace are not known: since the start the "
            "exporter could not list them.",
            labelnames=("namespace",),
            registry=registry,
        )
        self._collections: dict[str, list[CollectionMetrics]] = {}

    def expose_unlisted(self, namespace: str, is_unlisted: Callable[[], bool]) -> None:
        """Expose whether the monitors of a namespace are not known."""
        self._unlisted.labels(namespace).set_function(is_unlisted)

    def of(self, resource: str) -> CollectionMetrics:
        """Add a collection of a resource, and return its metrics."""
        added = CollectionMetrics(
            lists=self._lists.labels(resource),
            watches=self._watches.labels(resource),
            events=self._events.labels(resource),
            errors={failure: self._errors.labels(resource, failure) for failure in FollowFailure},
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
