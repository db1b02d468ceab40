"""Keep the status of every Monitor up to date, and store pushes in it.

Level-triggered, like the alerts: an event only marks a monitor as due. The status it should have is
derived at that moment, and compared with the status that the object has.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import MonitorUnwritable
from yuptime_exporter.core.model import LastPush, MonitorKey, Row, State
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.metrics.status import Cause, StatusMetrics, Written
from yuptime_exporter.status.budget import WriteBudget
from yuptime_exporter.status.due_statuses import DueStatuses
from yuptime_exporter.status.limits import StatusLimits
from yuptime_exporter.status.model import Draft, Due, write_due
from yuptime_exporter.status.outcomes import WriteOutcomes, error_of
from yuptime_exporter.status.patches import StatusPatches
from yuptime_exporter.status.waiting_pushes import Saved, WaitingPush, WaitingPushes
from yuptime_exporter.status.writer import StatusWriter

log = logging.getLogger(__name__)

# One comparison takes some 150 µs; pushes that arrive should not wait for more than ten.
_TURN_SECONDS = 0.0015

# A status that was overwritten so often in one contest is logged.
_LOSSES_TO_LOG = 3

# A step of the clock is noticed after this time, although the loop sleeps by another clock.
_MAX_SLEEP_SECONDS = 15.0


class Reporter:
    """Chooses the next write and starts it. Used from the thread of the event loop only."""

    def __init__(
        self,
        table: MonitorTable,
        patches: StatusPatches,
        *,
        jitter: Callable[[], float],
        metrics: StatusMetrics,
        clock: Clock,
        limits: StatusLimits | None = None,
    ) -> None:
        """Write nothing yet.

        Args:
            table: all monitors.
            patches: drafts and writes single statuses.
            jitter: returns a random number from 0 to 1.
            metrics: counts writes and failures.
            clock: the wall clock.
            limits: None: the defaults.
        """
        self._limits = limits = limits or StatusLimits()
        self._clock = clock
        self._pushes = WaitingPushes(max_wait_seconds=limits.push_wait_seconds)
        self._due = DueStatuses(table, limits=limits, jitter=jitter, clock=clock)
        self._budget = WriteBudget(limits=limits, metrics=metrics)
        self._outcomes = WriteOutcomes(
            self._budget, limits=limits, jitter=jitter, metrics=metrics, clock=clock
        )
        self._writer = StatusWriter(
            table, patches, limits=limits, jitter=jitter, metrics=metrics, clock=clock
        )
        self._in_flight: set[MonitorKey] = set()
        self._contested: set[MonitorKey] = set()  # as logged
        self._due_after_write: set[MonitorKey] = set()
        self._woken = asyncio.Event()
        self._flushing = False
        self._flushed = asyncio.Event()
        metrics.queue_length.set_function(lambda: self._due.eligible + self._pushes.unattended)

    @property
    def writes_in_flight(self) -> int:
        """The number of statuses that are being written."""
        return len(self._in_flight)

    def look(self, key: MonitorKey) -> None:
        """Compare the status of a monitor with the table, since one of them may have changed."""
        self._due.put_now(key)
        self._woken.set()

    def pushed(self, key: MonitorKey, before: State, after: State) -> None:
        """Report an accepted push; it costs next to nothing unless it has changed the state."""
        self._due.pushed(key, before, after)
        self._woken.set()

    def save_push(self, row: Row, push: LastPush) -> Saved:
        """Write a push before all statuses for which no push waits.

        Args:
            row: the monitor before the push.
            push: continues `row.last_push`.

        Returns:
            The stored push, which includes the pushes that other replicas stored in between. It
            fails with `StoreUnavailable`; at once, if others have waited for too long.
        """
        saved = self._pushes.add(row, push, now_timestamp=self._clock())
        self._woken.set()
        return saved

    async def report_forever(self, tasks: asyncio.TaskGroup) -> NoReturn:
        """Write each status that is due, forever."""
        while True:
            self._woken.clear()
            now_timestamp = self._clock()
            needed = self._due.sweep(now_timestamp)
            if needed is not None:
                self._budget.need(needed)
            turn, attended = Turn(max_seconds=_TURN_SECONDS), False
            while not turn.is_over() and (key := self._next(now_timestamp)) is not None:
                attended = True
                self._attend(key, tasks, now_timestamp)
            if turn.is_over() or (attended and self._flushing):
                await turn.pass_on()
                continue
            if not attended and self._is_flushed(now_timestamp):
                self._flushed.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._sleep_seconds(now_timestamp)):
                    await self._woken.wait()

    async def flush(self) -> None:
        """Write everything that waits, for a limited time."""
        self._due.put_heartbeats()
        self._flushing = True
        self._budget.hurry()
        self._woken.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.flush_seconds):
                await self._flushed.wait()

    def _is_flushed(self, now_timestamp: float) -> bool:
        """Return whether everything is written, except for writes that fail at present."""
        next_timestamp = self._due.next_timestamp()
        is_due = next_timestamp is not None and next_timestamp <= now_timestamp
        waits = is_due and not self._outcomes.failing
        return self._flushing and not self._in_flight and not waits

    def _next(self, now_timestamp: float) -> MonitorKey | None:
        """Return the next monitor to attend to: one with a push first; None: none is due."""
        if len(self._in_flight) >= self._limits.writes_in_flight:
            return None
        key = self._pushes.next(busy=self._in_flight)
        if key is not None or self._budget.paused_until(now_timestamp) is not None:
            return key
        return self._due.take(now_timestamp=now_timestamp)

    def _sleep_seconds(self, now_timestamp: float) -> float:
        next_timestamp = self._due.next_timestamp()
        if next_timestamp is None or len(self._in_flight) >= self._limits.writes_in_flight:
            return _MAX_SLEEP_SECONDS
        paused_until = self._budget.paused_until(now_timestamp) or 0.0
        wait_seconds = max(next_timestamp, paused_until) - now_timestamp
        return min(max(wait_seconds, 0.001), _MAX_SLEEP_SECONDS)

    def _attend(self, key: MonitorKey, tasks: asyncio.TaskGroup, now_timestamp: float) -> None:
        """Compare one status, and start to write it if that is due."""
        if key in self._in_flight:
            self._due_after_write.add(key)
            return
        waiting = self._pushes.of(key)
        draft = self._writer.draft(key, waiting)
        if draft is None:
            self._due.forget(key)
            self._outcomes.forget(key)
            self._writer.forget(key)
            self._contested.discard(key)
            if waiting is not None:
                error = MonitorUnwritable(f"monitor {key} is no longer declared")
                self._pushes.settle(key, waiting, error)
            return
        cause = Cause.PUSH if waiting else self._cause(key, draft, now_timestamp)
        if cause is not None:
            self._in_flight.add(key)
            writing = self._write(key, draft, waiting, cause)
            tasks.create_task(writing, name=f"write status of {key}")

    def _cause(self, key: MonitorKey, draft: Draft, now_timestamp: float) -> Cause | None:
        """Return why a status is to be written now; None: it is not, or has become due later."""
        contested_seconds = self._writer.contested_seconds(key, draft)
        due = write_due(draft, now_timestamp=now_timestamp)
        if due is None or (due.eligible_timestamp > now_timestamp and not self._flushing):
            if due is not None:
                self._due.put(key, due)
            self._due.remember(key, draft)
            return None
        if contested_seconds > 0:
            self._defer(key, contested_seconds, now_timestamp)
            return None
        if self._outcomes.is_unwritable(key, draft.status.generation):
            return None
        if not self._budget.take(backlog=self._due.eligible, now_timestamp=now_timestamp):
            self._due.put(key, due)
            return None
        return Cause.TRANSITION if due == Due(now_timestamp, now_timestamp) else Cause.HEARTBEAT

    def _defer(self, key: MonitorKey, seconds: float, now_timestamp: float) -> None:
        """Leave the status of another writer for a time."""
        self._due.put(key, Due(now_timestamp + seconds, now_timestamp + seconds))
        losses = self._writer.losses(key)
        if losses >= _LOSSES_TO_LOG and key not in self._contested:
            log.warning(
                "another replica or program keeps writing another status; it is restored less often",
                extra={"monitor": str(key), "wait_seconds": round(seconds, 1)},
            )
            self._contested.add(key)
        elif losses < _LOSSES_TO_LOG:
            self._contested.discard(key)

    async def _write(
        self, key: MonitorKey, draft: Draft, waiting: WaitingPush | None, cause: Cause
    ) -> None:
        draft, outcome = await self._writer.write(key, draft, waiting, cause)
        if waiting is not None:
            self._pushes.settle(key, waiting, error_of(key, outcome))
            # The receiver makes the push visible in a callback of this future, before this task
            # continues. Until then the monitor is in flight, so that no draft without the push is
            # made and its status never goes back.
            await asyncio.sleep(0)
        self._in_flight.discard(key)
        if key in self._due_after_write:
            self._due_after_write.discard(key)
            self._due.put_now(key)
        if outcome.written is Written.DONE:
            self._outcomes.succeeded(key)
            self._due.remember(key, draft, written_timestamp=self._clock())
        elif due := self._outcomes.failed(key, draft, outcome):
            self._due.put(key, due)
        self._woken.set()
