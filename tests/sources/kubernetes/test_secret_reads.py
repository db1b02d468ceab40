"""Secrets that are read one by one."""

from tests.fakes.api_server import FakeApiServer
from tests.sources.kubernetes.following import (
    ALL_SECRETS,
    KEY,
    LIMITS,
    ONE_SECRET,
    SECRET,
    declare,
    digest,
    following,
    keep,
)
from tests.waiting import eventually
from yuptime_exporter.core.model import TokenProblem
from yuptime_exporter.resource.objects import SecretKey


class TestSecretsThatAreRead:
    async def test_only_secrets_that_monitors_name_are_read_and_each_once(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        declare(server, "second")
        keep(server, "open-sesame")
        keep(server, "of-nobody", name="unrelated")
        async with following(server, mode="get") as followed:
            await followed.until_tokens("open-sesame")
        reads = [one.path for one in server.requests if "secrets" in one.path]

        assert reads == [ONE_SECRET]

    async def test_a_secret_is_read_again_when_it_expires(self, server: FakeApiServer) -> None:
        declare(server)
        keep(server, "old")
        async with following(server, mode="get") as followed:
            keep(server, "new")
            followed.clock.advance(LIMITS.secret_ttl_seconds - 1)
            await followed.source.refresh()
            early = await followed.tokens()
            followed.clock.advance(1)
            await followed.until_tokens("new")

        assert early == (digest("old"),)

    async def test_a_secret_that_is_missing_or_forbidden_is_read_again_soon(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        async with following(server, mode="get") as followed:
            assert await followed.tokens() is TokenProblem.SECRET_NOT_FOUND
            server.refuse(ONE_SECRET, 403)
            followed.clock.advance(LIMITS.secret_missing_ttl_seconds)
            await followed.until_token_problem(TokenProblem.SECRET_FORBIDDEN)
            server.refusals.clear()
            keep(server, "open-sesame")
            followed.clock.advance(LIMITS.secret_missing_ttl_seconds)
            await followed.until_tokens("open-sesame")

    async def test_the_tokens_of_a_secret_stay_active_while_the_server_fails(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "open-sesame")
        async with following(server, mode="get") as followed:
            server.refuse(ONE_SECRET, 500)
            followed.clock.advance(LIMITS.secret_ttl_seconds)

            async def reads() -> int:
                return len(server.asked("GET", ONE_SECRET))

            await eventually(reads, lambda count: count == 2)
            assert await followed.tokens() == (digest("open-sesame"),)
            server.refusals.clear()
            keep(server, "another")
            followed.clock.advance(LIMITS.secret_missing_ttl_seconds)
            await followed.until_tokens("another")

    async def test_a_secret_is_renewed_for_a_token_that_does_not_match(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "old")
        async with following(server, mode="get") as followed:
            keep(server, "new")
            renewing = followed.secrets.renew(SECRET)
            assert renewing is not None
            await renewing
            await followed.until_tokens("new")

    async def test_a_secret_is_renewed_once_in_an_interval_however_many_tokens_are_guessed(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "old")
        async with following(server, mode="get") as followed:
            first = followed.secrets.renew(SECRET)
            assert first is not None
            await first
            guesses = [followed.secrets.renew(SECRET) for _ in range(100)]
            followed.clock.advance(LIMITS.secret_renewal_seconds)
            again = followed.secrets.renew(SECRET)
            assert again is not None
            await again

        assert guesses == [None] * 100
        assert len(server.asked("GET", ONE_SECRET)) == 3

    async def test_a_secret_is_read_once_for_all_callers_that_wait_for_it(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "old")
        async with following(server, mode="get") as followed:
            server.hold()
            renewals = [followed.secrets.renew(SECRET) for _ in range(10)]
            server.release()
            for renewing in renewals:
                assert renewing is not None
                await renewing

        assert len(server.asked("GET", ONE_SECRET)) == 2

    async def test_a_secret_that_no_monitor_names_is_not_renewed(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        async with following(server, mode="get") as followed:
            unrelated = followed.secrets.renew(SecretKey("jobs", "unrelated"))
            server.delete("monitors", *KEY)
            await eventually(followed.monitor, lambda one: one is None)
            forgotten = followed.secrets.renew(SECRET)

        assert unrelated is forgotten is None

    async def test_reading_secrets_one_by_one_needs_no_permission_to_list_them(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "open-sesame")
        server.refuse(ALL_SECRETS, 403)
        async with following(server, mode="get") as followed:
            await followed.until_tokens("open-sesame")


async def test_tokens_are_read_again_when_another_replica_has_found_otherwise(
    server: FakeApiServer,
) -> None:
    declare(server)
    keep(server, "open-sesame")
    async with following(server, mode="get") as followed:
        assert not followed.source.check_tokens(KEY, resolved=True)
        assert not followed.source.check_tokens(KEY, resolved=None)
        server.delete("secrets", *SECRET)

        assert followed.source.check_tokens(KEY, resolved=False)
        await followed.until_token_problem(TokenProblem.SECRET_NOT_FOUND)
        # Both agree now, and were it not so, the Secret was read just now.
        assert not followed.source.check_tokens(KEY, resolved=False)
        assert not followed.source.check_tokens(KEY, resolved=True)


async def test_a_watch_of_secrets_is_not_doubted(server: FakeApiServer) -> None:
    declare(server)
    keep(server, "open-sesame")
    async with following(server) as followed:
        assert not followed.source.check_tokens(KEY, resolved=False)
