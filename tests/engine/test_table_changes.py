"""Changes of the table are stored, now or later, in their order."""

import asyncio
from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from tests.core.examples import KEY, Life, monitor, push, replace_monitors
from tests.engine.parts import row_of, settled
from tests.exporters import StandingClock
from tests.fakes.store import FakeStore
from yuptime_exporter.core.changes import Changes, Correction
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import Arming, Monitor
from yuptime_exporter.engine.table_changes import TableChanges
from yuptime_exporter.metrics.changes import ChangeMetrics

START = 1000.0
RETENTION_SECONDS = 86_400.0


class Desk:
    """A table, its changes, and the store that takes them."""

    def __init__(self) -> None:
        self.clock = StandingClock(START)
        self.store = FakeStore()
        self.registry = CollectorRegistry()
        self.table = Life().table
        replace_monitors(self.table, [], now_timestamp=START)
        self.changes = TableChanges(
            self.table,
            self.store,
            retention_seconds=RETENTION_SECONDS,
            metrics=ChangeMetrics(self.registry),
            clock=self.clock,
        )

    async def declare(self, monitors: Iterable[Monitor]) -> None:
        await self.changes.declare(monitors)
        await self.changes.save()


async def test_a_declaration_is_active_and_its_arming_stored() -> None:
    desk = Desk()
    await desk.declare([monitor("new")])

    assert [row.monitor.key.name for row in desk.table.rows()] == ["new"]
    [changes] = desk.store.changes
    assert Arming(START) in changes.armings.values()


async def test_a_declaration_that_changes_no_arming_is_not_stored() -> None:
    desk = Desk()
    await desk.declare([monitor()])
    await desk.declare([monitor()])

    assert len(desk.store.changes) == 1


async def test_a_declaration_is_active_even_if_it_cannot_be_stored() -> None:
    desk = Desk()
    desk.store.changes_fail = True
    await desk.declare([monitor()])

    assert row_of(desk.table, KEY).monitor == monitor()


async def test_changes_that_could_not_be_stored_are_stored_together_with_later_ones() -> None:
    desk = Desk()
    desk.store.changes_fail = True
    await desk.declare([monitor()])
    desk.clock.advance(10)
    await desk.declare([monitor(enabled=False)])
    desk.store.changes_fail = False
    desk.clock.advance(10)
    await desk.declare([monitor(enabled=False), monitor("new")])
    await desk.changes.save()

    *_, last = desk.store.changes
    assert last.armings[KEY].paused_timestamp == START + 10
    assert len(last.armings) == 2
    assert len(desk.store.changes) == 3


async def test_history_that_could_not_be_forgotten_is_forgotten_later() -> None:
    desk = Desk()
    desk.clock.advance(RETENTION_SECONDS + 1)
    desk.store.changes_fail = True
    await desk.changes.forget_vanished()
    desk.store.changes_fail = False
    desk.clock.advance(5)
    await desk.changes.forget_vanished()
    await desk.changes.forget_vanished()

    assert desk.store.changes == [Changes(forgotten={KEY: START + 1})] * 2


async def test_changes_that_fail_after_later_ones_were_made_do_not_undo_them() -> None:
    desk = Desk()
    desk.store.held = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.declare([monitor()]))
        await settled()
        desk.clock.advance(10)
        tasks.create_task(desk.declare([monitor(enabled=False)]))
        await settled()
        held, desk.store.held = desk.store.held, None
        held.set_exception(StoreUnavailable("the disk is full"))

    assert desk.store.changes[-1].armings[KEY].paused_timestamp == START + 10


async def test_two_changes_at_the_same_time_are_stored_one_after_the_other() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.declare([monitor()]))
        tasks.create_task(desk.declare([]))

    vanished = [changes.armings[KEY].vanished_timestamp for changes in desk.store.changes]
    assert vanished[-1] == START


async def test_a_moment_in_the_future_is_corrected_counted_and_stored_with_the_next_change() -> (
    None
):
    desk = Desk()
    await desk.declare([monitor()])
    ahead = push(at=START + 9000)
    desk.table.record_pushes([(KEY, ahead)])
    desk.changes.correct_clock()
    await desk.changes.save()

    *_, last = desk.store.changes
    assert last == Changes(corrections={KEY: Correction(ahead, push(at=START))})
    assert desk.registry.get_sample_value("yuptime_store_future_timestamps_total") == 1
