"""Write the present status of one monitor, while other clients change the object."""

import asyncio
from collections.abc import Callable

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.model import MonitorKey, Row
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.metrics.status import Cause, StatusMetrics, Written
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.status.conditions import occurrences, status_of, status_of_invalid
from yuptime_exporter.status.contests import Contests
from yuptime_exporter.status.limits import StatusLimits
from yuptime_exporter.status.model import Draft, MonitorStatus, Outcome, facts_of
from yuptime_exporter.status.patches import StatusPatches
from yuptime_exporter.status.waiting_pushes import WaitingPush


class StatusWriter:
    """Derives a status from the table, and writes it."""

    def __init__(
        self,
        table: MonitorTable,
        patches: StatusPatches,
        *,
        limits: StatusLimits,
        jitter: Callable[[], float],
        metrics: StatusMetrics,
        clock: Clock,
    ) -> None:
        self._table = table
        self._patches = patches
        self._limits = limits
        self._jitter = jitter
        self._contests = Contests(limits=limits, jitter=jitter)
        self._metrics = metrics
        self._clock = clock

    def draft(self, key: MonitorKey, waiting: WaitingPush | None) -> Draft | None:
        """Return the draft of a status; None: no monitor of this name can be written.

        Args:
            key: the monitor.
            waiting: a push that the status is to include; None: there is none.
        """
        found = self._patches.writable(key)
        status = self._status(key, found, waiting) if found else None
        return self._patches.draft(key, status) if status else None

    async def write(
        self, key: MonitorKey, draft: Draft, waiting: WaitingPush | None, cause: Cause
    ) -> tuple[Draft, Outcome]:
        """Write a status; after each conflict, read the object and draft the status again.

        Returns:
            The last draft and its outcome; done also if another client wrote the same.
        """
        limits = self._limits
        tries = limits.conflicts_of_push if waiting else limits.conflicts
        outcome = Outcome(Written.DONE)
        if not draft.patch:
            return draft, outcome
        for number in range(1, tries + 1):
            outcome = await self._try(key, draft, cause)
            if outcome.written is not Written.CONFLICT:
                break
            self._metrics.errors.labels(Written.CONFLICT).inc()
            pause_seconds = limits.conflict_pause_seconds * min(number, limits.conflicts)
            await asyncio.sleep(pause_seconds * self._jitter())
            found = await self._patches.reread(key)
            if found is not None:
                self._table.adopt(key, None, found.last_push, now_timestamp=self._clock())
            redrafted = self.draft(key, waiting)
            if redrafted is None:
                return draft, Outcome(Written.GONE, "the monitor is no longer declared")
            draft = redrafted
            if not draft.patch:
                return draft, Outcome(Written.DONE)
            if waiting is None and self.contested_seconds(key, draft) > 0:
                return draft, outcome
        return draft, outcome

    def contested_seconds(self, key: MonitorKey, draft: Draft) -> float:
        """Return how long a draft must wait, since another writer has replaced the same status."""
        return self._contests.wait_seconds(
            key,
            wanted=facts_of(draft.wanted),
            shown=facts_of(draft.shown),
            lost=_is_lost(draft),
            now_timestamp=self._clock(),
        )

    def losses(self, key: MonitorKey) -> int:
        """Return how often a status was overwritten in a contest that is not over."""
        return self._contests.losses(key)

    def forget(self, key: MonitorKey) -> None:
        """Forget a monitor that is no longer declared."""
        self._contests.forget(key)

    async def _try(self, key: MonitorKey, draft: Draft, cause: Cause) -> Outcome:
        if self._is_behind(draft):
            return Outcome(Written.CONFLICT, detail="other replicas keep storing newer pushes")
        outcome = await self._patches.write(key, draft)
        if outcome.written is Written.DONE:
            self._metrics.writes.labels(cause).inc()
            self._contests.wrote(key, facts_of(draft.wanted), now_timestamp=self._clock())
            for occurrence in occurrences(draft.shown, draft.status):
                self._patches.offer_event(key, occurrence)
        return outcome

    def _is_behind(self, draft: Draft) -> bool:
        """Return whether the object shows a newer push than the draft.

        The watch may have delivered that push together with a spec that is not active yet. The
        version of the draft is the newest, so that the API server would accept the write.
        """
        shown, wanted = draft.shown.last_push_timestamp, draft.wanted.last_push_timestamp
        if shown is None or shown > self._clock() + MAX_FUTURE_SECONDS:
            return False
        return draft.status.row is not None and shown > (wanted or 0.0)

    def _status(
        self, key: MonitorKey, found: MonitorObject, waiting: WaitingPush | None
    ) -> MonitorStatus | None:
        row = self._table.row(key)
        status = None
        if row is not None:
            if waiting is not None:
                waiting.continue_from(row.last_push, now_timestamp=self._clock())
                row = Row(row.monitor, row.arming, waiting.push)
            verdict = self._table.verdict(row, now_timestamp=self._clock())
            status = status_of(row, verdict, generation=found.generation, warnings=found.warnings)
        if found.spec_problem is not None:
            return status_of_invalid(status, found.spec_problem, generation=found.generation)
        return status


def _is_lost(draft: Draft) -> bool:
    """Return whether the Monitor shows less than what was stored in it: an arming or a push."""
    shown, wanted = draft.shown, draft.wanted
    newer = (wanted.last_push_timestamp or 0.0) > (shown.last_push_timestamp or 0.0)
    return newer or (wanted.armed_timestamp is not None and shown.armed_timestamp is None)
