"""Change the table and store each change: declarations, corrections of the clock, forgetting.

A change is active at once, whether or not it can be stored. A change that cannot be stored is kept,
and stored together with the next one.
"""

import asyncio
import logging
from collections.abc import Iterable

from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import Monitor
from yuptime_exporter.core.ports import ChangeStore
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.metrics.changes import ChangeMetrics

log = logging.getLogger(__name__)


class TableChanges:
    """Makes every change of the table but the pushes, and stores it."""

    def __init__(
        self,
        table: MonitorTable,
        store: ChangeStore,
        *,
        retention_seconds: float,
        metrics: ChangeMetrics,
        clock: Clock,
    ) -> None:
        """Connect the table and its store; nothing changes yet.

        Args:
            table: shows the monitors.
            store: where the changes are stored.
            retention_seconds: how long the history of a removed monitor is kept.
            metrics: the number of moments that were corrected.
            clock: Unix seconds.
        """
        self._table = table
        self._store = store
        self._retention_seconds = retention_seconds
        self._metrics = metrics
        self._clock = clock
        self._unsaved = Changes()
        self._turn = asyncio.Lock()
        self._failures = FailureLog(
            log,
            "changes of monitors cannot be stored; they are tried again",
            "changes of monitors are stored again",
        )

    async def declare(
        self, monitors: Iterable[Monitor], *, unlisted: frozenset[str] = frozenset()
    ) -> None:
        """Declare exactly these monitors; the armings that this changes are stored by `save`.

        Args:
            monitors: all that are declared.
            unlisted: as in `MonitorSet`.
        """
        steps = self._table.declaring(monitors, unlisted=unlisted, now_timestamp=self._clock())
        self._add(await Turn().take(steps))

    def correct_clock(self) -> None:
        """Set every moment that lies in the future to now; stored with the next change."""
        changes = self._table.bring_into_the_present(now_timestamp=self._clock())
        self._add(changes)
        if changes:
            corrected = {"armings": len(changes.armings), "pushes": len(changes.corrections)}
            self._metrics.future_timestamps.inc(sum(corrected.values()))
            log.warning(
                "stored moments lie in the future and count as now; was the clock set back?",
                extra=corrected,
            )

    async def forget_vanished(self) -> None:
        """Forget the history of monitors that were removed long ago; store all that is unsaved."""
        changes = self._table.forget_vanished(
            before_timestamp=self._clock() - self._retention_seconds
        )
        if changes:
            log.info(
                "history of removed monitors is forgotten",
                extra={"monitors": len(changes.forgotten)},
            )
        self._add(changes)
        await self.save()

    async def save(self) -> None:
        """Store all that is unsaved; a store that fails raises nothing here.

        Only one write is under way at a time: a write that failed would otherwise be repeated
        after later changes.
        """
        async with self._turn:
            saving = self._unsaved
            if not saving:
                return
            self._unsaved = Changes()
            try:
                await self._store.save_changes(saving)
            except StoreUnavailable as error:
                self._unsaved = saving.then(self._unsaved)
                self._failures.failed(error)
            else:
                self._failures.recovered()

    def _add(self, changes: Changes) -> None:
        self._unsaved = self._unsaved.then(changes)
