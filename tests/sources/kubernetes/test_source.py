"""Monitors of an API server with the tokens of its Secrets, watched or read one by one."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tests.exporters import StandingClock
from tests.fakes.api_server import MONITORS, SECRETS, FakeApiServer, Name, fake_api_server
from tests.waiting import eventually
from yuptime_exporter.core.model import Monitor, MonitorKey, MonitorSet, TokenTrouble
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.connection import Connection
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics
from yuptime_exporter.resource.monitor_object import CROSS_NAMESPACE, MonitorObject, Refusal
from yuptime_exporter.resource.objects import SecretKey
from yuptime_exporter.sources.kubernetes import secret_reads as secret_reads_module
from yuptime_exporter.sources.kubernetes import secret_watch as secret_watch_module
from yuptime_exporter.sources.kubernetes import source as kubernetes_module
from yuptime_exporter.sources.kubernetes.secret_reads import (
    MISSING_TTL_SECONDS,
    RENEWAL_SECONDS,
    TTL_SECONDS,
    SecretReads,
)
from yuptime_exporter.sources.kubernetes.secret_watch import SecretWatch
from yuptime_exporter.sources.kubernetes.source import KubernetesSource

KEY = MonitorKey("jobs", "backup")
SECRET = SecretKey("jobs", "push-token")
ALL_MONITORS = f"{MONITORS}/monitors"
ALL_SECRETS = f"{SECRETS}/secrets"
ONE_SECRET = f"{SECRETS}/namespaces/jobs/secrets/push-token"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_module, "GATHER_SECONDS", 0.0)
    monkeypatch.setattr(kubernetes_module, "BETWEEN_SETS_SECONDS", 0.0)
    # The clock of these tests stands still, and nobody wakes who sleeps by the real one.
    monkeypatch.setattr(secret_reads_module, "_MAX_SLEEP_SECONDS", 0.01)
    monkeypatch.setattr(secret_watch_module, "RETRY_SECONDS", 0.01)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[FakeApiServer]:
    async with fake_api_server(tmp_path) as server:
        yield server


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def push_spec(secret: str = "push-token", key: str = "token", **fields: Any) -> dict[str, Any]:
    push = {"tokenSecretRef": {"name": secret, "key": key}, "expireSeconds": 300, **fields}
    return {"type": "push", "target": {"push": push}}


def declare(
    server: FakeApiServer, name: str = "backup", *, namespace: str = "jobs", **fields: Any
) -> None:
    spec = fields.pop("spec", None) or push_spec(**fields)
    server.put(
        "monitors",
        namespace,
        name,
        apiVersion="monitoring.yuptime.io/v1",
        kind="Monitor",
        spec=spec,
    )


def keep(
    server: FakeApiServer, *tokens: str, name: str = "push-token", namespace: str = "jobs"
) -> None:
    encoded = base64.b64encode("\n".join(tokens).encode()).decode()
    server.put("secrets", namespace, name, data={"token": encoded, "other": "c2VjcmV0"})


@dataclass
class Followed:
    """What a source has declared, and what it has shown of single Monitors."""

    source: KubernetesSource
    secrets: SecretWatch | SecretReads
    clock: StandingClock
    sets: list[MonitorSet] = field(default_factory=list)
    shown: list[tuple[MonitorKey, MonitorObject]] = field(default_factory=list)

    async def newest(self) -> MonitorSet | None:
        return self.sets[-1] if self.sets else None

    async def monitor(self, key: MonitorKey = KEY) -> Monitor | None:
        """Return a monitor as it is in force; None: there is none."""
        for found in self.sets[-1].monitors if self.sets else ():
            if found.key == key:
                return found
        return None

    async def tokens(self) -> tuple[bytes, ...] | TokenTrouble | None:
        """Return the tokens of the monitor in force, or why there are none."""
        found = await self.monitor()
        return (found.token_digests or found.token_trouble) if found else None

    async def until_tokens(self, *tokens: str) -> None:
        await eventually(self.tokens, lambda found: found == tuple(digest(one) for one in tokens))

    async def until_trouble(self, trouble: TokenTrouble) -> None:
        await eventually(self.tokens, lambda found: found is trouble)


@asynccontextmanager
async def following(
    server: FakeApiServer, *namespaces: str, mode: str = "watch", listed: bool = True
) -> AsyncIterator[Followed]:
    """Follow the Monitors of a server until the end of the block."""
    clock = StandingClock()
    connection = Connection(server.kubeconfig, clock=clock)
    api, metrics = Api(connection), KubernetesMetrics(CollectorRegistry())
    followed: list[Followed] = []
    source = KubernetesSource(
        api,
        namespaces,
        on_shown=lambda key, found: followed[0].shown.append((key, found)),
        metrics=metrics,
        clock=clock,
    )
    followed.append(Followed(source, _secrets(mode, api, namespaces, source, clock), clock))

    async def consume() -> None:
        async for found in source.watch():
            followed[0].sets.append(found)

    try:
        await connection.renew()
        async with asyncio.TaskGroup() as tasks:
            ends: list[asyncio.Task[Any]] = [
                *source.begin(tasks, followed[0].secrets),
                *followed[0].secrets.begin(tasks),
                tasks.create_task(consume()),
            ]
            if listed:
                await eventually(followed[0].newest)
            yield followed[0]
            for task in ends:
                task.cancel()
    finally:
        await connection.close()


def _secrets(
    mode: str,
    api: Api,
    namespaces: Sequence[str],
    source: KubernetesSource,
    clock: StandingClock,
) -> SecretWatch | SecretReads:
    if mode == "get":
        return SecretReads(api, on_change=source.secret_changed, jitter=lambda: 0.5, clock=clock)
    return SecretWatch(
        api,
        namespaces,
        on_change=source.secret_changed,
        metrics=KubernetesMetrics(CollectorRegistry()),
        clock=clock,
    )


class TestMonitors:
    async def test_that_are_there_are_declared_with_their_tokens(
        self, server: FakeApiServer
    ) -> None:
        declare(server, expireSeconds=60, gracePeriodSeconds=10)
        keep(server, "open-sesame")
        async with following(server) as followed:
            monitor = await followed.monitor()

        assert monitor is not None
        assert (monitor.expire_seconds, monitor.grace_seconds) == (60, 10)
        assert monitor.token_digests == (digest("open-sesame"),)
        assert (monitor.source, monitor.created_timestamp) == ("kubernetes", 1769846400)
        assert len(followed.sets) == 1

    async def test_that_come_change_and_go_are_followed(self, server: FakeApiServer) -> None:
        keep(server, "open-sesame")
        async with following(server) as followed:
            assert followed.sets[-1].monitors == ()
            declare(server)
            await followed.until_tokens("open-sesame")
            declare(server, expireSeconds=7)
            await eventually(followed.monitor, lambda one: one and one.expire_seconds == 7)
            server.delete("monitors", *KEY)
            await eventually(followed.monitor, lambda one: one is None)

    async def test_of_other_types_are_counted_and_otherwise_left_alone(
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

    async def test_whose_type_is_changed_come_and_go(self, server: FakeApiServer) -> None:
        declare(server, spec={"type": "http"})
        async with following(server) as followed:
            declare(server)
            await eventually(followed.monitor)
            declare(server, spec={"type": "http"})
            await eventually(followed.monitor, lambda one: one is None)

    async def test_whose_status_alone_changes_are_shown_and_not_declared_anew(
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

    async def test_are_shown_once_their_spec_is_in_force(self, server: FakeApiServer) -> None:
        declare(server)
        async with following(server) as followed:

            async def shown() -> bool:
                return bool(followed.shown)

            await eventually(shown)
            assert followed.sets

    async def test_are_those_of_the_namespaces_that_are_named(self, server: FakeApiServer) -> None:
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

    async def test_that_a_refresh_finds_are_in_force_when_it_returns(
        self, server: FakeApiServer
    ) -> None:
        async with following(server) as followed:
            declare(server)
            await followed.source.refresh()

            assert await followed.monitor() is not None
            assert len(server.asked("GET", ALL_MONITORS)) == 2

    async def test_that_cannot_be_listed_do_not_keep_a_refresh_waiting(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        async with following(server) as followed:
            server.refuse(ALL_MONITORS, 403)
            async with asyncio.timeout(10):
                await followed.source.refresh()

            assert await followed.monitor() is not None
            assert "403" in str(followed.source.trouble)


class TestAMonitorThatCannotBeUsed:
    async def refusal(self, server: FakeApiServer, spec: dict[str, Any]) -> Refusal | None:
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
        return found.refusal

    async def test_says_what_is_wrong_and_disturbs_no_other(self, server: FakeApiServer) -> None:
        spec = {**push_spec(), "alerting": {"labels": {"bad-name": "x"}}}

        refusal = await self.refusal(server, spec)

        assert refusal is not None
        assert refusal.reason == "SpecInvalid"
        assert "bad-name" in refusal.message

    @pytest.mark.parametrize("value", [0, -1, "soon", 1e12])
    async def test_says_which_values_are_allowed(
        self, server: FakeApiServer, value: object
    ) -> None:
        refusal = await self.refusal(server, push_spec(expireSeconds=value))

        assert refusal is not None
        assert refusal.reason == "SpecInvalid"
        assert "expireSeconds" in refusal.message

    async def test_may_not_name_a_secret_of_another_namespace(self, server: FakeApiServer) -> None:
        keep(server, "stolen", namespace="other")
        ref = {"name": "push-token", "key": "token", "namespace": "other"}

        refusal = await self.refusal(server, push_spec(tokenSecretRef=ref))

        assert refusal is not None
        assert refusal.reason == CROSS_NAMESPACE

    async def test_that_names_its_own_namespace_can(self, server: FakeApiServer) -> None:
        ref = {"name": "push-token", "key": "token", "namespace": "jobs"}
        declare(server, tokenSecretRef=ref)
        async with following(server) as followed:
            assert await followed.monitor() is not None

    @pytest.mark.parametrize("target", [{}, None])
    async def test_may_have_lost_its_fields_to_another_definition(
        self, server: FakeApiServer, target: object
    ) -> None:
        refusal = await self.refusal(server, {"type": "push", "target": target})

        assert refusal is not None
        assert refusal.reason == "FieldsPruned"
        assert "kubectl apply" in refusal.message

    async def test_leaves_in_force_what_it_said_before(self, server: FakeApiServer) -> None:
        declare(server, expireSeconds=60)
        keep(server, "open-sesame")
        async with following(server) as followed:
            declare(server, expireSeconds=0)
            await eventually(followed.newest, lambda found: found and found.problems)
            kept, found = await followed.monitor(), followed.source.object(KEY)
            keep(server, "another")
            await followed.until_tokens("another")
            declare(server, expireSeconds=90)
            await eventually(followed.monitor, lambda one: one and one.expire_seconds == 90)

        assert kept is not None
        assert (kept.expire_seconds, kept.token_digests) == (60, (digest("open-sesame"),))
        assert found is not None
        assert found.refusal is not None
        assert (found.generation, found.refusal.reason) == (2, "SpecInvalid")
        assert followed.sets[-1].problems == ()

    @pytest.mark.parametrize("told", [True, False], ids=["told of", "missed"])
    async def test_takes_nothing_over_from_one_of_its_name_that_was_deleted(
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


class TestSecretsThatAreWatched:
    async def test_may_hold_several_tokens_and_are_rotated(self, server: FakeApiServer) -> None:
        declare(server)
        keep(server, "old")
        async with following(server) as followed:
            for tokens in (("new", "old"), ("new",)):
                keep(server, *tokens)
                await followed.until_tokens(*tokens)

    async def test_that_come_later_and_go_are_noticed(self, server: FakeApiServer) -> None:
        declare(server)
        async with following(server) as followed:
            assert await followed.tokens() is TokenTrouble.SECRET_NOT_FOUND
            keep(server, "open-sesame")
            await followed.until_tokens("open-sesame")
            server.delete("secrets", *SECRET)
            await followed.until_trouble(TokenTrouble.SECRET_NOT_FOUND)

    async def test_without_the_key_or_without_a_token_say_so(self, server: FakeApiServer) -> None:
        declare(server)
        server.put("secrets", *SECRET, data={"other": "eA=="})
        async with following(server) as followed:
            assert await followed.tokens() is TokenTrouble.KEY_NOT_FOUND
            keep(server, "  ", "")
            await followed.until_trouble(TokenTrouble.NO_TOKENS)
            server.put("secrets", *SECRET, data=None)
            await followed.until_trouble(TokenTrouble.KEY_NOT_FOUND)

    async def test_that_no_monitor_names_are_not_kept(self, server: FakeApiServer) -> None:
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

        assert not isinstance(held, TokenTrouble)
        assert held.digests == {"token": (digest("open-sesame"),)}
        assert unrelated is later is TokenTrouble.SECRET_NOT_FOUND

    async def test_are_looked_for_when_the_first_monitor_names_them(
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

    async def test_that_could_not_be_read_when_they_were_named_are_looked_for_again(
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

        assert before is TokenTrouble.SECRET_NOT_FOUND

    async def test_are_forgotten_with_the_last_monitor_that_names_them(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "open-sesame")
        async with following(server) as followed:
            server.delete("monitors", *KEY)
            await eventually(followed.monitor, lambda one: one is None)

            assert followed.secrets.held(SECRET) is TokenTrouble.SECRET_NOT_FOUND

    async def test_serve_several_monitors(self, server: FakeApiServer) -> None:
        declare(server)
        declare(server, "other", key="other")
        keep(server, "open-sesame")
        async with following(server) as followed:
            server.delete("monitors", *KEY)
            await eventually(followed.monitor, lambda one: one is None)
            other = await followed.monitor(MonitorKey("jobs", "other"))

        assert other is not None
        assert other.token_digests == (digest("secret"),)

    async def test_of_types_that_hold_no_tokens_are_not_asked_for(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        server.put("secrets", *SECRET, type="helm.sh/release.v1", data={"token": "eA=="})
        async with following(server) as followed:
            tokens = await followed.tokens()
        [listed] = server.asked("GET", ALL_SECRETS)

        assert tokens is TokenTrouble.SECRET_NOT_FOUND
        assert "type!=kubernetes.io/service-account-token" in listed.query["fieldSelector"]

    async def test_stay_in_force_while_they_cannot_be_read(self, server: FakeApiServer) -> None:
        declare(server)
        keep(server, "open-sesame")
        async with following(server) as followed:
            server.refuse(SECRETS, 500)
            declare(server, expireSeconds=7)
            await eventually(followed.monitor, lambda one: one and one.expire_seconds == 7)

            await followed.until_tokens("open-sesame")


class TestSecretsThatAreRead:
    async def test_are_only_those_that_are_named_and_each_once(self, server: FakeApiServer) -> None:
        declare(server)
        declare(server, "second")
        keep(server, "open-sesame")
        keep(server, "of-nobody", name="unrelated")
        async with following(server, mode="get") as followed:
            await followed.until_tokens("open-sesame")
        reads = [one.path for one in server.requests if "secrets" in one.path]

        assert reads == [ONE_SECRET]

    async def test_are_read_again_when_their_time_is_over(self, server: FakeApiServer) -> None:
        declare(server)
        keep(server, "old")
        async with following(server, mode="get") as followed:
            keep(server, "new")
            followed.clock.advance(TTL_SECONDS - 1)
            await followed.source.refresh()
            early = await followed.tokens()
            followed.clock.advance(1)
            await followed.until_tokens("new")

        assert early == (digest("old"),)

    async def test_that_are_missing_or_forbidden_are_looked_for_soon(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        async with following(server, mode="get") as followed:
            assert await followed.tokens() is TokenTrouble.SECRET_NOT_FOUND
            server.refuse(ONE_SECRET, 403)
            followed.clock.advance(MISSING_TTL_SECONDS)
            await followed.until_trouble(TokenTrouble.SECRET_FORBIDDEN)
            server.refusals.clear()
            keep(server, "open-sesame")
            followed.clock.advance(MISSING_TTL_SECONDS)
            await followed.until_tokens("open-sesame")

    async def test_stay_in_force_while_the_server_fails(self, server: FakeApiServer) -> None:
        declare(server)
        keep(server, "open-sesame")
        async with following(server, mode="get") as followed:
            server.refuse(ONE_SECRET, 500)
            followed.clock.advance(TTL_SECONDS)

            async def reads() -> int:
                return len(server.asked("GET", ONE_SECRET))

            await eventually(reads, lambda count: count == 2)
            assert await followed.tokens() == (digest("open-sesame"),)
            server.refusals.clear()
            keep(server, "another")
            followed.clock.advance(MISSING_TTL_SECONDS)
            await followed.until_tokens("another")

    async def test_are_renewed_for_a_token_that_does_not_match(self, server: FakeApiServer) -> None:
        declare(server)
        keep(server, "old")
        async with following(server, mode="get") as followed:
            keep(server, "new")
            renewing = followed.secrets.renew(SECRET)
            assert renewing is not None
            await renewing
            await followed.until_tokens("new")

    async def test_are_renewed_once_in_a_while_however_many_tokens_are_guessed(
        self, server: FakeApiServer
    ) -> None:
        declare(server)
        keep(server, "old")
        async with following(server, mode="get") as followed:
            first = followed.secrets.renew(SECRET)
            assert first is not None
            await first
            guesses = [followed.secrets.renew(SECRET) for _ in range(100)]
            followed.clock.advance(RENEWAL_SECONDS)
            again = followed.secrets.renew(SECRET)
            assert again is not None
            await again

        assert guesses == [None] * 100
        assert len(server.asked("GET", ONE_SECRET)) == 3

    async def test_are_read_once_for_all_who_ask_meanwhile(self, server: FakeApiServer) -> None:
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

    async def test_that_no_monitor_names_are_not_renewed(self, server: FakeApiServer) -> None:
        declare(server)
        async with following(server, mode="get") as followed:
            unrelated = followed.secrets.renew(SecretKey("jobs", "unrelated"))
            server.delete("monitors", *KEY)
            await eventually(followed.monitor, lambda one: one is None)
            forgotten = followed.secrets.renew(SECRET)

        assert unrelated is forgotten is None

    async def test_need_no_other_permission(self, server: FakeApiServer) -> None:
        declare(server)
        keep(server, "open-sesame")
        server.refuse(ALL_SECRETS, 403)
        async with following(server, mode="get") as followed:
            await followed.until_tokens("open-sesame")
