"""Writes what the status of one monitor should say now, whatever others write meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.model import MonitorKey, Row
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.metrics.status import StatusMetrics, Written
from yuptime_exporter.status.conditions import occurrences, status_of, status_of_invalid
from yuptime_exporter.status.model import (
    Draft,
    Found,
    MonitorStatus,
    Occurrence,
    Outcome,
    Spec,
)
from yuptime_exporter.status.waiting_pushes import Save

# Somebody who is faster each time, five times in a row, does nothing else.
MAX_CONFLICTS = 5
CONFLICT_PAUSE_SECONDS = 0.01

# With a push it may be another replica that is pushed to as often, and has the better chances: its
# next write is drafted for what it has just written. A fifth of a second is worth an acknowledgement.
MAX_CONFLICTS_OF_PUSH = 25


class StatusSink(Protocol):
    """Who shows the status of each monitor to those that look for it at its declaration."""

    def spec(self, key: MonitorKey) -> Spec | None:
        """Return what is declared of a monitor; None: no Monitor of that name is known."""

    def draft(self, key: MonitorKey, status: MonitorStatus) -> Draft | None:
        """Return what is to be written so that the Monitor says this; None: it is not known."""

    async def write(self, key: MonitorKey, draft: Draft) -> Outcome:
        """Write what was drafted, unless the Monitor has changed since; never raises for it."""

    async def reread(self, key: MonitorKey) -> Found | None:
        """Look at the Monitor as it is now; None: it could not be asked for."""

    def tell(self, key: MonitorKey, occurrence: Occurrence) -> None:
        """Take note of something that happened; never waits."""


class StatusWriter:
    """Derives a status from what is known, and writes it through a sink."""

    def __init__(
        self,
        table: MonitorTable,
        *,
        jitter: Callable[[], float],
        metrics: StatusMetrics,
        clock: Clock,
    ) -> None:
        self._table = table
        self._jitter = jitter
        self._metrics = metrics
        self._clock = clock

    def draft(self, key: MonitorKey, sink: StatusSink, save: Save | None) -> Draft | None:
        """Return what is to be written, with the push that waits; None: nobody declares it."""
        spec = sink.spec(key)
        status = self._status(key, spec, save) if spec else None
        return sink.draft(key, status) if status else None

    async def write(
        self, key: MonitorKey, sink: StatusSink, draft: Draft, save: Save | None
    ) -> tuple[Draft, Outcome]:
        """Write; whenever somebody else was faster, take over what they wrote and try again.

        Returns:
            What was written at last, or would have been, and what became of it.
        """
        outcome = Outcome(Written.DONE)
        for conflicts in range(1, (MAX_CONFLICTS_OF_PUSH if save else MAX_CONFLICTS) + 1):
            behind = self._is_behind(draft)
            outcome = Outcome(Written.CONFLICT) if behind else await sink.write(key, draft)
            if outcome.written is Written.DONE:
                for occurrence in occurrences(draft.shown, draft.status):
                    sink.tell(key, occurrence)
            if outcome.written is not Written.CONFLICT:
                break
            self._metrics.errors.labels(Written.CONFLICT).inc()
            patience = min(conflicts, MAX_CONFLICTS)
            await asyncio.sleep(CONFLICT_PAUSE_SECONDS * patience * self._jitter())
            found = await sink.reread(key)
            if found is not None:
                self._table.adopt(key, None, found.last_push, now_timestamp=self._clock())
            anew = self.draft(key, sink, save)
            if anew is None:
                return draft, Outcome(Written.GONE, "it is not known any more")
            draft = anew
            if not draft.patch:  # the other said all of it
                return draft, Outcome(Written.DONE)
        return draft, outcome

    def _is_behind(self, draft: Draft) -> bool:
        """Tell whether the Monitor shows a push that is not known here yet.

        The watch may have shown it together with a spec that is not in force yet. The version of
        the draft is the newest, so that nobody but us would notice what it overwrites.
        """
        shown, wanted = draft.shown.last_push_timestamp, draft.wanted.last_push_timestamp
        if shown is None or shown > self._clock() + MAX_FUTURE_SECONDS:
            return False
        return draft.status.row is not None and shown > (wanted or 0.0)

    def _status(self, key: MonitorKey, spec: Spec, save: Save | None) -> MonitorStatus | None:
        row = self._table.row(key)
        status = None
        if row is not None:
            if save is not None:
                save.continue_from(row.last_push)
                row = Row(row.monitor, row.arming, save.push)
            verdict = self._table.verdict(row, now_timestamp=self._clock())
            status = status_of(row, verdict, generation=spec.generation)
        if spec.problem is not None:
            return status_of_invalid(status, spec.problem, generation=spec.generation)
        return status
