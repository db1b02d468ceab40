"""Secrets that are watched."""

import base64

import pytest

from tests.fakes.api_server import SECRETS, FakeApiServer
from tests.sources.kubernetes.following import (
    ALL_SECRETS,
    KEY,
    ONE_SECRET,
    SECRET,
    declare,
    digest,
    following,
    keep,
)
from tests.waiting import eventually
from yuptime_exporter.core.model import MonitorKey, TokenProblem
from yuptime_exporter.core.schedules import Every
from yuptime_exporter.resource.objects import SecretKey
from yuptime_exporter.resource.secret_types import UNWATCHED_TYPES


class TestSecretsThatAreWatched:
    async def test_a_watched_secret_may_hold_several_tokens_and_is_rotated(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "old")
        async with following(server) as followed:
            for tokens in (("new", "old"), ("new",)):
                keep(server, *tokens)
                await followed.until_tokens(*tokens)

    async def test_a_watched_secret_that_comes_later_and_goes_is_noticed(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        async with following(server) as followed:
            assert await followed.tokens() is TokenProblem.SECRET_NOT_FOUND
            keep(server, "open-sesame")
            await followed.until_tokens("open-sesame")
            server.delete("secrets", *SECRET)
            await followed.until_token_problem(TokenProblem.SECRET_NOT_FOUND)

    async def test_a_watched_secret_without_the_key_or_without_a_token_says_so(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        server.put("secrets", *SECRET, data={"other": "eA=="})
        async with following(server) as followed:
            assert await followed.tokens() is TokenProblem.KEY_NOT_FOUND
            keep(server, "  ", "")
            await followed.until_token_problem(TokenProblem.NO_TOKENS)
            server.put("secrets", *SECRET, data=None)
            await followed.until_token_problem(TokenProblem.KEY_NOT_FOUND)

    @pytest.mark.parametrize("order", ["before", "after"])
    @pytest.mark.parametrize("refused_type", UNWATCHED_TYPES)
    async def test_a_secret_of_a_type_that_is_not_watched_is_refused_from_the_start(
        self,
        server: FakeApiServer,
        caplog: pytest.LogCaptureFixture,
        refused_type: str,
        order: str,
    ) -> None:
        server.put("secrets", *SECRET, type=refused_type, data={"token": "dG9rZW4="})
        if order == "before":
            declare(server)
        async with following(server) as followed:
            declare(server)
            await followed.until_token_problem(TokenProblem.SECRET_TYPE)
            monitor = await followed.monitor()
            assert monitor is not None
            assert monitor.secret_type == refused_type
            await followed.source.refresh()
            assert await followed.tokens() is TokenProblem.SECRET_TYPE
            server.delete("secrets", *SECRET)
            keep(server, "open-sesame")
            await followed.until_tokens("open-sesame")

        refusals = [one for one in caplog.records if "has a type" in one.message]
        assert [one.__dict__["type"] for one in refusals] == [refused_type]

    async def test_a_secret_of_a_type_that_is_not_watched_may_come_and_go(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        async with following(server) as followed:
            assert await followed.tokens() is TokenProblem.SECRET_NOT_FOUND
            server.put("secrets", *SECRET, type="kubernetes.io/tls", data={"token": "dG9rZW4="})
            await followed.until_token_problem(TokenProblem.SECRET_TYPE)
            server.delete("secrets", *SECRET)
            await followed.until_token_problem(TokenProblem.SECRET_NOT_FOUND)

    @pytest.mark.parametrize("mode", ["watch", "get"])
    @pytest.mark.parametrize(
        "token", ["\ufefftoken-of-a-job".encode(), "token".encode("utf-16"), b"\x80\x81\x00\x01"]
    )
    async def test_a_token_that_no_header_can_carry_is_a_problem(
        self, server: FakeApiServer, token: bytes, mode: str
    ) -> None:
        server.put("secrets", *SECRET, data={"token": base64.b64encode(token).decode()})
        declare(server)
        async with following(server, mode=mode) as followed:
            await eventually(followed.monitor)
            monitor = await followed.monitor()

        assert monitor is not None
        assert monitor.token_problem is TokenProblem.UNSENDABLE

    async def test_one_token_that_a_header_can_carry_is_enough(self, server: FakeApiServer) -> None:
        keep(server, "\ufeffold-token", "new-token")
        declare(server)
        async with following(server) as followed:
            await followed.until_tokens("\ufeffold-token", "new-token")
            monitor = await followed.monitor()

        assert monitor is not None
        assert monitor.token_problem is None

    async def test_a_watched_secret_that_no_monitor_names_is_not_kept(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "open-sesame")
        keep(server, "of-nobody", name="unrelated")
        async with following(server) as followed:
            held = followed.secrets.held(SECRET)
            unrelated = followed.secrets.held(SecretKey("jobs", "unrelated"))
            keep(server, "of-nobody-still", name="unrelated")
            keep(server, "another")
            await followed.until_tokens("another")
            later = followed.secrets.held(SecretKey("jobs", "unrelated"))

        assert not isinstance(held, TokenProblem)
        assert {key: one.digests for key, one in held.entries.items()} == {
            "token": (digest("open-sesame"),)
        }
        assert unrelated is later is TokenProblem.SECRET_NOT_FOUND

    async def test_a_watched_secret_is_read_when_the_first_monitor_names_it(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "open-sesame")
        keep(server, "another", name="second")
        async with following(server) as followed:
            declare(server, secret="second")
            await followed.until_tokens("another")
            declare(server, secret="second", key="other")
            await followed.until_tokens("secret")

        assert len(server.asked("GET", f"{SECRETS}/namespaces/jobs/secrets/second")) == 2

    async def test_a_watched_secret_that_could_not_be_read_when_it_was_named_is_read_again(
        self, server: FakeApiServer
    ) -> None:
        keep(server, "open-sesame")
        async with following(server) as followed:
            server.refuse(ONE_SECRET, 500)
            declare(server)
            await eventually(followed.monitor)
            before = await followed.tokens()
            server.refusals.clear()
            await followed.until_tokens("open-sesame")

        assert before is TokenProblem.SECRET_NOT_FOUND

    async def test_a_watched_secret_is_forgotten_with_the_last_monitor_that_names_it(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "open-sesame")
        async with following(server) as followed:
            server.delete("monitors", *KEY)
            await eventually(followed.monitor, lambda one: one is None)

            assert followed.secrets.held(SECRET) is TokenProblem.SECRET_NOT_FOUND

    async def test_a_watched_secret_serves_several_monitors(self, server: FakeApiServer) -> None:
        declare(server)
        declare(server, "other", key="other")
        keep(server, "open-sesame")
        async with following(server) as followed:
            server.delete("monitors", *KEY)
            await eventually(followed.monitor, lambda one: one is None)
            other = await followed.monitor(MonitorKey("jobs", "other"))

        assert other is not None
        assert other.token_digests == (digest("secret"),)

    async def test_secrets_of_types_that_hold_no_tokens_are_not_listed(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        server.put("secrets", *SECRET, type="helm.sh/release.v1", data={"token": "eA=="})
        async with following(server) as followed:
            tokens = await followed.tokens()
        [listed] = server.asked("GET", ALL_SECRETS)

        assert tokens is TokenProblem.SECRET_TYPE
        assert "type!=kubernetes.io/service-account-token" in listed.query["fieldSelector"]

    async def test_the_tokens_of_a_watched_secret_stay_active_while_it_cannot_be_read(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "open-sesame")
        async with following(server) as followed:
            server.refuse(SECRETS, 500)
            declare(server, expireSeconds=7)
            await eventually(followed.monitor, lambda one: one and one.schedule == Every(7))

            await followed.until_tokens("open-sesame")
