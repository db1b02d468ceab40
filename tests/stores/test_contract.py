"""Every store keeps these promises. A store that lacks a capability says so in its `Place`."""

import asyncio

from tests.core.examples import DOWN, LOG, NO_OUTAGES, START, UP
from tests.stores.contract import RETENTION_SECONDS, Capability, Place, needs, running
from tests.stores.saving import save
from tests.waiting import eventually
from yuptime_exporter.core.evaluation import after_push
from yuptime_exporter.core.model import Outage, Push
from yuptime_exporter.core.stored import Restored


async def test_an_unused_store_restores_nothing(place: Place) -> None:
    assert await place.restored() == Restored({}, {}, (), None)


async def test_an_acknowledged_push_is_what_a_restore_returns(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        for kind in (UP, DOWN, UP):
            pushed = await exporter.push(kind)
            restored = await place.restored()

            assert restored.last_pushes == {exporter.key(): pushed}


async def test_a_restarted_exporter_shows_the_push_that_was_acknowledged(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        pushed = await exporter.push(DOWN)
    async with running(place) as restarted:
        assert restarted.last_push() == pushed


async def test_a_start_before_any_other_push_is_what_a_restore_returns(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        begun = await exporter.push(START, run_id="7")
        restored = await place.restored()

    assert restored.last_pushes == {exporter.key(): begun}
    assert [run.run_id for run in begun.runs.open] == ["7"]


async def test_open_and_ended_runs_survive_a_restart(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        for kind, run_id in ((START, "a"), (START, "b"), (START, "b"), (DOWN, "a"), (START, "")):
            pushed = await exporter.push(kind, run_id=run_id)
    async with running(place) as restarted:
        assert restarted.last_push() == pushed
        ended = await restarted.push(UP, run_id="b")

    assert [run.run_id for run in ended.runs.open] == [""]
    assert (ended.runs.starts_total, ended.runs.durations_total) == (4, 2)


async def test_a_message_changes_nothing_that_a_restore_returns(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        begun = await exporter.push(START)
        await exporter.push(LOG, message="half way")
        restored = await place.restored()

    assert restored.last_pushes == {exporter.key(): begun}


async def test_a_message_comes_back_as_it_was(place: Place) -> None:
    message = 'Grüße\n\t"quoted" \\ \u2028 日本 🚀'
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        await exporter.push(DOWN, message=message)
        restored = await place.restored()

    assert [push.message for push in restored.last_pushes.values()] == [message]


async def test_each_of_many_pushes_at_once_is_counted(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        async with asyncio.TaskGroup() as tasks:
            for number in range(20):
                kind = DOWN if number % 4 == 0 else UP
                tasks.create_task(exporter.push(kind, after_seconds=0.1))
        restored = await place.restored()

    [push] = restored.last_pushes.values()
    assert (push.pushes_total, push.pushes_down_total) == (20, 5)


async def test_counts_never_go_back(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        await exporter.push(DOWN)
        await exporter.push()
    async with running(place) as restarted:
        await restarted.push(DOWN)
        restored = await place.restored()

    [push] = restored.last_pushes.values()
    assert (push.pushes_total, push.pushes_down_total) == (3, 2)


async def test_a_recreated_monitor_starts_to_count_at_one(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        for _ in range(5):
            await exporter.push()
        await exporter.recreate()
        pushed = await exporter.push(DOWN)
        restored = await place.restored()

    assert (pushed.status, pushed.pushes_total) == (DOWN, 1)
    assert restored.last_pushes == {exporter.key(): pushed}


async def test_a_recreated_monitor_without_a_push_has_none_after_a_restart(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        await exporter.push()
        await exporter.recreate()

        async def last_pushes() -> object:
            return (await place.restored()).last_pushes

        assert await eventually(last_pushes, lambda found: not found) == {}
    async with running(place) as restarted:
        assert restarted.row().last_push is None


async def test_the_history_of_a_removed_monitor_comes_back_within_the_retention(
    place: Place,
) -> None:
    needs(place, Capability.REMOVED_HISTORY)
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        pushed = await exporter.push()
        await exporter.declare()
        place.clock.advance(RETENTION_SECONDS - 1)
        await exporter.receiving_log.tick()
    async with running(place) as restarted:
        restored = await place.restored()

    assert restored.last_pushes == {exporter.key(): pushed}
    assert restarted.table.rows() == ()


async def test_a_removed_monitor_leaves_nothing_after_the_retention(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True, other=True)
        await exporter.push()
        await exporter.push(name="other")
        await exporter.declare(other=True)
        place.clock.advance(RETENTION_SECONDS + 1)
        await exporter.receiving_log.tick()
        restored = await place.restored()

    assert list(restored.last_pushes) == list(restored.armings) == [exporter.key("other")]


async def test_an_older_push_never_replaces_a_newer_one_and_is_counted(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        await exporter.push()
        before = exporter.row()
        overtaken = Push(UP, place.clock() + 0.5, "overtaken")
        newest = await exporter.push(DOWN, message="newest")
        after = after_push(before, NO_OUTAGES, overtaken)
        stored = await save(exporter.store, before, after)
        restored = await place.restored()

    assert restored.last_pushes == {exporter.key(): stored}
    assert (stored.message, stored.received_timestamp) == ("newest", newest.received_timestamp)
    assert stored.pushes_total == 3


async def test_a_push_after_the_clock_was_set_back_is_what_a_restore_returns(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        place.clock.advance(8000)
        await exporter.receiving_log.tick()
        await exporter.push()
        place.clock.advance(-7000)
        pushed = await exporter.push(DOWN)
        await exporter.receiving_log.tick()
        restored = await place.restored()

    assert (pushed.status, pushed.pushes_total) == (DOWN, 2)
    assert restored.last_pushes == {exporter.key(): pushed}


async def test_a_pause_survives_a_restart(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        place.clock.advance(10)
        await exporter.declare(backup=False)
        arming = exporter.row().arming

        async def armings() -> object:
            return (await place.restored()).armings

        await eventually(armings, lambda found: found == {exporter.key(): arming})
        place.clock.advance(1000)
    async with running(place) as restarted:
        assert restarted.row().arming == arming


async def test_an_outage_survives_a_restart(place: Place) -> None:
    async with running(place) as exporter:
        now = place.clock()
        outages = (Outage(now - 900, now - 800), Outage(now - 100, now - 50))
        await exporter.store.save_receiving(now, outages)
        restored = await place.restored()

    assert restored.outages == outages
    assert restored.receiving_timestamp == now


async def test_an_outage_that_is_not_saved_again_stays(place: Place) -> None:
    async with running(place) as exporter:
        now = place.clock()
        outage = Outage(now - 900, now - 800)
        await exporter.store.save_receiving(now, [outage])
        await exporter.store.save_receiving(now + 1, None)
        restored = await place.restored()

    assert restored.outages == (outage,)


async def test_the_last_moment_of_receiving_never_goes_back(place: Place) -> None:
    async with running(place) as exporter:
        now = place.clock()
        await exporter.store.save_receiving(now + 2, None)
        await exporter.store.save_receiving(now, None)
        restored = await place.restored()

    assert restored.receiving_timestamp == now + 2


async def test_a_moment_of_receiving_that_a_wrong_clock_noted_is_corrected(place: Place) -> None:
    async with running(place) as exporter:
        now = place.clock()
        await exporter.store.save_receiving(now + 9000, None)
        await exporter.store.save_receiving(now, None)
        restored = await place.restored()

    assert restored.receiving_timestamp == now


async def test_pushes_to_two_replicas_at_once_are_all_counted(place: Place) -> None:
    needs(place, Capability.REPLICAS)
    async with running(place) as first, running(place) as second:
        await first.declare(backup=True)
        await second.declare(backup=True)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(5):
                tasks.create_task(first.push(after_seconds=0.1))
                tasks.create_task(second.push(DOWN, after_seconds=0.1))
        restored = await place.restored()

    [push] = restored.last_pushes.values()
    assert (push.pushes_total, push.pushes_down_total) == (10, 5)


async def test_a_run_that_starts_at_one_replica_ends_at_another(place: Place) -> None:
    needs(place, Capability.REPLICAS)
    async with running(place) as first, running(place) as second:
        await first.declare(backup=True)
        await second.declare(backup=True)
        begun = await first.push(START, run_id="7")

        async def known_to_both() -> bool:
            return second.row().last_push == begun

        await eventually(known_to_both)
        ended = await second.push(UP, run_id="7", after_seconds=42.0)

        async def ended_at_both() -> bool:
            return first.row().last_push == ended

        await eventually(ended_at_both)

    assert ended.runs.open == ()
    assert ended.runs.last_duration_seconds is not None
    assert ended.runs.last_duration_seconds >= 42.0  # a clock may go on by itself
