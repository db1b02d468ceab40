"""Which Monitor's status is to be looked at next, and when."""

from heapq import heappop, heappush

from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.status.model import Due


class StatusQueue:
    """Monitors that wait to be looked at: of those whose time has come the most urgent is first.

    A monitor waits once, however often it is put; of several moments the earlier hold.
    """

    def __init__(self) -> None:
        self._due: dict[MonitorKey, Due] = {}
        self._early: list[tuple[float, MonitorKey, Due]] = []
        self._eligible: list[tuple[float, MonitorKey, Due]] = []

    def __len__(self) -> int:
        """Return how many monitors wait, those included whose time has not come."""
        return len(self._due)

    def put(self, key: MonitorKey, due: Due) -> None:
        """Have a monitor looked at when it is due, or earlier if that was said before."""
        known = self._due.get(key)
        if known is not None:
            due = Due(
                min(known.eligible_timestamp, due.eligible_timestamp),
                min(known.deadline_timestamp, due.deadline_timestamp),
            )
            if due == known:
                return
        self._due[key] = due
        heappush(self._early, (due.eligible_timestamp, key, due))

    def take(self, *, now_timestamp: float) -> MonitorKey | None:
        """Remove and return the most urgent monitor whose time has come; None: there is none."""
        while self._early and self._early[0][0] <= now_timestamp:
            _, key, due = heappop(self._early)
            if self._due.get(key) is due:
                heappush(self._eligible, (due.deadline_timestamp, key, due))
        while self._eligible:
            _, key, due = heappop(self._eligible)
            if self._due.get(key) is due:
                del self._due[key]
                return key
        return None

    def next_timestamp(self) -> float | None:
        """Return when there is something to take; in the past if there is now; None: nothing."""
        while self._early and self._due.get(self._early[0][1]) is not self._early[0][2]:
            heappop(self._early)
        while self._eligible and self._due.get(self._eligible[0][1]) is not self._eligible[0][2]:
            heappop(self._eligible)
        if self._eligible:
            return self._eligible[0][2].eligible_timestamp
        return self._early[0][0] if self._early else None

    @property
    def eligible(self) -> int:
        """How many monitors' time had come when one was taken last; those put since are not in."""
        return len(self._eligible)
