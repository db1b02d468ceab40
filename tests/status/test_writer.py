"""Writes of one status by several replicas."""

from tests.core.examples import DOWN, KEY, UP
from tests.core.examples import pushed as after
from tests.engine.parts import row_of, table_of
from tests.fakes.api_server import ErrorAnswer
from tests.status.desk import CONFLICT, LIMITS, START, Desk, MakeDesk, monitor_path, named, saved_as
from yuptime_exporter.core.errors import MonitorUnwritable
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.model import MonitorKey, Push


class TestSeveralReplicas:
    async def test_replicas_count_the_pushes_of_each_other_when_they_meet(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        other = Desk(desk.objects, table_of(*named("backup"), at=START), desk.clock)
        desk.blind = other.blind = True
        async with desk.reporting(), other.reporting():
            for one in (desk, other, other, desk, desk, other):
                desk.clock.advance(1)
                await one.save()

        last = desk.objects.last_push(KEY)
        assert last is not None
        assert (last.pushes_total, last.received_timestamp) == (6, START + 6)
        assert row_of(other.table, KEY).last_push == last
        assert desk.metric("status_write_errors_total", reason="conflict") >= 1

    async def test_pushes_to_two_replicas_at_the_same_moment_are_both_counted(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        other = Desk(desk.objects, table_of(*named("backup"), at=START), desk.clock)
        desk.blind = other.blind = True
        async with desk.reporting(), other.reporting():
            desk.server.hold()
            saving = [desk.save(), other.save(DOWN)]
            await desk.settled()
            desk.server.release()
            await desk.settled()

        last = desk.objects.last_push(KEY)
        assert [saved_as(one) for one in saving] == ["saved", "saved"]
        assert last is not None
        assert (last.pushes_total, last.pushes_down_total) == (2, 1)

    async def test_a_push_that_the_watch_delivers_while_another_waits_is_counted(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.hold()
            await desk.push()
            saving = desk.save()
            desk.server.release()
            theirs = after(row_of(desk.table, KEY), DOWN, at=START + 0.5)
            desk.table.adopt(KEY, None, theirs, now_timestamp=START + 0.5)
            await saving

        last = desk.objects.last_push(KEY)
        assert last is not None
        assert (last.pushes_total, last.pushes_down_total) == (3, 1)

    async def test_a_push_that_waited_while_another_replica_stored_a_much_newer_one_is_counted(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        other = Desk(desk.objects, table_of(*named("backup"), at=START), desk.clock)
        async with desk.reporting(), other.reporting():
            waiting = Push(DOWN, START)
            desk.clock.advance(MAX_FUTURE_SECONDS + 1)
            newest = await other.save()
            desk.table.adopt(KEY, None, newest, now_timestamp=desk.clock())
            saved = await desk.save_accepted(waiting)

        last = desk.objects.last_push(KEY)
        assert last is not None
        assert last == saved == row_of(desk.table, KEY).last_push
        assert (last.status, last.received_timestamp) == (UP, newest.received_timestamp)
        assert (last.pushes_total, last.pushes_down_total) == (2, 1)
        assert desk.metric("status_write_errors_total", reason="conflict") == 0

    async def test_endless_conflicts_fail_the_push_and_delay_the_status(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of(*named("backup", "other"))
        async with desk.reporting():
            desk.server.patch_answers = [CONFLICT] * LIMITS.conflicts_of_push
            saving = desk.save()
            await desk.settled()
            refused = saving.exception()
            await desk.push(key=MonitorKey("prod", "other"))
            others = desk.state(MonitorKey("prod", "other"))
            await desk.push(DOWN)
            await desk.advance(LIMITS.pause_seconds)

        assert isinstance(refused, MonitorUnwritable)
        assert desk.objects.reads(KEY) == LIMITS.conflicts_of_push
        assert others == "up"
        assert desk.state() == "down"

    async def test_a_write_goes_on_where_the_object_cannot_be_read_again(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.refusals[monitor_path(KEY)] = ErrorAnswer(500, method="GET")
            desk.server.patch_answers = [CONFLICT]
            await desk.save()

        assert desk.state() == "up"

    async def test_a_replica_writes_nothing_that_another_has_written(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            other = Desk(desk.objects, desk.table, desk.clock)
            other.blind = True
            async with other.reporting():
                await desk.push()
                other.reporter.look(KEY)
                await desk.settled()

        assert other.writes()[:2] == [0, 0] or other.objects.reads(KEY) == 1
        assert len(desk.objects.written()) == 2
