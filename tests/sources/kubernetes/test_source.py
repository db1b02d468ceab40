"""Monitors of an API server with the tokens of their Secrets."""

import asyncio
from typing import Any

import pytest

from tests.fakes.api_server import FakeApiServer, Name
from tests.sources.kubernetes.following import (
    ALL_MONITORS,
    ALL_SECRETS,
    KEY,
    declare,
    digest,
    following,
    keep,
    push_spec,
)
from tests.waiting import LIMIT_SECONDS, eventually
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.schedules import Every
from yuptime_exporter.resource.monitor_object import CROSS_NAMESPACE, MonitorObject, SpecProblem


class TestMonitors:
    async def test_monitors_that_exist_are_declared_with_their_tokens(
        self, server: FakeApiServer
    ) -> None:
        declare(server, expireSeconds=60, gracePeriodSeconds=10)
        keep(server, "open-sesame")
        async with following(server) as followed:
            monitor = await followed.monitor()

        assert monitor is not None
        assert (monitor.schedule, monitor.grace_seconds) == (Every(60), 10)
        assert monitor.token_digests == (digest("open-sesame"),)
        assert (monitor.source, monitor.created_timestamp) == ("kubernetes", 1769846400)
        assert len(followed.sets) == 1

    async def test_monitors_that_come_change_and_go_are_followed(
        self, server: FakeApiServer
    ) -> None:
        keep(server, "open-sesame")
        async with following(server) as followed:
            assert followed.sets[-1].monitors == ()
            declare(server)
            await followed.until_tokens("open-sesame")
            declare(server, expireSeconds=7)
            await eventually(followed.monitor, lambda one: one and one.schedule == Every(7))
            server.delete("monitors", *KEY)
            await eventually(followed.monitor, lambda one: one is None)

    async def test_monitors_of_other_types_are_counted_and_otherwise_left_alone(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        declare(server, "web", spec={"type": "http", "target": {"http": {"url": "http://x"}}})
        declare(server, "dns", spec={"type": "dns"})
        async with following(server) as followed:
            server.put("monitors", "jobs", "web", status={"lastResult": {"state": "up"}})
            declare(server, "more", spec={"type": "http"})
            await eventually(
                followed.newest, lambda found: found and found.ignored_types.get("http") == 2
            )

        assert followed.sets[-1].ignored_types == {"dns": 1, "http": 2}
        assert [one.key for one in followed.sets[-1].monitors] == [KEY]
        assert {key for key, _ in followed.shown} == {KEY}
        assert followed.source.object(MonitorKey("jobs", "web")) is None
        assert [key for key, _ in followed.source.objects()] == [KEY]
        assert followed.sets[-1].problems == ()

    async def test_a_monitor_comes_and_goes_with_its_type(self, server: FakeApiServer) -> None:
        declare(server, spec={"type": "http"})
        async with following(server) as followed:
            declare(server)
            await eventually(followed.monitor)
            declare(server, spec={"type": "http"})
            await eventually(followed.monitor, lambda one: one is None)

    async def test_a_monitor_of_which_only_the_status_changes_is_shown_and_not_declared_again(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        async with following(server) as followed:
            before = len(followed.shown)
            server.put("monitors", *KEY, status={"lastResult": {"state": "up"}})

            async def shown() -> list[tuple[MonitorKey, MonitorObject]]:
                return followed.shown[before:]

            [(key, found)] = await eventually(shown)

        assert (key, found.status) == (KEY, {"lastResult": {"state": "up"}})
        assert len(followed.sets) == 1

    async def test_a_monitor_is_shown_once_its_spec_is_active(self, server: FakeApiServer) -> None:
        declare(server)
        async with following(server) as followed:

            async def shown() -> bool:
                return bool(followed.shown)

            await eventually(shown)
            assert followed.sets

    async def test_only_monitors_of_the_given_namespaces_are_followed(
        self, server: FakeApiServer
    ) -> None:
        for namespace in ("jobs", "shop", "elsewhere"):
            declare(server, namespace=namespace)
            keep(server, f"token-of-{namespace}", namespace=namespace)
        async with following(server, "jobs", "shop") as followed:
            monitors = followed.sets[-1].monitors

        assert [one.key.namespace for one in monitors] == ["jobs", "shop"]
        assert [one.token_digests for one in monitors] == [
            (digest("token-of-jobs"),),
            (digest("token-of-shop"),),
        ]
        assert not server.asked("GET", ALL_MONITORS)
        assert not server.asked("GET", ALL_SECRETS)
        assert not [one for one in server.requests if "elsewhere" in one.path]
        assert followed.source.object(MonitorKey("elsewhere", "backup")) is None

    async def test_monitors_that_a_refresh_finds_are_active_when_it_returns(
        self, server: FakeApiServer
    ) -> None:
        async with following(server) as followed:
            declare(server)
            await followed.source.refresh()

            assert await followed.monitor() is not None
            assert len(server.asked("GET", ALL_MONITORS)) == 2

    async def test_monitors_that_cannot_be_listed_do_not_keep_a_refresh_waiting(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        async with following(server) as followed:
            server.refuse(ALL_MONITORS, 403)
            async with asyncio.timeout(LIMIT_SECONDS):
                await followed.source.refresh()

            assert await followed.monitor() is not None
            assert "403" in str(followed.source.failure)


class TestAMonitorThatCannotBeUsed:
    async def problem(self, server: FakeApiServer, spec: dict[str, Any]) -> SpecProblem | None:
        declare(server, spec=spec)
        declare(server, "good")
        async with following(server) as followed:
            found = followed.source.object(KEY)
            good = await followed.monitor(MonitorKey("jobs", "good"))
            assert await followed.monitor() is None

        assert good is not None
        assert found is not None
        assert followed.sets[-1].problems == found.problems != ()
        assert KEY in {key for key, _ in followed.shown}
        return found.spec_problem

    async def test_an_invalid_monitor_says_its_problem_and_disturbs_no_other(
        self, server: FakeApiServer
    ) -> None:
        spec = {**push_spec(), "alerting": {"labels": {"bad-name": "x"}}}

        problem = await self.problem(server, spec)

        assert problem is not None
        assert problem.reason == "SpecInvalid"
        assert "bad-name" in problem.message

    @pytest.mark.parametrize("value", [0, -1, "soon", 1e12])
    async def test_an_invalid_monitor_says_which_values_are_allowed(
        self, server: FakeApiServer, value: object
    ) -> None:
        problem = await self.problem(server, push_spec(expireSeconds=value))

        assert problem is not None
        assert problem.reason == "SpecInvalid"
        assert "expireSeconds" in problem.message

    async def test_a_monitor_must_not_name_a_secret_of_another_namespace(
        self, server: FakeApiServer
    ) -> None:
        keep(server, "stolen", namespace="other")
        ref = {"name": "push-token", "key": "token", "namespace": "other"}

        problem = await self.problem(server, push_spec(tokenSecretRef=ref))

        assert problem is not None
        assert problem.reason == CROSS_NAMESPACE

    async def test_a_monitor_may_name_its_own_namespace_with_its_secret(
        self, server: FakeApiServer
    ) -> None:
        ref = {"name": "push-token", "key": "token", "namespace": "jobs"}
        declare(server, tokenSecretRef=ref)
        async with following(server) as followed:
            assert await followed.monitor() is not None

    @pytest.mark.parametrize("target", [{}, None])
    async def test_a_monitor_whose_fields_another_definition_dropped_says_so(
        self, server: FakeApiServer, target: object
    ) -> None:
        problem = await self.problem(server, {"type": "push", "target": target})

        assert problem is not None
        assert problem.reason == "FieldsPruned"
        assert "kubectl apply" in problem.message

    async def test_an_invalid_spec_leaves_the_last_good_one_active(
        self, server: FakeApiServer
    ) -> None:
        declare(server, expireSeconds=60)
        keep(server, "open-sesame")
        async with following(server) as followed:
            declare(server, expireSeconds=0)
            await eventually(followed.newest, lambda found: found and found.problems)
            kept, found = await followed.monitor(), followed.source.object(KEY)
            keep(server, "another")
            await followed.until_tokens("another")
            declare(server, expireSeconds=90)
            await eventually(followed.monitor, lambda one: one and one.schedule == Every(90))

        assert kept is not None
        assert (kept.schedule, kept.token_digests) == (Every(60), (digest("open-sesame"),))
        assert found is not None
        assert found.spec_problem is not None
        assert (found.generation, found.spec_problem.reason) == (2, "SpecInvalid")
        assert followed.sets[-1].problems == ()

    @pytest.mark.parametrize("told", [True, False], ids=["told of", "missed"])
    async def test_an_invalid_monitor_takes_nothing_over_from_a_deleted_one_of_its_name(
        self, server: FakeApiServer, told: bool
    ) -> None:
        declare(server)
        async with following(server) as followed:
            if told:
                server.delete("monitors", *KEY)
            else:  # as when the watch was interrupted
                del server.objects[Name("monitors", *KEY)]
            declare(server, expireSeconds=0)
            await eventually(followed.newest, lambda found: found and found.problems)

            assert await followed.monitor() is None
