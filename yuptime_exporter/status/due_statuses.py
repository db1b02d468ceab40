"""When the status of each monitor is compared with the table."""

from collections import Counter
from collections.abc import Callable

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.evaluation import gap_seconds
from yuptime_exporter.core.model import MonitorKey, State
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.status.limits import StatusLimits
from yuptime_exporter.status.model import (
    Draft,
    Due,
    heartbeat_due,
    needed_writes_per_second,
    next_change_timestamp,
)
from yuptime_exporter.status.queue import StatusQueue


class DueStatuses:
    """Orders monitors by their need: after a change, a deadline, a heartbeat, or a sweep."""

    def __init__(
        self,
        table: MonitorTable,
        *,
        limits: StatusLimits,
        jitter: Callable[[], float],
        clock: Clock,
    ) -> None:
        """Start empty; the first sweep adds all monitors.

        Args:
            table: all monitors.
            limits: the interval of sweeps, and the spread of deadlines.
            jitter: returns a random number from 0 to 1.
            clock: the wall clock.
        """
        self._table = table
        self._limits = limits
        self._jitter = jitter
        self._clock = clock
        self._queue = StatusQueue()
        self._heartbeats: dict[MonitorKey, Due] = {}
        self._swept_timestamp = float("-inf")

    @property
    def eligible(self) -> int:
        """The number of monitors that were due when one was last taken."""
        return self._queue.eligible

    def put(self, key: MonitorKey, due: Due) -> None:
        """Add a monitor; see `StatusQueue.put`."""
        self._queue.put(key, due)

    def put_now(self, key: MonitorKey) -> None:
        """Add a monitor that is due now."""
        now_timestamp = self._clock()
        self._queue.put(key, Due(now_timestamp, now_timestamp))

    def pushed(self, key: MonitorKey, before: State, after: State) -> None:
        """Add a monitor that was pushed: now if its state has changed, else with a heartbeat."""
        heartbeat = self._heartbeats.get(key)
        if before is not after or heartbeat is None:
            self.put_now(key)
        else:
            self._queue.put(key, heartbeat)

    def put_heartbeats(self) -> None:
        """Add now all monitors that have heartbeats."""
        for key in self._heartbeats:
            self.put_now(key)

    def take(self, *, now_timestamp: float) -> MonitorKey | None:
        """Remove and return the most urgent due monitor; None: none is due."""
        return self._queue.take(now_timestamp=now_timestamp)

    def next_timestamp(self) -> float | None:
        """Return when the next monitor is due; None: the queue is empty."""
        return self._queue.next_timestamp()

    def forget(self, key: MonitorKey) -> None:
        """Forget a monitor that is no longer declared."""
        self._heartbeats.pop(key, None)

    def sweep(self, now_timestamp: float) -> float | None:
        """Add all monitors if a sweep is due.

        Returns:
            The rate of writes that keeps every status from expiring, in writes a second; None: no
            sweep is due.
        """
        if 0 <= now_timestamp - self._swept_timestamp < self._limits.sweep_seconds:
            return None
        self._swept_timestamp = now_timestamp
        due = Due(now_timestamp, now_timestamp + self._limits.sweep_seconds)
        pushed_to: Counter[float] = Counter()
        heartbeats: dict[MonitorKey, Due] = {}
        for row in self._table.rows():
            key = row.monitor.key
            self._queue.put(key, due)
            if key in self._heartbeats:
                heartbeats[key] = self._heartbeats[key]
            if row.last_push is not None and row.monitor.enabled:
                schedule, received = row.monitor.schedule, row.last_push.received_timestamp
                expires = schedule.due_after_push(received)
                pushed_to[schedule.gap_seconds(received, expires)] += expires > now_timestamp
        self._heartbeats = heartbeats
        return needed_writes_per_second(pushed_to)

    def remember(
        self, key: MonitorKey, draft: Draft, *, written_timestamp: float | None = None
    ) -> None:
        """Set when a monitor is due again without a push.

        Args:
            key: the monitor.
            draft: its newest draft.
            written_timestamp: when the draft was written; None: it was not written.
        """
        row = draft.status.row
        if row is None:
            return
        if draft.wanted.last_push_timestamp is not None:
            self._heartbeats[key] = heartbeat_due(
                draft.wanted, gap_seconds(row), written_timestamp=written_timestamp
            )
        change = next_change_timestamp(self._table.verdict(row, now_timestamp=self._clock()))
        if change is not None:
            # Replicas reach the same deadline together, and should not all write at once.
            change += self._limits.deadline_spread_seconds * self._jitter()
            self._queue.put(key, Due(change, change))
