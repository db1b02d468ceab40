"""What is noted of receiving where several replicas share a store, and what that says of each."""

from prometheus_client import CollectorRegistry

from tests.core.examples import KEY, UP, monitor, push
from tests.engine.parts import row_of, table_of
from tests.exporters import StandingClock
from tests.fakes.store import FakeStore, Notes
from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.model import Arming, Outage
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.receiving_log import (
    NOTE_INTERVAL_SECONDS,
    OUTAGE_AFTER_SECONDS,
    Bookkeeping,
)
from yuptime_exporter.metrics.receiving import ReceivingMetrics

START = 1000.0
RETENTION_SECONDS = 86_400.0


class Replica:
    """One exporter's books, and whether it takes pushes as far as it was told."""

    def __init__(
        self, notes: Notes, *, shared: bool = True, clock: StandingClock | None = None
    ) -> None:
        self.clock = clock or StandingClock(START)
        self.store = FakeStore(notes, shared=shared)
        self.table = MonitorTable(silence_is_outage_after_seconds=OUTAGE_AFTER_SECONDS)
        self.possible: list[bool] = []
        self.metrics = ReceivingMetrics(CollectorRegistry())
        self.books = Bookkeeping(
            self.table,
            self.store,
            retention_seconds=RETENTION_SECONDS,
            on_receiving=self._told,
            metrics=self.metrics,
            clock=self.clock,
        )

    def _told(self, *, possible: bool) -> None:
        self.possible.append(possible)

    async def begin(self) -> None:
        self.table.restore(await self.store.restore())
        await self.books.begin()

    @property
    def credited_seconds(self) -> float:
        return float(self.metrics.outage_credit_seconds._value.get())


async def test_a_replica_that_starts_while_another_receives_credits_nothing() -> None:
    notes = Notes(receiving_timestamp=START - NOTE_INTERVAL_SECONDS)
    replica = Replica(notes)
    await replica.begin()

    assert replica.table.ended_outages == ()
    assert replica.credited_seconds == 0
    assert notes == Notes(START)


async def test_one_that_starts_after_all_were_away_credits_their_absence() -> None:
    notes = Notes(receiving_timestamp=START - 600)
    replica = Replica(notes)
    await replica.begin()

    assert replica.table.ended_outages == (Outage(400, START),)
    assert replica.credited_seconds == 600
    assert notes == Notes(START, (Outage(400, START),))


async def test_one_whose_store_nobody_shares_credits_every_absence() -> None:
    notes = Notes(receiving_timestamp=START - 1)
    replica = Replica(notes, shared=False)
    await replica.begin()

    assert replica.table.ended_outages == (Outage(START - 1, START),)


async def test_an_outage_that_another_noted_moves_the_deadlines_here() -> None:
    notes, clock = Notes(), StandingClock(START)
    first, second = Replica(notes, clock=clock), Replica(notes, clock=clock)
    await first.begin()
    await second.begin()
    notes.outages = (Outage(900, 950),)
    clock.advance(NOTE_INTERVAL_SECONDS)
    await first.books.tick()
    await second.books.tick()

    assert first.table.ended_outages == second.table.ended_outages == (Outage(900, 950),)
    assert first.credited_seconds == 0  # whoever noted it has counted it


async def test_a_replica_that_was_cut_off_learns_that_others_received_meanwhile() -> None:
    notes, clock = Notes(), StandingClock(START)
    cut_off, other = Replica(notes, clock=clock), Replica(notes, clock=clock)
    await cut_off.begin()
    await other.begin()
    cut_off.store.unavailable = True
    for _ in range(60):
        clock.advance(NOTE_INTERVAL_SECONDS)
        await cut_off.books.tick()
        await other.books.tick()
    refuses = cut_off.possible[-1]
    cut_off.store.unavailable = False
    await cut_off.books.tick()

    assert not refuses
    assert cut_off.possible[-1]
    assert cut_off.table.ended_outages == ()
    assert cut_off.table.open_outage(now_timestamp=clock()) is None


async def test_pushes_that_were_refused_here_are_no_outage_while_another_takes_them() -> None:
    notes, clock = Notes(), StandingClock(START)
    refusing, other = Replica(notes, clock=clock), Replica(notes, clock=clock)
    await refusing.begin()
    await other.begin()
    refusing.table.record_refusing()
    clock.advance(3)
    await other.books.tick()
    clock.advance(2)
    await refusing.books.tick()

    assert refusing.table.ended_outages == ()


async def test_pushes_that_the_only_replica_refused_are_credited() -> None:
    replica = Replica(Notes())
    await replica.begin()
    replica.table.record_refusing()
    replica.clock.advance(NOTE_INTERVAL_SECONDS)
    await replica.books.tick()

    assert replica.table.ended_outages == (Outage(START, START + NOTE_INTERVAL_SECONDS),)


async def test_when_all_were_cut_off_the_time_is_credited_once() -> None:
    notes, clock = Notes(), StandingClock(START)
    replicas = [Replica(notes, clock=clock) for _ in range(3)]
    for replica in replicas:
        await replica.begin()
        replica.store.unavailable = True
    for _ in range(12):
        clock.advance(NOTE_INTERVAL_SECONDS)
        for replica in replicas:
            await replica.books.tick()
    for replica in replicas:
        replica.store.unavailable = False
        await replica.books.tick()

    assert notes == Notes(1060, (Outage(START, 1060),))
    assert {replica.table.ended_outages for replica in replicas} == {notes.outages}
    assert sum(replica.credited_seconds for replica in replicas) == 60


async def test_pushes_are_turned_away_only_after_several_notes_have_failed() -> None:
    replica = Replica(Notes())
    await replica.begin()
    replica.store.unavailable = True
    seen = []
    for _ in range(4):
        replica.clock.advance(NOTE_INTERVAL_SECONDS)
        await replica.books.tick()
        seen.append(replica.possible[-1])

    assert seen == [True, True, True, False]


async def test_a_replica_that_begins_while_the_store_fails_notes_it_later() -> None:
    notes = Notes(receiving_timestamp=START - 600)
    replica = Replica(notes)
    replica.table.restore(await replica.store.restore())
    replica.store.unavailable = True
    await replica.books.begin()
    replica.store.unavailable = False
    replica.clock.advance(NOTE_INTERVAL_SECONDS)
    await replica.books.tick()

    assert notes.receiving_timestamp == START + NOTE_INTERVAL_SECONDS
    assert notes.outages[0].start_timestamp == START - 600
    assert notes.outages[0].end_timestamp >= START


async def test_a_replica_that_restarts_while_the_store_fails_trusts_what_it_restored() -> None:
    replica = Replica(Notes(receiving_timestamp=START - 3))
    replica.table.restore(await replica.store.restore())
    replica.store.unavailable = True
    await replica.books.begin()

    assert replica.table.ended_outages == ()


async def test_a_note_of_the_end_is_the_last_of_this_replica() -> None:
    notes = Notes()
    replica = Replica(notes)
    await replica.books.end()
    before = notes.receiving_timestamp
    await replica.begin()
    replica.clock.advance(2)
    await replica.books.end()

    assert (before, notes.receiving_timestamp) == (None, START + 2)


async def test_armings_that_could_not_be_saved_are_saved_later() -> None:
    replica = Replica(Notes(), shared=False)
    await replica.begin()
    replica.store.unavailable = True
    await replica.books.save(Changes(armings={KEY: Arming(START)}))
    replica.store.unavailable = False
    await replica.books.tick()

    assert replica.store.changes[-1] == Changes(armings={KEY: Arming(START)})


async def test_history_that_could_not_be_forgotten_is_forgotten_with_the_next_tick() -> None:
    replica = Replica(Notes(), shared=False)
    await replica.begin()
    replica.table.replace_monitors([monitor()], now_timestamp=START)
    replica.table.replace_monitors([], now_timestamp=START)
    replica.clock.advance(RETENTION_SECONDS + 1)
    replica.store.changes_fail = True
    await replica.books.tick()
    replica.store.changes_fail = False
    await replica.books.tick()

    assert replica.store.changes[-1] == Changes(forgotten={KEY: START + 1})
    assert len(replica.store.changes) == 2


async def test_changes_that_failed_are_stored_in_their_order_together_with_later_ones() -> None:
    replica = Replica(Notes(), shared=False)
    await replica.begin()
    replica.store.changes_fail = True
    await replica.books.save(Changes(armings={KEY: Arming(START)}, forgotten={KEY: 900.0}))
    replica.store.changes_fail = False
    await replica.books.save(Changes(armings={KEY: Arming(START + 5)}))
    await replica.books.tick()

    both = Changes(armings={KEY: Arming(START + 5)}, forgotten={KEY: 900.0})
    assert replica.store.changes[1:] == [both]


async def test_what_was_restored_from_a_clock_that_ran_ahead_is_put_right() -> None:
    replica = Replica(Notes(receiving_timestamp=START + 3600))
    replica.table = table_of(at=START)
    replica.table.record_push(KEY, push(UP, at=START + 3600))
    books = Bookkeeping(
        replica.table,
        replica.store,
        retention_seconds=RETENTION_SECONDS,
        on_receiving=replica._told,
        metrics=replica.metrics,
        clock=replica.clock,
    )
    await books.begin()

    last = row_of(replica.table, KEY).last_push
    assert last is not None
    assert last.received_timestamp == START
