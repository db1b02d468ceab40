"""Every history keeps these promises: that of a database, and that in memory."""

import asyncio

from tests.core.examples import DOWN, LOG, START, UP
from tests.stores.contract import (
    HISTORY_LIMIT,
    RETENTION_SECONDS,
    Capability,
    Place,
    needs,
    running,
)
from tests.waiting import eventually
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import Push


async def test_a_monitor_without_a_push_has_no_past_pushes(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        past = await exporter.past()

    assert past.pushes == ()


async def test_the_newest_push_comes_first(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True, other=True)
        for kind, message in ((UP, "first"), (DOWN, "second"), (UP, "third")):
            await exporter.push(kind, message=message)
            await exporter.push(name="other", message=f"other {message}")
        past = await exporter.past()

    assert [(push.kind, push.message) for push in past.pushes] == [
        (UP, "third"),
        (DOWN, "second"),
        (UP, "first"),
    ]


async def test_each_of_several_pushes_in_one_save_is_in_the_history(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        async with asyncio.TaskGroup() as tasks:
            for number in range(HISTORY_LIMIT):
                tasks.create_task(exporter.push(message=str(number), after_seconds=0.1))
        past = await exporter.past()

    assert sorted(push.message for push in past.pushes) == list(map(str, range(HISTORY_LIMIT)))


async def test_everything_in_a_push_comes_back(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        place.clock.advance(1)
        push = Push(
            DOWN,
            place.clock(),
            "Grüße 🚀",
            message_truncated=True,
            run_id="run 7",
            duration_seconds=1.25,
            exit_code=3,
            dialect="kuma",
            client_address="2001:db8::1",
        )
        await exporter.receiver.accept(exporter.key(), push)
        past = await exporter.past()

    assert past.pushes == (push,)


async def test_starts_and_messages_are_in_the_history(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        for kind in (UP, START, LOG, UP):
            await exporter.push(kind)
        past = await exporter.past()

    assert [push.kind for push in past.pushes] == [UP, LOG, START, UP]


async def test_no_more_pushes_are_returned_than_were_asked_for(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        pushed = [await exporter.push() for _ in range(3)]
        past = await exporter.past(limit=2)

    assert [push.received_timestamp for push in past.pushes] == [
        pushed[2].received_timestamp,
        pushed[1].received_timestamp,
    ]
    assert past.complete_after_timestamp == pushed[1].received_timestamp


async def test_no_more_pushes_are_returned_than_are_kept(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        pushed = [await exporter.push() for _ in range(HISTORY_LIMIT + 2)]
        past = await exporter.past()

    assert exporter.history.limit == HISTORY_LIMIT
    assert len(past.pushes) == HISTORY_LIMIT
    assert past.complete_after_timestamp == pushed[2].received_timestamp


async def test_messages_are_left_out_where_they_are_not_wanted(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        await exporter.push(DOWN, message="disk full")
        [push] = (await exporter.past(messages=False)).pushes

    assert (push.kind, push.message) == (DOWN, "")


async def test_the_history_of_a_recreated_monitor_begins_anew(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        for _ in range(3):
            await exporter.push()
        await exporter.recreate()
        await exporter.push(message="new")
        past = await exporter.past()

    assert [push.message for push in past.pushes] == ["new"]


async def test_a_removed_monitor_has_no_past_pushes_after_the_retention(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True, other=True)
        await exporter.push()
        await exporter.declare(other=True)
        place.clock.advance(RETENTION_SECONDS + 1)
        await exporter.receiving_log.tick()
        past = await exporter.past()

    assert past.pushes == ()


async def test_the_history_survives_a_restart_or_says_when_it_began(place: Place) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        await exporter.push(message="before")
    place.clock.advance(10)
    restarted_timestamp = place.clock()
    async with running(place) as exporter:
        await exporter.push(message="after")
        past = await exporter.past()

    messages = [push.message for push in past.pushes]
    if Capability.DURABLE_HISTORY in place.lacks:
        assert messages == ["after"]
        # With a real API server the clock is real, too.
        begin_timestamp = exporter.history.begin_timestamp
        assert begin_timestamp is not None
        assert restarted_timestamp <= begin_timestamp <= past.pushes[0].received_timestamp
        assert past.complete_after_timestamp == begin_timestamp
    else:
        assert messages == ["after", "before"]
        assert exporter.history.begin_timestamp is None
        assert past == PastPushes(past.pushes, None)


async def test_a_push_to_another_replica_is_in_the_history(place: Place) -> None:
    needs(place, Capability.REPLICAS)
    async with running(place) as first, running(place) as second:
        await first.declare(backup=True)
        await second.declare(backup=True)
        await first.push(DOWN, message="disk full")
        past = await eventually(second.past, lambda past: past.pushes)

    assert [(push.kind, push.message) for push in past.pushes] == [(DOWN, "disk full")]
