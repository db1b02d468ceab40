"""Keep the status of every Monitor up to date, and push by push durable where it is the store.

Level-triggered, as the alerts are: whatever happens to a monitor only says that it is to be looked
at. What its status should say is derived at that moment and compared with what it says.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import MonitorUnwritable, StoreUnavailable
from yuptime_exporter.core.evaluation import gap_seconds
from yuptime_exporter.core.model import LastPush, MonitorKey, State
from yuptime_exporter.core.rate_limit import RateLimit, RateLimiter
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.metrics.status import Cause, StatusMetrics, Written
from yuptime_exporter.status.model import (
    Draft,
    Due,
    Outcome,
    heartbeat_due,
    needed_writes_per_second,
    next_change_timestamp,
    write_due,
)
from yuptime_exporter.status.queue import StatusQueue
from yuptime_exporter.status.waiting_pushes import Save, Saved, Saves
from yuptime_exporter.status.writer import StatusSink, StatusWriter

log = logging.getLogger(__name__)

# Measured against an API server on two cores: 16 writes in flight reach nine tenths of what 64 do,
# in a third of the time for each.
MAX_IN_FLIGHT = 16

# What is written without anybody waiting for it: a tenth of what a controller does that asks
# nobody (client-go's default for cert-manager is 20 a second, with bursts of 50).
WRITES_PER_SECOND = 20.0
BURST = 40

# What has piled up, as at the first start with many monitors, is to be written within this time.
BACKLOG_SECONDS = 30.0
_SPARE = 1.2

# Each status is looked at so often even if nothing was told: whatever was missed is repaired.
SWEEP_SECONDS = 300.0

# How long nothing is written without need after the API server refused all writing.
PROBE_SECONDS = 300.0
PAUSE_SECONDS = 5.0

# At the end what waits is written for so long: the whole shutdown is to take less than 10 s.
FLUSH_SECONDS = 1.5

# What concerns no other monitor.
_OF_ONE_MONITOR = frozenset({Written.CONFLICT, Written.GONE, Written.UNWRITABLE})

_MAX_SLEEP_SECONDS = 15.0

# A look takes some 150 µs; pushes should not wait for many of them.
_LOOKS_AT_ONCE = 10
_BUDGET = MonitorKey("", "")


class Reporter:
    """Decides whose status is written next. Used from the thread of the event loop only."""

    def __init__(
        self,
        table: MonitorTable,
        *,
        max_writes_per_second: float,
        jitter: Callable[[], float],
        replicated: bool,
        metrics: StatusMetrics,
        clock: Clock,
    ) -> None:
        """Take what is looked at.

        Args:
            table: what is known of the monitors.
            max_writes_per_second: the limit for what nobody waits for.
            jitter: returns a number from 0 to 1, another each time.
            replicated: whether others write the same; then not all do at the same moment.
            metrics: what is counted.
            clock: gives the moment.
        """
        self._table = table
        self._max_writes_per_second = max_writes_per_second
        self._jitter = jitter
        self._replicated = replicated
        self._metrics = metrics
        self._clock = clock
        self._budget = RateLimiter(RateLimit(1 / WRITES_PER_SECOND, BURST))
        self._queue = StatusQueue()
        self._saves = Saves()
        self._writer = StatusWriter(table, jitter=jitter, metrics=metrics, clock=clock)
        self._in_flight: set[MonitorKey] = set()
        self._again: set[MonitorKey] = set()
        self._heartbeats: dict[MonitorKey, Due] = {}
        self._unwritable: dict[MonitorKey, int] = {}
        self._needed_writes_per_second = 0.0
        self._paused_until_timestamp = 0.0
        self._told = ""
        self._woken = asyncio.Event()
        self._flushing = False
        self._flushed = asyncio.Event()
        metrics.max_writes_per_second.set(max_writes_per_second)
        metrics.queue_length.set_function(lambda: self._queue.eligible + self._saves.unattended)

    def look(self, key: MonitorKey) -> None:
        """Note that something may have changed that a monitor's status should say."""
        now_timestamp = self._clock()
        self._put(key, Due(now_timestamp, now_timestamp))

    def pushed(self, key: MonitorKey, before: State, after: State) -> None:
        """Note that a push was accepted; costs next to nothing where it changed no state."""
        heartbeat = self._heartbeats.get(key)
        if before is not after or heartbeat is None:
            self.look(key)
        else:
            self._put(key, heartbeat)

    def save_push(self, key: MonitorKey, push: LastPush) -> Saved:
        """Write a push at once; what is returned is done when the API server has it.

        Its result is what is remembered: other replicas may have accepted pushes meanwhile. It
        fails with `StoreUnavailable`, at once if others wait for longer than is sensible.
        """
        row = self._table.row(key)
        base = row.last_push if row else None
        saved = self._saves.ask(key, push, base, now_timestamp=self._clock())
        self._woken.set()
        return saved

    async def report_forever(self, sink: StatusSink, tasks: asyncio.TaskGroup) -> NoReturn:
        """Write what is due, forever."""
        swept_timestamp = float("-inf")
        while True:
            self._woken.clear()
            now_timestamp = self._clock()
            if not 0 <= now_timestamp - swept_timestamp < SWEEP_SECONDS:
                swept_timestamp = now_timestamp
                self._sweep(now_timestamp)
            looks = 0
            while len(self._in_flight) < MAX_IN_FLIGHT and looks < _LOOKS_AT_ONCE:
                key = self._next(now_timestamp)
                if key is None:
                    break
                looks += 1
                self._attend(key, sink, tasks, now_timestamp)
            if not looks and self._is_flushed(now_timestamp):
                self._flushed.set()
            if looks == _LOOKS_AT_ONCE or (looks and self._flushing):
                await asyncio.sleep(0)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._sleep_seconds(now_timestamp)):
                    await self._woken.wait()

    async def flush(self) -> None:
        """Have everything written that waits, within a limit."""
        for key in [*self._heartbeats]:
            self.look(key)
        self._flushing = True
        self._woken.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._flushed.wait()

    def _is_flushed(self, now_timestamp: float) -> bool:
        """Tell whether nothing is left that was to be written, or that can be written now."""
        soonest = self._queue.next_timestamp()
        waits = soonest is not None and soonest <= now_timestamp and not self._told
        return self._flushing and not self._in_flight and not waits

    def _put(self, key: MonitorKey, due: Due) -> None:
        self._queue.put(key, due)
        self._woken.set()

    def _next(self, now_timestamp: float) -> MonitorKey | None:
        key = self._saves.next(busy=self._in_flight)
        paused_seconds = self._paused_until_timestamp - now_timestamp
        if key is not None or 0 < paused_seconds <= PROBE_SECONDS:  # more: the clock was set back
            return key
        return self._queue.take(now_timestamp=now_timestamp)

    def _sleep_seconds(self, now_timestamp: float) -> float:
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            return _MAX_SLEEP_SECONDS
        soonest = self._queue.next_timestamp()
        soonest = now_timestamp + _MAX_SLEEP_SECONDS if soonest is None else soonest
        if self._paused_until_timestamp - now_timestamp <= PROBE_SECONDS:
            soonest = max(soonest, self._paused_until_timestamp)
        return min(max(soonest - now_timestamp, 0.001), _MAX_SLEEP_SECONDS)

    def _sweep(self, now_timestamp: float) -> None:
        """Have every status looked at, and see how many writes all of them need."""
        pushed_to: Counter[float] = Counter()
        for row in self._table.rows():
            self._queue.put(row.monitor.key, Due(now_timestamp, now_timestamp + SWEEP_SECONDS))
            if row.last_push is not None and row.monitor.enabled:
                received, schedule = row.last_push.received_timestamp, row.monitor.schedule
                fresh = schedule.due_timestamp(received) > now_timestamp
                pushed_to[schedule.gap_seconds(received)] += fresh
        declared = {row.monitor.key for row in self._table.rows()}
        self._heartbeats = {key: due for key, due in self._heartbeats.items() if key in declared}
        needed = needed_writes_per_second(pushed_to)
        self._metrics.needed_writes_per_second.set(needed)
        self._needed_writes_per_second = _SPARE * needed

    def _attend(
        self, key: MonitorKey, sink: StatusSink, tasks: asyncio.TaskGroup, now_timestamp: float
    ) -> None:
        """Look at one monitor, and start writing if that is due."""
        if key in self._in_flight:
            self._again.add(key)
            return
        save = self._saves.of(key)
        draft = self._writer.draft(key, sink, save)
        if draft is None:
            self._heartbeats.pop(key, None)
            self._unwritable.pop(key, None)
            self._settle(key, save, MonitorUnwritable(f"monitor {key}: it is not known any more"))
        elif save is not None and not draft.patch:  # it says so already
            self._settle(key, save, None)
        elif cause := Cause.PUSH if save else self._cause(key, draft, now_timestamp):
            self._in_flight.add(key)
            writing = self._write(key, sink, draft, cause)
            tasks.create_task(writing, name=f"write status of {key}")

    def _cause(self, key: MonitorKey, draft: Draft, now_timestamp: float) -> Cause | None:
        """Return why a status is to be written now; None: not now, and the next look is set."""
        due = write_due(draft, now_timestamp=now_timestamp)
        if due is None or (due.eligible_timestamp > now_timestamp and not self._flushing):
            if due is not None:
                self._queue.put(key, due)
            self._remember(key, draft)
            return None
        if self._unwritable.get(key) == draft.status.generation:
            return None
        self._budget.limit = RateLimit(1 / self._writes_per_second(), BURST)
        wait_seconds = self._budget.wait_seconds(_BUDGET, now_timestamp=now_timestamp)
        if wait_seconds > 0:
            self._queue.put(key, due)
            self._paused_until_timestamp = now_timestamp + wait_seconds
            return None
        return Cause.TRANSITION if due == Due(now_timestamp, now_timestamp) else Cause.HEARTBEAT

    def _writes_per_second(self) -> float:
        """Return how many writes a second nobody has to wait for: as few as do."""
        if self._flushing:
            return self._max_writes_per_second
        backlog = self._queue.eligible / BACKLOG_SECONDS
        wanted = max(WRITES_PER_SECOND, self._needed_writes_per_second, backlog)
        return min(wanted, self._max_writes_per_second)

    def _remember(
        self, key: MonitorKey, draft: Draft, *, written_timestamp: float | None = None
    ) -> None:
        """Set when a monitor is to be looked at next, as far as it is known by now."""
        row = draft.status.row
        if row is None:
            return
        if draft.wanted.last_push_timestamp is not None:
            self._heartbeats[key] = heartbeat_due(
                draft.wanted, gap_seconds(row), written_timestamp=written_timestamp
            )
        change = next_change_timestamp(self._table.verdict(row, now_timestamp=self._clock()))
        if change is not None:
            # Replicas that see the same deadline pass should not all write it at the same moment.
            change += self._jitter() if self._replicated else 0.0
            self._queue.put(key, Due(change, change))

    async def _write(self, key: MonitorKey, sink: StatusSink, draft: Draft, cause: Cause) -> None:
        save = self._saves.of(key) if cause is Cause.PUSH else None
        draft, outcome = await self._writer.write(key, sink, draft, save)
        self._in_flight.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.look(key)
        self._woken.set()
        if outcome.written is Written.DONE:
            self._metrics.writes.labels(cause).inc()
            self._unwritable.pop(key, None)
            self._settle(key, save, None)
            self._remember(key, draft, written_timestamp=self._clock())
            self._recovered()
        else:
            if outcome.written is not Written.CONFLICT:  # each of them was counted
                self._metrics.errors.labels(outcome.written).inc()
            text = f"the status of monitor {key} could not be written: {outcome.detail}"
            of_this_one = outcome.written in _OF_ONE_MONITOR
            self._settle(key, save, (MonitorUnwritable if of_this_one else StoreUnavailable)(text))
            self._failed(key, draft, outcome)

    def _settle(self, key: MonitorKey, save: Save | None, error: StoreUnavailable | None) -> None:
        if save is None:
            return
        if error is None:  # shown before anybody looks again: a status never goes back
            self._table.adopt(key, None, save.push, now_timestamp=self._clock())
        self._saves.settle(key, save, error)

    def _failed(self, key: MonitorKey, draft: Draft, outcome: Outcome) -> None:
        """Set when it is tried again: for this monitor, or for all where all are concerned."""
        now_timestamp = self._clock()
        asked_seconds = min(outcome.retry_after_seconds or 0.0, PROBE_SECONDS)
        pause_seconds = asked_seconds or PAUSE_SECONDS * (1 + self._jitter())
        match outcome.written:
            case Written.GONE:
                return
            case Written.CONFLICT:  # somebody else writes this one all the time
                later = now_timestamp + pause_seconds
                self._queue.put(key, Due(later, later))
                return
            case Written.UNWRITABLE:
                self._note_unwritable(key, draft.status.generation, outcome.detail)
                return
            case Written.FORBIDDEN | Written.PRUNED:
                self._metrics.writable.set(0)
                pause_seconds = PROBE_SECONDS
            case Written.UNAVAILABLE | Written.DONE:
                pass
        until_timestamp = max(self._paused_until_timestamp, now_timestamp + pause_seconds)
        self._paused_until_timestamp = until_timestamp
        self._queue.put(key, Due(now_timestamp, now_timestamp))
        if outcome.written is not self._told:
            self._told = outcome.written
            log.warning(
                "status of monitors is not written; it is tried again",
                extra={"reason": str(outcome.written), "err": outcome.detail},
            )

    def _note_unwritable(self, key: MonitorKey, generation: int, detail: str) -> None:
        if self._unwritable.get(key) != generation:
            log.warning(
                "the API server refuses the status of a monitor; "
                "it is not written before the spec changes",
                extra={"monitor": str(key), "err": detail},
            )
        self._unwritable[key] = generation

    def _recovered(self) -> None:
        self._metrics.writable.set(1)
        if self._told:
            self._told = ""
            self._paused_until_timestamp = 0.0
            log.info("status of monitors is written again")
