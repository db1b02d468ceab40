"""Writes that fail: for a time, for all monitors, or for one."""

from tests.core.examples import DOWN, UP
from tests.fakes.api_server import ErrorAnswer
from tests.status.desk import (
    FORBIDDEN,
    LIMITS,
    PRUNED,
    START,
    UNAVAILABLE,
    UNWRITABLE,
    MakeDesk,
    monitor_path,
    named,
    saved_as,
)


class TestAPermissionThatIsTaken:
    async def test_a_revoked_permission_is_exposed_and_probed(self, desk_of: MakeDesk) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.server.patch_answer = FORBIDDEN
            await desk.push(key=a)
            tried = len(desk.objects.attempts)
            for _ in range(10):
                await desk.push(key=b)
                await desk.advance(LIMITS.probe_seconds / 20)
            quiet = len(desk.objects.attempts)
            await desk.advance(LIMITS.probe_seconds / 2)

        assert desk.metric("status_writable") == 0
        assert quiet == tried
        assert len(desk.objects.attempts) == tried + 2  # each once

    async def test_a_permission_that_is_back_is_noticed_by_a_probe(self, desk_of: MakeDesk) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.server.patch_answer = FORBIDDEN
            await desk.push(key=a)
            await desk.push(key=b)
            desk.server.patch_answer = None
            await desk.advance(LIMITS.probe_seconds)

        assert desk.metric("status_writable") == 1
        assert desk.objects.shown(a).last_push_timestamp == START
        assert desk.objects.shown(b).last_push_timestamp == START

    async def test_a_permission_that_is_back_is_noticed_earlier_by_a_push(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.server.patch_answer = FORBIDDEN
            await desk.push(key=a)
            desk.server.patch_answer = None
            await desk.save(key=b)
            await desk.settled()

        assert desk.metric("status_writable") == 1
        assert desk.objects.shown(a).state == "up"

    async def test_a_definition_that_drops_the_status_counts_as_not_writable(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.patch_answer = PRUNED
            await desk.push()
            await desk.advance(LIMITS.probe_seconds / 2)

        assert desk.metric("status_writable") == 0
        assert desk.metric("status_write_errors_total", reason="pruned") == 1


class TestAnApiServerThatIsAway:
    async def test_an_api_server_that_is_away_is_tried_again_after_a_pause(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.patch_answer = UNAVAILABLE
            await desk.push()
            await desk.advance(LIMITS.pause_seconds - 0.1)
            early = len(desk.objects.attempts)
            desk.server.patch_answer = None
            await desk.advance(0.1)

        assert early == 2  # at the start, and the one that failed
        assert desk.state() == "up"
        assert desk.metric("status_writable") == 1

    async def test_the_pause_is_as_long_as_the_api_server_asks_for(self, desk_of: MakeDesk) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.patch_answers = [ErrorAnswer(429, headers={"Retry-After": "42"})]
            await desk.push()
            await desk.advance(41)
            early = desk.state()
            await desk.advance(1)

        assert (early, desk.state()) == ("pending", "up")

    async def test_only_the_newest_status_is_written_when_the_api_server_is_back(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.server.patch_answer = UNAVAILABLE
            for status in (UP, DOWN):
                await desk.push(status, key=a)
                await desk.push(status, key=b)
                await desk.advance(60)
            desk.server.patch_answer = None
            await desk.advance(LIMITS.pause_seconds)

        assert (desk.state(a), desk.state(b)) == ("down", "down")
        assert len(desk.objects.written(a)) == 2  # at the start and at the end


class TestAStatusThatIsRefused:
    async def test_a_rejected_status_is_written_again_only_after_the_spec_has_changed(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of(*named("a", "b"))
        a, b = (one.monitor.key for one in desk.table.rows())
        async with desk.reporting():
            desk.server.refuse(monitor_path(a), 422)
            for status in (UP, DOWN, UP):
                await desk.push(status, key=a)
            tried = desk.metric("status_write_errors_total", reason="unwritable")
            await desk.push(key=b)
            desk.objects.change(a)
            desk.reporter.look(a)
            await desk.settled()
            again = desk.metric("status_write_errors_total", reason="unwritable")
            desk.server.refusals.clear()
            desk.objects.change(a)
            desk.reporter.look(a)
            await desk.settled()

        assert (tried, again) == (1, 2)
        assert (desk.state(a), desk.state(b)) == ("up", "up")
        assert desk.metric("status_writable") == 1

    async def test_a_rejected_status_is_written_again_after_a_push_was_saved_in_it(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of()
        async with desk.reporting():
            desk.server.patch_answers = [UNWRITABLE]
            refused = desk.save()
            await desk.settled()
            await desk.save()
            await desk.advance(300)

        assert saved_as(refused) == "refused"
        assert desk.state() == "late"
