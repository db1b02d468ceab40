"""The receiving log: when was the exporter unable to receive pushes?

Every few seconds, the exporter stores that pushes can be received, by the same way as it stores
pushes. After a crash or a full disk, the last note says since when no push could be received.
That time is an outage, and open deadlines move by it.

A single commit that fails is an outage, too: the push that it refused may have been the last before
a deadline. The time is then credited from the last note until the next, so never less than the time
in which pushes were refused, and at most one interval more.
"""

import asyncio
import logging
from typing import NoReturn, Protocol

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.model import Outage
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.ports import ReceivingStore
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.table_changes import TableChanges
from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.metrics.receiving import ReceivingMetrics

log = logging.getLogger(__name__)

# A crash or a failed commit credits at most this much too much; one write every 5 s costs a disk nothing.
NOTE_INTERVAL_SECONDS = 5.0

# Three missed notes: an event loop that was busy for a moment is no outage.
OUTAGE_AFTER_SECONDS = 3 * NOTE_INTERVAL_SECONDS


class OnReceiving(Protocol):
    """Called after each note with the reason why pushes cannot be stored; empty: they can."""

    def __call__(self, *, failure: str) -> None:
        """Act on it."""


class ReceivingLog:
    """Notes that pushes can be received, and credits the time in which they could not."""

    def __init__(
        self,
        table: MonitorTable,
        store: ReceivingStore,
        changes: TableChanges,
        *,
        on_receiving: OnReceiving,
        metrics: ReceivingMetrics,
        clock: Clock,
    ) -> None:
        """Connect the log; nothing is stored before `begin`.

        Args:
            table: knows the outages, and when pushes could last be received.
            store: where the log is stored.
            changes: corrects the table after the clock was set back, and forgets old history.
            on_receiving: called after each note, and not before a failure has lasted for an outage.
            metrics: the seconds of credit.
            clock: Unix seconds.
        """
        self._table = table
        self._store = store
        self._changes = changes
        self._on_receiving = on_receiving
        self._metrics = metrics
        self._clock = clock
        self._outages_unsaved = False
        self._begun = asyncio.Event()
        self._failures = FailureLog(
            log,
            "store fails; pushes are refused until it works",
            "store works again",
            level=logging.ERROR,
        )

    async def begin(self) -> None:
        """Note that pushes can be received from now on, and credit the time before."""
        now_timestamp = self._clock()
        self._correct_clock()
        since = self._table.receiving_timestamp
        if since is not None and now_timestamp > since and not await self._received(since):
            self._credit(Outage(since, now_timestamp))
            self._outages_unsaved = True
        await self._note(now_timestamp)
        self._begun.set()

    async def keep(self) -> NoReturn:
        """Note every few seconds that pushes can be received, once `begin` has returned."""
        await self._begun.wait()
        while True:
            await asyncio.sleep(NOTE_INTERVAL_SECONDS)
            await self.tick()

    async def tick(self) -> None:
        """Note that pushes can be received, forget old history, and store unsaved changes."""
        now_timestamp = self._clock()
        since = self._table.receiving_timestamp
        if since is not None and now_timestamp < since - MAX_FUTURE_SECONDS:
            self._correct_clock()
        if await self._note(now_timestamp):
            await self._changes.forget_vanished()

    async def end(self) -> None:
        """Note until when pushes could be received, and store unsaved changes."""
        if self._begun.is_set() and await self._note(self._clock()):
            await self._changes.save()

    async def _note(self, now_timestamp: float) -> bool:
        """Store that pushes can be received; return whether that worked.

        An outage that ends with this note is stored together with it.
        """
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
            self._failures.failed(error, **error.log_fields)
            since = self._table.receiving_timestamp
            if since is not None and now_timestamp - since > OUTAGE_AFTER_SECONDS:
                self._on_receiving(failure=str(error))
            return False
        self._on_receiving(failure="")
        self._outages_unsaved = False
        if over is not None:
            self._credit(over)
        self._table.record_receiving(now_timestamp)
        self._failures.recovered()
        return True

    async def _received(self, since_timestamp: float) -> bool:
        """Return whether any replica could receive just now, as far as the store can say."""
        try:
            return await self._received_elsewhere()
        except StoreUnavailable as error:  # the restored moment has to do
            self._failures.failed(error, **error.log_fields)
            return self._clock() - since_timestamp <= OUTAGE_AFTER_SECONDS

    async def _received_elsewhere(self) -> bool:
        """Adopt the log of other replicas; return whether one of them could receive just now."""
        noted = await self._store.noted()
        if noted is None:
            return False
        now_timestamp = self._clock()
        # An outage in the future was noted by a clock that was wrong. It would come back with
        # each note, and hide every outage until its end.
        for outage in Outages(noted.outages).until(now_timestamp + MAX_FUTURE_SECONDS).known:
            if outage not in self._table.ended_outages:
                self._table.record_outage(outage)
        received = noted.receiving_timestamp
        if received is None or received > now_timestamp + MAX_FUTURE_SECONDS:
            return False
        known = self._table.receiving_timestamp
        if known is None or received > known:  # otherwise no other replica has noted anything since
            self._table.record_receiving(min(received, now_timestamp))
        return now_timestamp - received <= OUTAGE_AFTER_SECONDS

    def _credit(self, outage: Outage) -> None:
        seconds = outage.end_timestamp - outage.start_timestamp
        self._table.record_outage(outage)
        self._metrics.outage_credit_seconds.inc(seconds)
        log.log(
            logging.INFO if seconds < OUTAGE_AFTER_SECONDS else logging.WARNING,  # a mere restart
            "no push could be received for a while; open deadlines move by that time",
            extra={"outage_seconds": round(seconds, 3)},
        )

    def _correct_clock(self) -> None:
        outages = self._table.ended_outages
        self._changes.correct_clock()
        self._outages_unsaved |= outages != self._table.ended_outages
