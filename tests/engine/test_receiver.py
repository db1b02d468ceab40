"""Saving pushes: in the order of arrival, and durable before they are acknowledged."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.core.examples import DOWN, KEY, UP, monitor, push, replace_monitors
from tests.engine.parts import TOKEN_DIGESTS, row_of, settled, table_of
from tests.exporters import StandingClock
from tests.fakes.store import FakeStore
from yuptime_exporter.core.errors import MonitorUnwritable, NotAuthenticated, StoreUnavailable
from yuptime_exporter.core.model import MonitorKey, Push, PushKind, State
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.receiver import SAVE_TIMEOUT_SECONDS, Receipt, Receiver

START = 1000.0
OTHER = MonitorKey("prod", "other")


class Desk:
    """A receiver with everything around it, and the changes of state that it reported."""

    def __init__(
        self, tasks: asyncio.TaskGroup, *, save_timeout_seconds: float = SAVE_TIMEOUT_SECONDS
    ) -> None:
        self.clock = StandingClock(START)
        self.store = FakeStore()
        self.table: MonitorTable = table_of(
            monitor(token_digests=TOKEN_DIGESTS),
            monitor("other", token_digests=TOKEN_DIGESTS),
            at=START,
        )
        self.reported: list[tuple[MonitorKey, State, State]] = []
        self.receiver = Receiver(
            self.table,
            self.store,
            on_push=lambda *change: self.reported.append(change),
            save_timeout_seconds=save_timeout_seconds,
        )
        self._tasks = tasks

    async def push(
        self, message: str, kind: PushKind = UP, *, key: MonitorKey = KEY
    ) -> "asyncio.Task[Receipt]":
        """Have a push arrive, a second after the one before."""
        self.clock.advance(1)
        task = self._tasks.create_task(
            self.receiver.accept(key, Push(kind, self.clock(), message)), name=message
        )
        await settled()
        return task

    def shown(self, key: MonitorKey = KEY) -> tuple[int, str]:
        """Return how many pushes are counted, and what the last of them said."""
        last = row_of(self.table, key).last_push
        return (last.pushes_total, last.message) if last else (0, "")


async def test_a_push_is_shown_and_acknowledged_once_it_is_durable() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        pushed = await desk.push("first")
        before = (desk.shown(), pushed.done())
        desk.store.saves[0].succeed()
        receipt = await pushed

    assert before == ((0, ""), False)
    assert desk.shown() == (1, "first")
    assert receipt.row == row_of(desk.table, KEY)
    assert receipt.verdict.state is State.UP


async def test_pushes_that_arrive_during_a_save_are_saved_together() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        pushed = [await desk.push(str(n)) for n in range(10)]
        waiting = len(desk.store.saves)
        desk.store.saves[0].succeed()
        await settled()
        done_first = [task.done() for task in pushed]
        desk.store.saves[1].succeed()
        receipts = [await task for task in pushed]

    assert waiting == 1
    assert done_first == [True] + [False] * 9
    assert [save.push.pushes_total for save in desk.store.saves] == [1, 10]
    saved = [[one.message for one in save.pushes] for save in desk.store.saves]
    assert saved == [["0"], list("123456789")]
    assert desk.shown() == (10, "9")
    assert [one.row.last_push and one.row.last_push.pushes_total for one in receipts] == list(
        range(1, 11)
    )


async def test_each_push_gets_the_state_that_it_made_in_the_order_of_arrival() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        pushed = [
            await desk.push(f"{status} {n}", status)
            for n, status in enumerate((UP, DOWN, DOWN, UP))
        ]
        desk.store.saves[0].succeed()
        await settled()
        desk.store.saves[1].succeed()
        receipts = [await task for task in pushed]

    assert [one.verdict.state for one in receipts] == ["up", "down", "down", "up"]
    assert [one.verdict.since_timestamp for one in receipts] == [1001, 1002, 1002, 1004]
    assert [(before, after) for _, before, after in desk.reported] == [
        (State.PENDING, State.UP),
        (State.UP, State.DOWN),
        (State.DOWN, State.DOWN),
        (State.DOWN, State.UP),
    ]
    last = row_of(desk.table, KEY).last_push
    assert last is not None
    assert (last.pushes_total, last.pushes_down_total) == (4, 2)


async def test_the_moment_of_receipt_is_the_arrival_and_not_the_save() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        pushed = [await desk.push("first"), await desk.push("second")]
        desk.clock.advance(4)
        desk.store.saves[0].succeed()
        await settled()
        desk.store.saves[1].succeed()

    assert all(task.done() for task in pushed)
    assert [save.push.received_timestamp for save in desk.store.saves] == [1001, 1002]


async def outcome(accepting: Coroutine[Any, Any, Receipt]) -> type[BaseException] | None:
    """Return how a push failed; None: it did not."""
    try:
        await accepting
    except (StoreUnavailable, NotAuthenticated) as error:
        return type(error)
    return None


async def test_a_failed_save_fails_its_own_pushes_and_no_other() -> None:
    pushed: list[asyncio.Task[type[BaseException] | None]] = []
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)

        async def push(message: str) -> None:
            desk.clock.advance(1)
            accepting = desk.receiver.accept(KEY, Push(UP, desk.clock(), message))
            pushed.append(tasks.create_task(outcome(accepting)))
            await settled()

        for message in ("first", "second", "third"):
            await push(message)
        desk.store.saves[0].succeed()
        await settled()
        await push("fourth")
        desk.store.saves[1].fail()
        await settled()
        after_failure = desk.shown()
        desk.store.saves[2].succeed()

    assert [task.result() for task in pushed] == [
        None,
        StoreUnavailable,
        StoreUnavailable,
        None,
    ]
    assert after_failure == (1, "first")
    assert desk.shown() == (2, "fourth")
    assert [save.push.pushes_total for save in desk.store.saves] == [1, 3, 2]


async def test_a_failed_save_reports_no_push_and_begins_an_outage() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        tasks.create_task(outcome(desk.receiver.accept(KEY, Push(UP, desk.clock(), ""))))
        await settled()
        desk.store.saves[0].fail()
    desk.clock.advance(1)

    assert desk.reported == []
    assert desk.table.open_outage(now_timestamp=desk.clock()) is not None


async def test_a_monitor_that_cannot_be_written_is_no_outage_of_the_others() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        pushing = tasks.create_task(outcome(desk.receiver.accept(KEY, Push(UP, desk.clock(), ""))))
        await settled()
        desk.store.saves[0].fail(MonitorUnwritable("the API server refuses this object"))
    desk.clock.advance(1)

    assert pushing.result() is MonitorUnwritable
    assert desk.table.open_outage(now_timestamp=desk.clock()) is None


async def test_a_push_whose_client_left_before_the_save_is_not_counted() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        first = await desk.push("first")
        left = await desk.push("left")
        stayed = await desk.push("stayed")
        left.cancel()
        await settled()
        desk.store.saves[0].succeed()
        await settled()
        desk.store.saves[1].succeed()
        await first
        await stayed

    assert left.cancelled()
    assert desk.shown() == (2, "stayed")


async def test_nothing_is_saved_when_all_clients_have_left() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        first = await desk.push("first")
        left = await desk.push("left")
        left.cancel()
        await settled()
        desk.store.saves[0].succeed()
        await first
        await settled()
        again = await desk.push("again")
        desk.store.saves[1].succeed()
        await again

    assert [save.push.message for save in desk.store.saves] == ["first", "again"]
    assert desk.shown() == (2, "again")


async def test_a_push_whose_client_left_during_the_save_is_counted() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        left = await desk.push("left")
        left.cancel()
        await settled()
        desk.store.saves[0].succeed()
        await settled()

    assert desk.shown() == (1, "left")
    assert desk.reported == [(KEY, State.PENDING, State.UP)]


async def test_pushes_to_one_monitor_do_not_wait_for_those_to_another() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        slow = await desk.push("slow")
        quick = await desk.push("quick", key=OTHER)
        desk.store.saves[1].succeed()
        await quick
        waits = not slow.done()
        desk.store.saves[0].succeed()

    assert waits
    assert desk.shown(OTHER) == (1, "quick")


async def test_a_push_that_waits_too_long_for_the_store_is_asked_to_retry() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks, save_timeout_seconds=0.01)
        outcomes = [
            await outcome(desk.receiver.accept(KEY, Push(UP, desk.clock(), str(n))))
            for n in range(3)
        ]
        desk.store.saves[0].succeed()
        await settled()

    assert outcomes == [StoreUnavailable] * 3
    assert StoreUnavailable.retry_after_seconds
    assert desk.shown() == (1, "0")  # it became durable after all; of the others nobody waits


async def test_a_monitor_that_is_removed_during_a_save_takes_no_further_push() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        first = await desk.push("first")
        second = tasks.create_task(
            outcome(desk.receiver.accept(KEY, Push(UP, desk.clock(), "second")))
        )
        await settled()
        replace_monitors(desk.table, [], now_timestamp=desk.clock())
        desk.store.saves[0].succeed()
        await first

    assert second.result() is NotAuthenticated
    assert len(desk.store.saves) == 1


async def test_a_merged_push_that_the_store_returns_is_shown_and_continued() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        first = await desk.push("mine")
        second = await desk.push("second")
        desk.store.saves[0].succeed(push(UP, at=1001.5, message="theirs", pushes_total=7))
        await first
        theirs = desk.shown()
        await settled()
        desk.store.saves[1].succeed()
        await second

    assert theirs == (7, "theirs")
    assert desk.shown() == (8, "second")


async def test_a_push_changes_the_status_by_the_newest_push_before_it() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)

        def changing() -> list[PushKind]:
            return [kind for kind in (UP, DOWN) if desk.receiver.changes_status(KEY, kind)]

        before_any = changing()
        await desk.push("first", UP)
        on_its_way = changing()
        left = await desk.push("second", DOWN)
        waiting = changing()
        left.cancel()
        await settled()
        after_leaving = changing()
        desk.store.saves[0].succeed()
        await settled()
        stored = changing()

    assert before_any == [UP, DOWN]
    assert on_its_way == [DOWN]
    assert waiting == [UP]
    assert after_leaving == [DOWN]
    assert stored == [DOWN]
