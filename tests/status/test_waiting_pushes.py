"""Pushes that are stored in the status of their Monitor."""

import pytest

from tests.core.examples import DOWN, KEY, UP, push
from tests.engine.parts import row_of
from tests.fakes.api_server import ErrorAnswer
from tests.status.desk import (
    FORBIDDEN,
    LIMITS,
    PRUNED,
    START,
    UNAVAILABLE,
    UNWRITABLE,
    MakeDesk,
    named,
    saved_as,
)
from yuptime_exporter.core.errors import MonitorUnwritable, StoreUnavailable
from yuptime_exporter.core.model import MonitorKey


class TestPushesThatAreSaved:
    async def test_a_push_is_saved_when_it_is_written(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.hold()
            saving = desk.save()
            await desk.settled()
            before = saved_as(saving)
            desk.server.release()
            result = await saving

        assert before == "waits"
        assert desk.objects.last_push(KEY) == result == push(UP, at=START)

    @pytest.mark.parametrize("pushed_before", [False, True])
    async def test_a_push_whose_first_answer_was_lost_is_stored_and_counted_once(
        self, desk_of: MakeDesk, pushed_before: bool
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            if pushed_before:
                desk.table.record_pushes([(KEY, await desk.save())])
            desk.server.answers_to_lose = 1
            saved = await desk.save()

        statuses = [one.status for one in desk.objects.attempts][-2:]
        assert statuses == [200, 409]  # the request was repeated and met its own change
        assert saved.pushes_total == 1 + pushed_before
        assert desk.objects.last_push(KEY) == saved

    async def test_a_push_overtakes_all_statuses_for_which_no_push_waits(
        self, desk_of: MakeDesk
    ) -> None:
        names = [f"job-{n:02}" for n in range(60)]
        desk = desk_of(*named(*names))
        last = MonitorKey("prod", names[-1])
        desk.server.hold()
        async with desk.reporting():
            saving = desk.save(key=last)
            await desk.settled()
            desk.server.release()
            await saving
            place = desk.objects.written().index(last)

        assert place == LIMITS.writes_in_flight

    async def test_a_push_waits_for_a_write_in_flight_of_the_same_monitor(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.hold()
            await desk.push(DOWN)
            desk.table.record_pushes([(KEY, push(DOWN, at=START))])
            saving = desk.save()
            await desk.settled()
            waiting = desk.server.patches
            desk.server.release()
            result = await saving

        assert waiting == desk.server.most_patches_of_one == 1
        assert desk.objects.last_push(KEY) == result
        assert result is not None
        assert result.pushes_total == 2

    async def test_a_push_that_the_status_contains_already_is_saved_at_once(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            await desk.save()
            desk.server.hold()
            last = row_of(desk.table, KEY).last_push
            assert last is not None
            again = desk.reporter.save_push(row_of(desk.table, KEY), last)
            await desk.settled()

            assert saved_as(again) == "saved"

    async def test_a_push_fails_at_once_while_another_waits_for_too_long(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of(*named("a", "b", "c"))
        a, b, c = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.server.hold()
            first = desk.save(key=a)
            await desk.advance(LIMITS.push_wait_seconds)
            second = desk.save(key=b)
            await desk.advance(0.1)
            third = desk.save(key=c)
            seen = [saved_as(one) for one in (first, second, third)]
            desk.server.release()
            await desk.settled()
            fourth = desk.save(key=c)
            await desk.settled()

        assert seen == ["waits", "waits", "refused"]
        assert isinstance(third.exception(), StoreUnavailable)
        assert [saved_as(one) for one in (first, second, fourth)] == ["saved"] * 3

    async def test_a_push_to_a_deleted_monitor_fails(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.objects.delete(KEY)
            saving = desk.save()
            await desk.settled()

        assert isinstance(saving.exception(), MonitorUnwritable)

    async def test_a_push_to_a_monitor_that_is_deleted_during_the_write_fails(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.hold()
            saving = desk.save()
            await desk.settled()
            desk.objects.delete(KEY)

        assert isinstance(saving.exception(), MonitorUnwritable)
        assert desk.metric("status_write_errors_total", reason="gone") == 1

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (UNAVAILABLE, StoreUnavailable),
            (FORBIDDEN, StoreUnavailable),
            (PRUNED, StoreUnavailable),
            (UNWRITABLE, MonitorUnwritable),  # which says nothing of other monitors
        ],
    )
    async def test_a_push_that_cannot_be_written_fails_and_the_next_is_tried(
        self, desk_of: MakeDesk, answer: ErrorAnswer, error: type[StoreUnavailable]
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.patch_answers = [answer]
            refused = desk.save()
            await desk.settled()
            saved = desk.save()
            await desk.settled()

        assert type(refused.exception()) is error
        assert "no" in str(refused.exception())
        assert desk.objects.last_push(KEY) == saved.result()

    async def test_a_push_whose_caller_has_left_harms_no_other(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.hold()
            desk.save().cancel()
            await desk.settled()
            desk.server.release()
            await desk.settled()
            saved = desk.save()
            await desk.settled()

        assert saved_as(saved) == "saved"

    async def test_the_status_never_goes_back_before_the_push_is_visible(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.hold()
            saving = desk.save()
            await desk.settled()
            desk.reporter.look(KEY)  # due again as soon as the push is written
            for number in range(20_000):  # the reporter is busy at that moment
                desk.reporter.look(MonitorKey("undeclared", str(number)))
            desk.server.release()
            await saving
            await desk.settled()

        assert desk.objects.last_push(KEY) == saving.result()
        assert desk.writes() == [1, 1, 0]
        assert desk.metric("status_write_errors_total", reason="conflict") == 0
        assert desk.objects.reads(KEY) == 0
