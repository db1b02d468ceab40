"""A source that follows a small API server, and the sets that it has yielded."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry

from tests.exporters import StandingClock
from tests.fakes.api_server import MONITORS, SECRETS, FakeApiServer
from tests.waiting import eventually
from yuptime_exporter.core.declared import MonitorSet
from yuptime_exporter.core.model import Monitor, MonitorKey, TokenProblem
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.connection import Connection
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.resource.objects import SecretKey
from yuptime_exporter.sources.kubernetes.limits import SourceLimits
from yuptime_exporter.sources.kubernetes.secret_reads import SecretReads
from yuptime_exporter.sources.kubernetes.secret_watch import SecretWatch
from yuptime_exporter.sources.kubernetes.source import KubernetesSource

KEY = MonitorKey("jobs", "backup")
SECRET = SecretKey("jobs", "push-token")
ALL_MONITORS = f"{MONITORS}/monitors"
ALL_SECRETS = f"{SECRETS}/secrets"
# The clock of these tests stands still, so that loops which sleep by the real one must be quick.
LIMITS = SourceLimits(
    gather_seconds=0.0,
    between_sets_seconds=0.0,
    secret_poll_seconds=0.01,
    secret_retry_seconds=0.01,
    secret_unseen_seconds=0.1,
)

ONE_SECRET = f"{SECRETS}/namespaces/jobs/secrets/push-token"


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
    """A source, the sets that it has yielded, and the Monitors that it has shown.

    Attributes:
        shown_before: the number of shown Monitors before each set.
    """

    source: KubernetesSource
    secrets: SecretWatch | SecretReads
    clock: StandingClock
    sets: list[MonitorSet] = field(default_factory=list)
    shown: list[tuple[MonitorKey, MonitorObject]] = field(default_factory=list)
    shown_before: list[int] = field(default_factory=list)

    async def newest(self) -> MonitorSet | None:
        return self.sets[-1] if self.sets else None

    async def monitor(self, key: MonitorKey = KEY) -> Monitor | None:
        """Return an active monitor; None: there is none."""
        for found in self.sets[-1].monitors if self.sets else ():
            if found.key == key:
                return found
        return None

    async def tokens(self) -> tuple[bytes, ...] | TokenProblem | None:
        """Return the tokens of the active monitor, or why there are none."""
        found = await self.monitor()
        return (found.token_digests or found.token_problem) if found else None

    async def until_tokens(self, *tokens: str) -> None:
        await eventually(self.tokens, lambda found: found == tuple(digest(one) for one in tokens))

    async def until_token_problem(self, trouble: TokenProblem) -> None:
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
        limits=LIMITS,
    )
    followed.append(Followed(source, _secrets(mode, api, namespaces, source, clock), clock))

    async def consume() -> None:
        async for found in source.watch():
            followed[0].shown_before.append(len(followed[0].shown))
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
        return SecretReads(
            api,
            on_change=source.secret_changed,
            jitter=lambda: 0.5,
            clock=clock,
            limits=LIMITS,
        )
    return SecretWatch(
        api,
        namespaces,
        on_change=source.secret_changed,
        metrics=KubernetesMetrics(CollectorRegistry()),
        clock=clock,
        limits=LIMITS,
    )
