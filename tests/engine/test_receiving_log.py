"""When pushes could be received, with one replica and with several that share a store."""

from prometheus_client import CollectorRegistry

from tests.core.examples import KEY, UP, monitor, push, replace_monitors
from tests.engine.parts import row_of
from tests.exporters import StandingClock
from tests.fakes.store import FakeStore, Notes
from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.model import Outage
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.receiving_log import (
    NOTE_INTERVAL_SECONDS,
    OUTAGE_AFTER_SECONDS,
    ReceivingLog,
)
from yuptime_exporter.engine.table_changes import TableChanges
from yuptime_exporter.metrics.changes import ChangeMetrics
from yuptime_exporter.metrics.receiving import ReceivingMetrics

START = 1000.0
RETENTION_SECONDS = 86_400.0


class Replica:
    """The receiving log of one exporter, and whether pushes could be received after each note."""

    def __init__(
        self, notes: Notes, *, shared: bool = True, clock: StandingClock | None = None
    ) -> None:
        self.clock = clock or StandingClock(START)
        self.store = FakeStore(notes, shared=shared)
        self.table = MonitorTable(silence_is_outage_after_seconds=OUTAGE_AFTER_SECONDS)
        self.possible: list[bool] = []
        self.metrics = ReceivingMetrics(CollectorRegistry())
        changes = TableChanges(
            self.table,
            self.store,
            retention_seconds=RETENTION_SECONDS,
            metrics=ChangeMetrics(CollectorRegistry()),
            clock=self.clock,
        )
        self.log = ReceivingLog(
            self.table,
            self.store,
            changes,
            on_receiving=self._told,
            metrics=self.metrics,
            clock=self.clock,
        )

    def _told(self, *, failure: str) -> None:
        self.possible.append(not failure)

    async def begin(self) -> None:
        self.table.restore(await self.store.restore())
        await self.log.begin()

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
    await first.log.tick()
    await second.log.tick()

    assert first.table.ended_outages == second.table.ended_outages == (Outage(900, 950),)
    assert first.credited_seconds == 0  # the replica that noted it has counted it


async def test_a_replica_that_was_cut_off_learns_that_others_received_meanwhile() -> None:
    notes, clock = Notes(), StandingClock(START)
    cut_off, other = Replica(notes, clock=clock), Replica(notes, clock=clock)
    await cut_off.begin()
    await other.begin()
    cut_off.store.unavailable = True
    for _ in range(60):
        clock.advance(NOTE_INTERVAL_SECONDS)
        await cut_off.log.tick()
        await other.log.tick()
    refuses = cut_off.possible[-1]
    cut_off.store.unavailable = False
    await cut_off.log.tick()

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
    await other.log.tick()
    clock.advance(2)
    await refusing.log.tick()

    assert refusing.table.ended_outages == ()


async def test_pushes_that_the_only_replica_refused_are_credited() -> None:
    replica = Replica(Notes())
    await replica.begin()
    replica.table.record_refusing()
    replica.clock.advance(NOTE_INTERVAL_SECONDS)
    await replica.log.tick()

    assert replica.table.ended_outages == (Outage(START, START + NOTE_INTERVAL_SECONDS),)


async def test_one_failed_commit_credits_the_time_between_two_notes_and_no_more() -> None:
    replica = Replica(Notes())
    await replica.begin()
    replica.clock.advance(NOTE_INTERVAL_SECONDS - 1)
    replica.table.record_refusing()
    for _ in range(3):
        replica.clock.advance(1)
        await replica.log.tick()

    assert replica.table.ended_outages == (Outage(START, START + NOTE_INTERVAL_SECONDS),)
    assert replica.credited_seconds == NOTE_INTERVAL_SECONDS


async def test_when_all_were_cut_off_the_time_is_credited_once() -> None:
    notes, clock = Notes(), StandingClock(START)
    replicas = [Replica(notes, clock=clock) for _ in range(3)]
    for replica in replicas:
        await replica.begin()
        replica.store.unavailable = True
    for _ in range(12):
        clock.advance(NOTE_INTERVAL_SECONDS)
        for replica in replicas:
            await replica.log.tick()
    for replica in replicas:
        replica.store.unavailable = False
        await replica.log.tick()

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
        await replica.log.tick()
        seen.append(replica.possible[-1])

    assert seen == [True, True, True, False]


async def test_a_replica_that_begins_while_the_store_fails_notes_it_later() -> None:
    notes = Notes(receiving_timestamp=START - 600)
    replica = Replica(notes)
    replica.table.restore(await replica.store.restore())
    replica.store.unavailable = True
    await replica.log.begin()
    replica.store.unavailable = False
    replica.clock.advance(NOTE_INTERVAL_SECONDS)
    await replica.log.tick()

    assert notes.receiving_timestamp == START + NOTE_INTERVAL_SECONDS
    assert notes.outages[0].start_timestamp == START - 600
    assert notes.outages[0].end_timestamp >= START


async def test_a_replica_that_restarts_while_the_store_fails_trusts_what_it_restored() -> None:
    replica = Replica(Notes(receiving_timestamp=START - 3))
    replica.table.restore(await replica.store.restore())
    replica.store.unavailable = True
    await replica.log.begin()

    assert replica.table.ended_outages == ()


async def test_a_note_of_the_end_is_the_last_of_this_replica() -> None:
    notes = Notes()
    replica = Replica(notes)
    await replica.log.end()
    before = notes.receiving_timestamp
    await replica.begin()
    replica.clock.advance(2)
    await replica.log.end()

    assert (before, notes.receiving_timestamp) == (None, START + 2)


async def test_history_that_is_old_enough_is_forgotten_with_a_note() -> None:
    replica = Replica(Notes(), shared=False)
    await replica.begin()
    replace_monitors(replica.table, [monitor()], now_timestamp=START)
    replace_monitors(replica.table, [], now_timestamp=START)
    replica.clock.advance(RETENTION_SECONDS + 1)
    await replica.log.tick()

    assert replica.store.changes == [Changes(forgotten={KEY: START + 1})]


async def test_changes_that_could_not_be_stored_are_stored_at_the_end() -> None:
    replica = Replica(Notes(), shared=False)
    await replica.begin()
    replica.store.changes_fail = True
    replace_monitors(replica.table, [monitor()], now_timestamp=START)
    replace_monitors(replica.table, [], now_timestamp=START)
    replica.clock.advance(RETENTION_SECONDS + 1)
    await replica.log.tick()
    replica.store.changes_fail = False
    await replica.log.end()

    assert replica.store.changes == [Changes(forgotten={KEY: START + 1})] * 2


async def test_a_stored_push_from_a_clock_that_ran_ahead_is_corrected() -> None:
    replica = Replica(Notes(receiving_timestamp=START + 3600))
    replace_monitors(replica.table, [monitor()], now_timestamp=START)
    replica.table.record_pushes([(KEY, push(UP, at=START + 3600))])
    await replica.log.begin()

    last = row_of(replica.table, KEY).last_push
    assert last is not None
    assert last.received_timestamp == START


async def test_an_outage_that_another_replica_noted_with_a_wrong_clock_hides_no_later_one() -> None:
    notes, clock = Notes(), StandingClock(START)
    replica = Replica(notes, clock=clock)
    await replica.begin()
    notes.outages = (Outage(START + 300, START + 9000),)
    clock.advance(NOTE_INTERVAL_SECONDS)
    await replica.log.tick()

    assert replica.table.ended_outages == ()
    assert replica.table.receiving_timestamp == clock()


async def test_a_moment_at_which_a_wrong_clock_received_is_corrected_with_the_next_note() -> None:
    clock = StandingClock(START + 8000)
    replica = Replica(Notes(), shared=False, clock=clock)
    await replica.begin()
    clock.advance(-7000)
    await replica.log.tick()

    assert replica.table.receiving_timestamp == clock()
