"""Whose status is written, when, how often; and pushes that rest in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tests.core.examples import DOWN, KEY, UP, monitor, push
from tests.core.examples import pushed as after
from tests.engine.parts import TOKEN_DIGESTS, row_of, settled, table_of
from tests.exporters import StandingClock
from tests.fakes.status_sink import FakeStatusSink, StatusObjects
from yuptime_exporter.core.errors import MonitorUnwritable, StoreUnavailable
from yuptime_exporter.core.evaluation import after_push
from yuptime_exporter.core.model import LastPush, Monitor, MonitorKey, Push, PushKind
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.metrics.status import StatusMetrics, Written
from yuptime_exporter.resource.monitor_object import SpecProblem
from yuptime_exporter.status import reporter as reporter_module
from yuptime_exporter.status.model import ConditionType, Outcome
from yuptime_exporter.status.reporter import (
    BURST,
    MAX_IN_FLIGHT,
    PAUSE_SECONDS,
    PROBE_SECONDS,
    SWEEP_SECONDS,
    WRITES_PER_SECOND,
    Reporter,
)
from yuptime_exporter.status.waiting_pushes import MAX_WAIT_SECONDS
from yuptime_exporter.status.writer import MAX_CONFLICTS_OF_PUSH

START = 1_700_000_000.0
NOBODY = MonitorKey("nobody", "nobody")
CAUSES = ("push", "transition", "heartbeat")


def named(*names: str, **fields: Any) -> tuple[Monitor, ...]:
    return tuple(monitor(name, token_digests=TOKEN_DIGESTS, **fields) for name in names)


class Desk:
    """A reporter of one replica with everything around it."""

    def __init__(self, objects: StatusObjects, table: MonitorTable, clock: StandingClock) -> None:
        self.objects = objects
        self.table = table
        self.clock = clock
        self.sink: FakeStatusSink = objects.sink()
        self.registry = CollectorRegistry()
        self.reporter = Reporter(
            table,
            max_writes_per_second=100.0,
            jitter=lambda: 0.0,
            replicated=False,
            metrics=StatusMetrics(self.registry),
            clock=clock,
        )

    @asynccontextmanager
    async def reporting(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.reporter.report_forever(self.sink, tasks))
            await settled()
            yield
            self.objects.release()
            await settled()
            running.cancel()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and let the reporter notice."""
        self.clock.advance(seconds)
        self.table.record_receiving(self.clock())
        self.reporter.look(NOBODY)  # it sleeps by another clock
        await settled()

    async def push(self, status: PushKind = UP, *, key: MonitorKey = KEY) -> None:
        """Accept a push that some other store has made durable."""
        before, accepted = self._accepted(key, status)
        self.table.record_push(key, accepted)
        now_timestamp = self.clock()
        self.reporter.pushed(
            key,
            self.table.verdict(before, now_timestamp=now_timestamp).state,
            self.table.verdict(row_of(self.table, key), now_timestamp=now_timestamp).state,
        )
        await settled()

    def save(self, status: PushKind = UP, *, key: MonitorKey = KEY) -> "asyncio.Future[LastPush]":
        """Have a push made durable in the status, and shown once it is."""
        _, accepted = self._accepted(key, status)
        saving = self.reporter.save_push(key, accepted)

        def show(saved: "asyncio.Future[LastPush]") -> None:
            if not saved.cancelled() and saved.exception() is None:
                self.table.record_push(key, saved.result())

        saving.add_done_callback(show)
        return saving

    def _accepted(self, key: MonitorKey, status: PushKind) -> tuple[Any, LastPush]:
        row = row_of(self.table, key)
        outages = self.table.outages(now_timestamp=self.clock())
        return row, after_push(row, outages, Push(status, self.clock()))

    def state(self, key: MonitorKey = KEY) -> str:
        """Return the state that is shown."""
        return self.objects.shown(key).state

    def metric(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(f"yuptime_{name}", labels)
        assert value is not None
        return value

    def writes(self) -> list[int]:
        """Return how many writes were counted of each cause."""
        return [int(self.metric("status_writes_total", cause=cause)) for cause in CAUSES]


def desk_of(*monitors: Monitor) -> Desk:
    """Return a desk for these monitors; without any, for `prod/backup`."""
    clock = StandingClock(START)
    monitors = monitors or named("backup")
    objects = StatusObjects(clock)
    objects.create(*(one.key for one in monitors))
    return Desk(objects, table_of(*monitors, at=START), clock)


def saved_as(saving: "asyncio.Future[LastPush]") -> str:
    """Return how a push was made durable."""
    if not saving.done():
        return "waits"
    return "refused" if saving.exception() else "saved"


class TestWhatIsWritten:
    async def test_every_monitor_that_is_there_at_the_start(self) -> None:
        desk = desk_of(*named("a", "b", "c"))
        async with desk.reporting():
            pass

        assert [key.name for key in desk.objects.written()] == ["a", "b", "c"]
        assert desk.state(MonitorKey("prod", "a")) == "pending"

    async def test_nothing_where_everything_is_said_already(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            pass
        again = Desk(desk.objects, desk.table, desk.clock)
        async with again.reporting():
            again.reporter.look(KEY)
            await settled()

        assert again.writes() == [0, 0, 0]
        assert len(desk.objects.attempts) == 1

    async def test_a_change_of_state_at_once(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            seen = [desk.state()]
            for status in (UP, DOWN, UP):
                await desk.push(status)
                seen.append(desk.state())

        assert seen == ["pending", "up", "down", "up"]
        assert desk.writes() == [0, 4, 0]

    async def test_what_silence_changes_when_it_does(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            seen = []
            for seconds in (299, 1, 59, 1):
                await desk.advance(seconds)
                seen.append(desk.state())

        assert seen == ["up", "late", "late", "down"]
        assert desk.objects.shown(KEY).reason == "PUSH_TIMEOUT"

    async def test_a_spec_that_was_changed(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.change(KEY)
            desk.reporter.look(KEY)
            await settled()

        assert desk.objects.shown(KEY).generation == 2

    async def test_a_spec_that_cannot_be_used(self) -> None:
        desk = desk_of()
        broken = MonitorKey("prod", "broken")
        desk.objects.create(broken, problem=SpecProblem("SpecInvalid", "no"))
        async with desk.reporting():
            desk.objects.change(KEY, problem=SpecProblem("SpecInvalid", "no"))
            desk.reporter.look(KEY)
            desk.reporter.look(broken)
            await settled()

        assert desk.objects.shown(broken).reason == "INVALID_CONFIG"
        assert desk.objects.shown(KEY).reason == "AWAITING_FIRST_PUSH"
        [valid, *_] = desk.objects.shown(KEY).conditions
        assert (valid.type, valid.holds) == (ConditionType.VALID, "False")

    async def test_nothing_of_monitors_that_are_not_known(self) -> None:
        desk = desk_of()
        desk.objects.create(MonitorKey("prod", "undeclared"))
        async with desk.reporting():
            desk.reporter.look(MonitorKey("prod", "undeclared"))
            desk.reporter.look(NOBODY)
            await settled()

        assert desk.objects.written() == [KEY]

    async def test_what_happened_is_told_once_it_is_written(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            desk.objects.answers = [Outcome(Written.UNAVAILABLE, "gone")]
            await desk.push(DOWN)
            untold = list(desk.sink.told)
            await desk.advance(PAUSE_SECONDS)

        assert untold == []
        assert [(key, one.reason) for key, one in desk.sink.told] == [(KEY, "ReportedDown")]


class TestHeartbeats:
    async def test_are_gathered_for_half_a_minute(self) -> None:
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

    async def test_come_before_what_is_shown_expires(self) -> None:
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

    async def test_are_not_written_for_jobs_that_do_not_push(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            await desk.advance(290)

        assert desk.writes() == [0, 2, 0]

    async def test_are_not_needed_where_another_replica_wrote(self) -> None:
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
    async def test_of_a_monitor_and_all_that_happened_meanwhile_with_the_next(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.hold()
            for status in (UP, DOWN, UP, DOWN):
                await desk.push(status)
            waiting = desk.objects.in_flight
            desk.objects.release()
            await settled()

        assert waiting == 1
        assert desk.objects.most_of_one == 1
        assert len(desk.objects.written()) == 3  # at the start, what was held, what came meanwhile
        assert desk.state() == "down"
        assert desk.objects.last_push(KEY) == row_of(desk.table, KEY).last_push

    async def test_others_do_not_wait_for_it(self) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.objects.hold()
            await desk.push(key=a)
            await desk.push(key=b)
            waiting = desk.objects.in_flight

        assert waiting == 2

    async def test_but_not_of_all_monitors_at_once(self) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(40))))
        desk.objects.hold()
        async with desk.reporting():
            waiting = desk.objects.in_flight

        assert waiting == desk.objects.most_in_flight == MAX_IN_FLIGHT
        assert len(desk.objects.written()) == 40


class TestTheRate:
    async def test_is_limited_where_nobody_waits(self) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(100))))
        seen = []
        async with desk.reporting():
            for _ in range(4):
                seen.append(len(desk.objects.written()))
                await desk.advance(1)

        per_second = int(WRITES_PER_SECOND)
        assert seen == [BURST, BURST + per_second, BURST + 2 * per_second, 100]

    async def test_is_raised_where_much_has_piled_up(self) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(1500))))
        async with desk.reporting():
            before = len(desk.objects.written())
            waiting = desk.metric("status_queue_length")
            await desk.advance(0.5)

        assert before == BURST
        assert waiting in {1500 - BURST, 1500 - BURST - 1}  # one waits for the bucket
        assert len(desk.objects.written()) - before in range(22, 26)  # all within half a minute

    async def test_is_raised_to_what_keeps_statuses_from_expiring(self) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(60)), expire_seconds=2))
        for row in desk.table.rows():
            desk.table.record_push(row.monitor.key, push(UP, at=START))
        async with desk.reporting():
            before = len(desk.objects.written())
            await desk.advance(0.5)

        assert desk.metric("status_needed_writes_per_second") == pytest.approx(60 / 1.8)
        assert len(desk.objects.written()) - before == 20  # 1.2 times the need, for half a second

    async def test_never_exceeds_what_is_allowed(self) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(9000))))
        async with desk.reporting():
            before = len(desk.objects.written())
            await desk.advance(1)

        assert desk.metric("status_max_writes_per_second") == 100
        assert len(desk.objects.written()) - before == 40  # the bucket holds no more

    async def test_does_not_hold_up_pushes(self) -> None:
        names = [f"job-{n}" for n in range(100)]
        desk = desk_of(*named(*names))
        async with desk.reporting():
            saving = [desk.save(key=MonitorKey("prod", name)) for name in names]
            await settled()
            saved = [saved_as(one) for one in saving]

        assert saved == ["saved"] * 100
        assert desk.writes()[0] == 100


class TestPushesThatAreSaved:
    async def test_are_done_when_they_are_written(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.hold()
            saving = desk.save()
            await settled()
            before = saved_as(saving)
            desk.objects.release()
            result = await saving

        assert before == "waits"
        assert desk.objects.last_push(KEY) == result == push(UP, at=START)

    async def test_overtake_everything_that_nobody_waits_for(self) -> None:
        names = [f"job-{n:02}" for n in range(60)]
        desk = desk_of(*named(*names))
        last = MonitorKey("prod", names[-1])
        desk.objects.hold()
        async with desk.reporting():
            saving = desk.save(key=last)
            await settled()
            desk.objects.release()
            await saving
            place = desk.objects.written().index(last)

        assert place == MAX_IN_FLIGHT

    async def test_wait_for_a_write_of_the_same_monitor_that_is_under_way(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.hold()
            await desk.push(DOWN)
            desk.table.record_push(KEY, push(DOWN, at=START))
            saving = desk.save()
            await settled()
            waiting = desk.objects.in_flight
            desk.objects.release()
            result = await saving

        assert waiting == desk.objects.most_of_one == 1
        assert desk.objects.last_push(KEY) == result
        assert result is not None
        assert result.pushes_total == 2

    async def test_are_saved_at_once_where_the_monitor_says_so_already(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.save()
            desk.objects.hold()
            last = row_of(desk.table, KEY).last_push
            assert last is not None
            again = desk.reporter.save_push(KEY, last)
            await settled()

            assert saved_as(again) == "saved"

    async def test_are_refused_at_once_while_others_wait_for_too_long(self) -> None:
        desk = desk_of(*named("a", "b", "c"))
        a, b, c = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.objects.hold()
            first = desk.save(key=a)
            await desk.advance(MAX_WAIT_SECONDS)
            second = desk.save(key=b)
            await desk.advance(0.1)
            third = desk.save(key=c)
            seen = [saved_as(one) for one in (first, second, third)]
            desk.objects.release()
            await settled()
            fourth = desk.save(key=c)
            await settled()

        assert seen == ["waits", "waits", "refused"]
        assert isinstance(third.exception(), StoreUnavailable)
        assert [saved_as(one) for one in (first, second, fourth)] == ["saved"] * 3

    async def test_to_a_monitor_that_is_gone_are_refused(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.delete(KEY)
            saving = desk.save()
            await settled()

        assert isinstance(saving.exception(), MonitorUnwritable)

    async def test_to_a_monitor_that_goes_meanwhile_are_refused(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.hold()
            saving = desk.save()
            await settled()
            desk.objects.delete(KEY)

        assert isinstance(saving.exception(), MonitorUnwritable)
        assert desk.metric("status_write_errors_total", reason="gone") == 1

    @pytest.mark.parametrize(
        ("written", "error"),
        [
            (Written.UNAVAILABLE, StoreUnavailable),
            (Written.FORBIDDEN, StoreUnavailable),
            (Written.PRUNED, StoreUnavailable),
            (Written.UNWRITABLE, MonitorUnwritable),  # which says nothing of other monitors
        ],
    )
    async def test_that_cannot_be_written_are_refused_and_the_next_is_tried(
        self, written: Written, error: type[StoreUnavailable]
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.answers = [Outcome(written, "no")]
            refused = desk.save()
            await settled()
            saved = desk.save()
            await settled()

        assert type(refused.exception()) is error
        assert "no" in str(refused.exception())
        assert desk.objects.last_push(KEY) == saved.result()

    async def test_that_nobody_waits_for_any_more_harm_nobody(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.hold()
            desk.save().cancel()
            await settled()
            desk.objects.release()
            await settled()
            saved = desk.save()
            await settled()

        assert saved_as(saved) == "saved"


class TestSeveralReplicas:
    async def test_count_the_pushes_of_each_other_when_they_meet(self) -> None:
        desk = desk_of()
        other = Desk(desk.objects, table_of(*named("backup"), at=START), desk.clock)
        desk.sink.blind = other.sink.blind = True
        async with desk.reporting(), other.reporting():
            for one in (desk, other, other, desk, desk, other):
                desk.clock.advance(1)
                await one.save()

        last = desk.objects.last_push(KEY)
        assert last is not None
        assert (last.pushes_total, last.received_timestamp) == (6, START + 6)
        assert row_of(other.table, KEY).last_push == last
        assert desk.metric("status_write_errors_total", reason="conflict") >= 1

    async def test_at_the_same_moment_lose_none(self) -> None:
        desk = desk_of()
        other = Desk(desk.objects, table_of(*named("backup"), at=START), desk.clock)
        desk.sink.blind = other.sink.blind = True
        async with desk.reporting(), other.reporting():
            desk.objects.hold()
            saving = [desk.save(), other.save(DOWN)]
            await settled()
            desk.objects.release()
            await settled()

        last = desk.objects.last_push(KEY)
        assert [saved_as(one) for one in saving] == ["saved", "saved"]
        assert last is not None
        assert (last.pushes_total, last.pushes_down_total) == (2, 1)

    async def test_count_a_push_that_the_watch_told_of_while_another_waited(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.hold()
            await desk.push()
            saving = desk.save()
            desk.objects.release()
            theirs = after(row_of(desk.table, KEY), DOWN, at=START + 0.5)
            desk.table.adopt(KEY, None, theirs, now_timestamp=START + 0.5)
            await saving

        last = desk.objects.last_push(KEY)
        assert last is not None
        assert (last.pushes_total, last.pushes_down_total) == (3, 1)

    async def test_that_never_agree_refuse_the_push_and_try_the_status_later(self) -> None:
        desk = desk_of(*named("backup", "other"))
        async with desk.reporting():
            desk.objects.answers = [Outcome(Written.CONFLICT, "409")] * MAX_CONFLICTS_OF_PUSH
            saving = desk.save()
            await settled()
            refused = saving.exception()
            await desk.push(key=MonitorKey("prod", "other"))
            others = desk.state(MonitorKey("prod", "other"))
            await desk.push(DOWN)
            await desk.advance(PAUSE_SECONDS)

        assert isinstance(refused, MonitorUnwritable)
        assert desk.sink.rereads == MAX_CONFLICTS_OF_PUSH
        assert others == "up"
        assert desk.state() == "down"

    async def test_go_on_where_the_object_cannot_be_read_anew(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.sink.unreadable = True
            desk.objects.answers = [Outcome(Written.CONFLICT, "409")]
            await desk.save()

        assert desk.state() == "up"

    async def test_write_nothing_when_the_other_wrote_it(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            other = Desk(desk.objects, desk.table, desk.clock)
            other.sink.blind = True
            async with other.reporting():
                await desk.push()
                other.reporter.look(KEY)
                await settled()

        assert other.writes()[:2] == [0, 0] or other.sink.rereads == 1
        assert len(desk.objects.written()) == 2


class TestAPermissionThatIsTaken:
    async def test_is_shown_and_probed_and_the_rest_works(self) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.objects.answer = Outcome(Written.FORBIDDEN, "403")
            await desk.push(key=a)
            tried = len(desk.objects.attempts)
            for _ in range(10):
                await desk.push(key=b)
                await desk.advance(PROBE_SECONDS / 20)
            quiet = len(desk.objects.attempts)
            await desk.advance(PROBE_SECONDS / 2)

        assert desk.metric("status_writable") == 0
        assert quiet == tried
        assert len(desk.objects.attempts) == tried + 2  # each once

    async def test_is_noticed_to_be_back(self) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.objects.answer = Outcome(Written.FORBIDDEN, "403")
            await desk.push(key=a)
            await desk.push(key=b)
            desk.objects.answer = None
            await desk.advance(PROBE_SECONDS)

        assert desk.metric("status_writable") == 1
        assert desk.objects.shown(a).last_push_timestamp == START
        assert desk.objects.shown(b).last_push_timestamp == START

    async def test_is_noticed_earlier_by_a_push_that_is_saved(self) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.objects.answer = Outcome(Written.FORBIDDEN, "403")
            await desk.push(key=a)
            desk.objects.answer = None
            await desk.save(key=b)
            await settled()

        assert desk.metric("status_writable") == 1
        assert desk.objects.shown(a).state == "up"

    async def test_a_definition_that_drops_the_status_is_as_bad(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.answer = Outcome(Written.PRUNED, "the CRD has no place for it")
            await desk.push()
            await desk.advance(PROBE_SECONDS / 2)

        assert desk.metric("status_writable") == 0
        assert desk.metric("status_write_errors_total", reason="pruned") == 1


class TestAnApiServerThatIsAway:
    async def test_is_asked_again_after_a_pause(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.answer = Outcome(Written.UNAVAILABLE, "no answer")
            await desk.push()
            await desk.advance(PAUSE_SECONDS - 0.1)
            early = len(desk.objects.attempts)
            desk.objects.answer = None
            await desk.advance(0.1)

        assert early == 2  # at the start, and the one that failed
        assert desk.state() == "up"
        assert desk.metric("status_writable") == 1

    async def test_says_itself_when_to_come_again(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.answers = [Outcome(Written.UNAVAILABLE, "429", retry_after_seconds=42)]
            await desk.push()
            await desk.advance(41)
            early = desk.state()
            await desk.advance(1)

        assert (early, desk.state()) == ("pending", "up")

    async def test_is_told_the_newest_when_it_is_back(self) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.objects.answer = Outcome(Written.UNAVAILABLE, "no answer")
            for status in (UP, DOWN):
                await desk.push(status, key=a)
                await desk.push(status, key=b)
                await desk.advance(60)
            desk.objects.answer = None
            await desk.advance(PAUSE_SECONDS)

        assert (desk.state(a), desk.state(b)) == ("down", "down")
        assert len(desk.objects.written(a)) == 2  # at the start and at the end


class TestAStatusThatIsRefused:
    async def test_is_written_again_only_when_the_spec_has_changed(self) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.objects.unwritable = {a}
            for status in (UP, DOWN, UP):
                await desk.push(status, key=a)
            tried = desk.metric("status_write_errors_total", reason="unwritable")
            await desk.push(key=b)
            desk.objects.change(a)
            desk.reporter.look(a)
            await settled()
            again = desk.metric("status_write_errors_total", reason="unwritable")
            desk.objects.unwritable = set()
            desk.objects.change(a)
            desk.reporter.look(a)
            await settled()

        assert (tried, again) == (1, 2)
        assert (desk.state(a), desk.state(b)) == ("up", "up")
        assert desk.metric("status_writable") == 1

    async def test_is_good_again_once_a_push_was_saved_in_it(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.answers = [Outcome(Written.UNWRITABLE, "422")]
            refused = desk.save()
            await settled()
            await desk.save()
            await desk.advance(300)

        assert saved_as(refused) == "refused"
        assert desk.state() == "late"


class TestTheSweep:
    async def test_repairs_what_somebody_reverted(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            await desk.advance(200)
            await desk.push()
            await desk.advance(90)
            desk.objects.overwrite(KEY, {"uptime": {"last24h": 99.5}})
            before = desk.objects.last_push(KEY)
            await desk.advance(SWEEP_SECONDS - 290)

        assert before is None
        assert desk.objects.last_push(KEY) == row_of(desk.table, KEY).last_push
        assert desk.objects.objects[KEY].status["uptime"] == {"last24h": 99.5}

    async def test_is_not_needed_where_the_watch_tells_of_it(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.push()
            desk.objects.overwrite(KEY, {})
            desk.reporter.look(KEY)
            await settled()

        assert desk.objects.last_push(KEY) == push(UP, at=START)


class TestTheEnd:
    @pytest.fixture(autouse=True)
    def _unhurried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reporter_module, "FLUSH_SECONDS", 60.0)  # however slow the machine

    async def test_writes_what_was_gathered(self) -> None:
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

    async def test_does_not_wait_where_nothing_is_to_be_written(self) -> None:
        desk = desk_of()
        async with desk.reporting(), asyncio.TaskGroup() as tasks:
            flushing = tasks.create_task(desk.reporter.flush())
            await settled()
            done = flushing.done()

        assert done

    async def test_goes_on_while_only_the_rate_holds_up_what_waits(self) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(BURST + 20))))
        async with desk.reporting(), asyncio.TaskGroup() as tasks:
            before = len(desk.objects.written())
            flushing = tasks.create_task(desk.reporter.flush())
            await settled()
            while not flushing.done():
                await desk.advance(0.1)

        assert before == BURST
        assert len(desk.objects.written()) == BURST + 20

    async def test_waits_for_what_is_under_way(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.hold()
            await desk.push()
            async with asyncio.TaskGroup() as tasks:
                flushing = tasks.create_task(desk.reporter.flush())
                await settled()
                early = flushing.done()
                desk.objects.release()
                await flushing

        assert not early
        assert desk.state() == "up"

    async def test_does_not_wait_for_an_api_server_that_refuses(self) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.answer = Outcome(Written.FORBIDDEN, "403")
            await desk.push()
            async with asyncio.TaskGroup() as tasks:
                flushing = tasks.create_task(desk.reporter.flush())
                await settled()
                done = flushing.done()

        assert done
