"""The status that is written, when, and how often."""

import asyncio

from tests.core.examples import DOWN, KEY, UP, push
from tests.engine.parts import row_of
from tests.status.desk import (
    FORBIDDEN,
    INVALID,
    LIMITS,
    NO_MONITOR,
    START,
    UNAVAILABLE,
    Desk,
    MakeDesk,
    named,
)
from tests.waiting import eventually
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.status.model import ConditionType


class TestWhatIsWritten:
    async def test_the_status_of_every_monitor_is_written_at_the_start(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of(*named("a", "b", "c"))
        async with desk.reporting():
            pass

        assert sorted(key.name for key in desk.objects.written()) == ["a", "b", "c"]
        assert desk.state(MonitorKey("prod", "a")) == "pending"

    async def test_nothing_is_written_where_every_status_is_up_to_date(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            pass
        again = Desk(desk.objects, desk.table, desk.clock)
        async with again.reporting():
            again.reporter.look(KEY)
            await desk.settled()

        assert again.writes() == [0, 0, 0]
        assert len(desk.objects.attempts) == 1

    async def test_a_change_of_state_is_written_at_once(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            seen = [desk.state()]
            for status in (UP, DOWN, UP):
                await desk.push(status)
                seen.append(desk.state())

        assert seen == ["pending", "up", "down", "up"]
        assert desk.writes() == [0, 4, 0]

    async def test_a_change_by_silence_is_written_when_it_happens(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            seen = []
            for seconds in (299, 1, 59, 1):
                await desk.advance(seconds)
                seen.append(desk.state())

        assert seen == ["up", "late", "late", "down"]
        assert desk.objects.shown(KEY).reason == "PUSH_TIMEOUT"

    async def test_the_generation_of_a_changed_spec_is_written(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.change(KEY)
            desk.reporter.look(KEY)
            await desk.settled()

        assert desk.objects.shown(KEY).generation == 2

    async def test_an_invalid_spec_is_written_as_a_condition(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        broken = MonitorKey("prod", "broken")
        desk.objects.create(broken, spec=INVALID)
        async with desk.reporting():
            desk.objects.change(KEY, spec=INVALID)
            desk.reporter.look(KEY)
            desk.reporter.look(broken)
            await desk.settled()

        assert desk.objects.shown(broken).reason == "INVALID_CONFIG"
        assert desk.objects.shown(KEY).reason == "AWAITING_FIRST_PUSH"
        [valid, *_] = desk.objects.shown(KEY).conditions
        assert (valid.type, valid.holds) == (ConditionType.VALID, "False")

    async def test_nothing_is_written_to_monitors_that_are_not_declared(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        desk.objects.create(MonitorKey("prod", "undeclared"))
        async with desk.reporting():
            desk.reporter.look(MonitorKey("prod", "undeclared"))
            desk.reporter.look(NO_MONITOR)
            await desk.settled()

        assert desk.objects.written() == [KEY]

    async def test_an_event_is_written_once_its_status_is(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            desk.server.patch_answers = [UNAVAILABLE]
            await desk.push(DOWN)
            early = desk.event_reasons()
            await desk.advance(LIMITS.pause_seconds)

            async def reasons() -> list[str]:
                return desk.event_reasons()

            assert await eventually(reasons) == ["ReportedDown"]
        assert early == []


class TestHeartbeats:
    async def test_heartbeats_are_gathered_for_half_a_minute(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            for _ in range(29):
                await desk.advance(1)
                await desk.push()
            gathered = desk.writes()
            await desk.advance(1)

        assert gathered == [0, 2, 0]
        assert desk.writes() == [0, 2, 1]
        assert desk.objects.last_push(KEY) == row_of(desk.table, KEY).last_push

    async def test_a_heartbeat_is_written_before_the_status_expires(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of(*named("backup", expire_seconds=20))
        async with desk.reporting():
            await desk.push()
            await desk.advance(10)
            await desk.push()
            await desk.advance(7.9)
            before = desk.objects.shown(KEY).last_push_timestamp
            await desk.advance(0.1)

        assert before == START
        assert desk.objects.shown(KEY).last_push_timestamp == START + 10

    async def test_heartbeats_are_not_written_for_jobs_that_do_not_push(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            await desk.advance(290)

        assert desk.writes() == [0, 2, 0]

    async def test_a_heartbeat_is_not_written_where_another_replica_wrote_it(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            await desk.advance(10)
            await desk.push()
            other = Desk(desk.objects, desk.table, desk.clock)
            async with other.reporting():
                other.reporter.look(KEY)
                await other.reporter.flush()
            await desk.advance(20)

        assert desk.writes() == [0, 2, 0]
        assert other.writes() == [0, 0, 1]


class TestOneWriteAtATime:
    async def test_changes_during_a_write_are_written_together_with_the_next(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.hold()
            for status in (UP, DOWN, UP, DOWN):
                await desk.push(status)
            waiting = desk.server.patches
            desk.server.release()
            await desk.settled()

        assert waiting == 1
        assert desk.server.most_patches_of_one == 1
        assert (
            len(desk.objects.written()) == 3
        )  # at the start, the held write, and all changes during it
        assert desk.state() == "down"
        assert desk.objects.last_push(KEY) == row_of(desk.table, KEY).last_push

    async def test_other_monitors_do_not_wait_for_a_write(self, desk_of: MakeDesk) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.server.hold()
            await desk.push(key=a)
            await desk.push(key=b)
            waiting = desk.server.patches

        assert waiting == 2

    async def test_no_more_writes_than_the_limit_are_in_flight(self, desk_of: MakeDesk) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(40))))
        desk.server.hold()
        async with desk.reporting():
            waiting = desk.server.patches

        assert waiting == desk.server.most_patches == LIMITS.writes_in_flight
        assert len(desk.objects.written()) == 40


class TestTheSweep:
    async def test_the_sweep_repairs_a_status_that_was_overwritten(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            await desk.advance(200)
            await desk.push()
            await desk.advance(90)
            desk.objects.overwrite(KEY, {"uptime": {"last24h": 99.5}})
            before = desk.objects.last_push(KEY)
            await desk.advance(LIMITS.sweep_seconds - 290)

        assert before is None
        assert desk.objects.last_push(KEY) == row_of(desk.table, KEY).last_push
        assert desk.objects.status(KEY)["uptime"] == {"last24h": 99.5}

    async def test_an_overwritten_status_that_the_watch_delivers_is_repaired_at_once(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            desk.objects.overwrite(KEY, {})
            desk.reporter.look(KEY)
            await desk.settled()

        assert desk.objects.last_push(KEY) == push(UP, at=START)


class TestTheEnd:
    async def test_the_flush_writes_gathered_heartbeats(self, desk_of: MakeDesk) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            for _ in range(2):
                await desk.push(key=a)
                await desk.push(key=b)
                await desk.advance(5)
            before = [desk.objects.shown(key).last_push_timestamp for key in (a, b)]
            await desk.reporter.flush()

        assert before == [START, START]
        assert desk.objects.shown(a).last_push_timestamp == START + 5
        assert desk.objects.shown(b).last_push_timestamp == START + 5

    async def test_the_flush_ends_at_once_where_nothing_is_to_be_written(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting(), asyncio.TaskGroup() as tasks:
            flushing = tasks.create_task(desk.reporter.flush())
            await desk.settled()
            done = flushing.done()

        assert done

    async def test_the_flush_goes_on_while_only_the_rate_delays_writes(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(LIMITS.burst + 20))))
        async with desk.reporting(), asyncio.TaskGroup() as tasks:
            before = len(desk.objects.written())
            flushing = tasks.create_task(desk.reporter.flush())
            await desk.settled()
            while not flushing.done():
                await desk.advance(0.1)

        assert before == LIMITS.burst
        assert len(desk.objects.written()) == LIMITS.burst + 20

    async def test_the_flush_waits_for_writes_in_flight(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.hold()
            await desk.push()
            async with asyncio.TaskGroup() as tasks:
                flushing = tasks.create_task(desk.reporter.flush())
                await desk.settled()
                early = flushing.done()
                desk.server.release()
                await flushing

        assert not early
        assert desk.state() == "up"

    async def test_the_flush_does_not_wait_for_an_api_server_that_forbids_writes(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.patch_answer = FORBIDDEN
            await desk.push()
            async with asyncio.TaskGroup() as tasks:
                flushing = tasks.create_task(desk.reporter.flush())
                await desk.settled()
                done = flushing.done()

        assert done
