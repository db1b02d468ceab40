"""What the exporter writes on its own account: that it is receiving, and when monitors were armed.

"Still receiving" is written every few seconds, through the same store that pushes go through. So
the last such note tells, after a crash as well as after a full disk, since when nobody could
push, and deadlines that were open then get that time back.
"""

import asyncio
import logging
from typing import NoReturn, Protocol

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.model import Outage
from yuptime_exporter.core.ports import PushStore
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.metrics.receiving import ReceivingMetrics

log = logging.getLogger(__name__)

# One write each five seconds is nothing to a disk, and five seconds too much credit after a
# crash are nothing to a deadline.
NOTE_INTERVAL_SECONDS = 5.0

# Three missed notes: an event loop that was merely busy is no outage.
OUTAGE_AFTER_SECONDS = 3 * NOTE_INTERVAL_SECONDS


class Receiving(Protocol):
    """Who is told whether pushes can come in."""

    def __call__(self, *, possible: bool) -> None:
        """Take note of it."""


class Bookkeeping:
    """Keeps the store's view of everything but the pushes up to date."""

    def __init__(
        self,
        table: MonitorTable,
        store: PushStore,
        *,
        retention_seconds: float,
        on_receiving: Receiving,
        metrics: ReceivingMetrics,
        clock: Clock,
    ) -> None:
        """Take what is kept; `on_receiving` is told after each note whether pushes can come in."""
        self._on_receiving = on_receiving
        self._table = table
        self._store = store
        self._retention_seconds = retention_seconds
        self._metrics = metrics
        self._clock = clock
        self._unsaved = Changes()
        self._saving = asyncio.Lock()
        self._outages_unsaved = False
        self._store_fails = False
        self._begun = asyncio.Event()

    async def begin(self) -> None:
        """Note that from now on pushes can be received, and credit the time before."""
        now_timestamp = self._clock()
        self._correct_clock(now_timestamp)
        since = self._table.receiving_timestamp
        if since is not None and now_timestamp > since and not await self._received(since):
            self._credit(Outage(since, now_timestamp))
            self._outages_unsaved = True
        await self._note(now_timestamp)
        self._begun.set()

    async def keep(self) -> NoReturn:
        """Note every few seconds that pushes can be received, from the beginning on, forever."""
        await self._begun.wait()
        while True:
            await asyncio.sleep(NOTE_INTERVAL_SECONDS)
            await self.tick()

    async def tick(self) -> None:
        """Note that pushes can be received, credit it where they could not, and tidy up."""
        now_timestamp = self._clock()
        since = self._table.receiving_timestamp
        if since is not None and now_timestamp < since - MAX_FUTURE_SECONDS:
            self._correct_clock(now_timestamp)
        if await self._note(now_timestamp):
            await self.save(self._forget(now_timestamp - self._retention_seconds))

    async def save(self, changes: Changes) -> None:
        """Store these changes, and those that could not be stored before; never raises for that.

        Changes that cannot be stored now are active all the same, and are tried with each tick.
        """
        self._unsaved = self._unsaved.then(changes)
        async with self._saving:  # or changes that failed would come after later ones
            saving = self._unsaved
            if not saving:
                return
            self._unsaved = Changes()
            try:
                await self._store.save_changes(saving)
            except StoreUnavailable as error:
                self._unsaved = saving.then(self._unsaved)
                self._report_failure(error)

    async def end(self) -> None:
        """Note exactly until when pushes could be received."""
        if self._begun.is_set():
            await self._note(self._clock())

    async def _note(self, now_timestamp: float) -> bool:
        """Save that pushes can be received, in one piece with the outage that is over by it."""
        try:
            await self._received_elsewhere()
            over = self._table.open_outage(now_timestamp=now_timestamp)
            outages = self._table.ended_outages
            if over is not None:
                await self._store.save_receiving(now_timestamp, (*outages, over))
            else:
                unsaved = outages if self._outages_unsaved else None
                await self._store.save_receiving(now_timestamp, unsaved)
        except StoreUnavailable as error:
            self._table.record_refusing()
            self._report_failure(error)
            since = self._table.receiving_timestamp
            if since is not None and now_timestamp - since > OUTAGE_AFTER_SECONDS:
                self._on_receiving(possible=False)
            return False
        self._on_receiving(possible=True)
        self._outages_unsaved = False
        if over is not None:
            self._credit(over)
        self._table.record_receiving(now_timestamp)
        if self._store_fails:
            self._store_fails = False
            log.info("store works again")
        return True

    async def _received(self, since_timestamp: float) -> bool:
        """Tell whether any replica could receive just now, as far as can be known."""
        try:
            return await self._received_elsewhere()
        except StoreUnavailable as error:  # what was restored says when one could last
            self._report_failure(error)
            return self._clock() - since_timestamp <= OUTAGE_AFTER_SECONDS

    async def _received_elsewhere(self) -> bool:
        """Take over what other replicas noted; tell whether one of them could receive just now."""
        noted = await self._store.noted()
        if noted is None:
            return False
        for outage in noted.outages:
            if outage not in self._table.ended_outages:
                self._table.record_outage(outage)
        received = noted.receiving_timestamp
        now_timestamp = self._clock()
        if received is None or received > now_timestamp + MAX_FUTURE_SECONDS:
            return False
        known = self._table.receiving_timestamp
        if known is None or received > known:  # else nobody but us has noted anything since
            self._table.record_receiving(min(received, now_timestamp))
        return now_timestamp - received <= OUTAGE_AFTER_SECONDS

    def _credit(self, outage: Outage) -> None:
        seconds = outage.end_timestamp - outage.start_timestamp
        self._table.record_outage(outage)
        self._metrics.outage_credit_seconds.inc(seconds)
        log.log(
            logging.INFO if seconds < OUTAGE_AFTER_SECONDS else logging.WARNING,  # a mere restart
            "nobody could push for a while; deadlines that were open then move by that time",
            extra={"outage_seconds": round(seconds, 3)},
        )

    def _correct_clock(self, now_timestamp: float) -> None:
        outages = self._table.ended_outages
        changes = self._table.bring_into_the_present(now_timestamp=now_timestamp)
        self._outages_unsaved |= outages != self._table.ended_outages
        self._unsaved = self._unsaved.then(changes)
        if changes:
            corrected = {"armings": len(changes.armings), "pushes": len(changes.corrections)}
            self._metrics.future_timestamps.inc(sum(corrected.values()))
            log.warning(
                "stored moments lie in the future and count as now; was the clock set back?",
                extra=corrected,
            )

    def _forget(self, before_timestamp: float) -> Changes:
        changes = self._table.forget_vanished(before_timestamp=before_timestamp)
        if changes:
            log.info(
                "history of vanished monitors forgotten", extra={"monitors": len(changes.forgotten)}
            )
        return changes

    def _report_failure(self, error: StoreUnavailable) -> None:
        if not self._store_fails:
            self._store_fails = True
            log.error("store fails; pushes are refused until it works", extra={"err": str(error)})
