"""The next monitor to compare, and when."""

from heapq import heappop, heappush

from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.status.model import Due


class StatusQueue:
    """A queue of monitors: of those that are eligible, the one with the earliest deadline is first.

    A monitor is in the queue once. If it is put again, the earlier of both moments count.
    """

    def __init__(self) -> None:
        self._due: dict[MonitorKey, Due] = {}
        self._early: list[tuple[float, MonitorKey, Due]] = []
        self._eligible: list[tuple[float, MonitorKey, Due]] = []

    def __len__(self) -> int:
        """Return the number of monitors, also of those that are not eligible yet."""
        return len(self._due)

    def put(self, key: MonitorKey, due: Due) -> None:
        """Add a monitor, or make a queued one due earlier."""
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
        """Remove and return the most urgent eligible monitor; None: there is none."""
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
        """Return when the next monitor is eligible, which may be past; None: the queue is empty."""
        while self._early and self._due.get(self._early[0][1]) is not self._early[0][2]:
            heappop(self._early)
        while self._eligible and self._due.get(self._eligible[0][1]) is not self._eligible[0][2]:
            heappop(self._eligible)
        if self._eligible:
            return self._eligible[0][2].eligible_timestamp
        return self._early[0][0] if self._early else None

    @property
    def eligible(self) -> int:
        """The number of monitors that were eligible when one was last taken, without that one."""
        return len(self._eligible)
