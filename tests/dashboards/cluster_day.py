"""The Kubernetes metrics of one replica, by their own script.

The metrics are those of the exporter; their relation to an API server is tested elsewhere. From 15:00
to 15:10 the API server is away, and afterwards it has forgotten where the watches were.
"""

from tests.cluster_metrics import ClusterMetrics
from tests.dashboards.script import CHANGES, MINUTE, NAMES, at
from yuptime_exporter.metrics.kubernetes import FollowFailure
from yuptime_exporter.metrics.status import Cause, Written

AWAY, BACK = at("15:00"), at("15:10")
WATCH_MINUTES = 8
HEARTBEATS = 5
WAITING = 3


class ClusterDay:
    """Counts events between two scrapes."""

    def __init__(self) -> None:
        self._metrics = ClusterMetrics()
        self._metrics.status.needed_writes_per_second.set(0.05)
        self._metrics.status.max_writes_per_second.set(100)
        self._begun = False

    def page_at(self, moment: int) -> str:
        """Return the page of a scrape at this moment, a minute after the last scrape."""
        if AWAY <= moment < BACK:
            self._hear_nothing()
        else:
            if not self._begun or moment == BACK:
                self._list(moment)
            self._follow(moment)
            self._write(moment)
        return self._metrics.page()

    def _list(self, moment: int) -> None:
        self._begun = True
        for followed in self._metrics.followed.values():
            followed.lists.inc()
            followed.watches.inc()
            followed.objects = len(NAMES)
            followed.synced = True
            if moment == BACK:
                followed.errors[FollowFailure.EXPIRED].inc()

    def _follow(self, moment: int) -> None:
        for followed in self._metrics.followed.values():
            followed.events.inc()
            followed.last_event_timestamp = moment
            if moment // MINUTE % WATCH_MINUTES == 0:
                followed.watches.inc()

    def _write(self, moment: int) -> None:
        status = self._metrics.status
        status.queue_length.set(0)
        status.writes.labels(Cause.HEARTBEAT).inc(HEARTBEATS)
        if moment in CHANGES:
            status.writes.labels(Cause.TRANSITION).inc()
            status.errors.labels(Written.CONFLICT).inc()
            status.events.labels("created").inc()
            status.events.labels("duplicate").inc()

    def _hear_nothing(self) -> None:
        for followed in self._metrics.followed.values():
            followed.errors[FollowFailure.UNREACHABLE].inc()
        self._metrics.status.errors.labels(Written.UNAVAILABLE).inc()
        self._metrics.status.queue_length.set(WAITING)
