"""Exporters that keep pushes in the status of Monitors: one or several on the same stage."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import yaml

from tests.exporters import Answer, Client, Home, Process, exporter_here, exporter_process
from tests.fakes.fault_proxy import FaultProxy, fault_proxy
from tests.scenarios.kubernetes.rights import ACCOUNT, Object
from tests.scenarios.kubernetes.stage import Running, Stage
from tests.waiting import POLL_SECONDS, eventually

LEASE = "yuptime-exporter"

_Answer = TypeVar("_Answer")


@dataclass
class Replica:
    """One exporter, and its own way to the API server."""

    stage: Stage
    home: Home
    proxy: FaultProxy

    @asynccontextmanager
    async def here(self, *, wait_ready: bool = True) -> AsyncIterator[Running]:
        """Run it in this process, by the time of the test."""
        async with exporter_here(self.home, self.stage.time, wait_ready=wait_ready) as client:
            yield Running(client, self.stage)

    def alone(self, *, wait_ready: bool = True) -> AbstractAsyncContextManager[Process]:
        """Run it in a process of its own, which may be killed."""
        return exporter_process(self.home, wait_ready=wait_ready)

    def configure(self, alerting: Object) -> None:
        """Give it a configuration without a limit of rate."""
        config = {"alerting": alerting, "limits": {"push_rate": {"interval": "0s"}}}
        (self.home.folder / "config.yaml").write_text(yaml.safe_dump(config))

    async def partition(self) -> None:
        """Let it reach the API server no more."""
        await self.proxy.refuse_connections()
        self.proxy.drop_connections()


@asynccontextmanager
async def replicas(stage: Stage, folder: Path, count: int) -> AsyncIterator[list[Replica]]:
    """Make so many replicas, of which none runs yet.

    Args:
        stage: with the followed Monitors and the rights of the replicas.
        folder: of all their files.
        count: how many.
    """
    token = await stage.cluster.service_account_token(stage.namespace, ACCOUNT)
    async with AsyncExitStack() as stack:
        made = []
        for number in range(count):
            home = Home(folder / f"replica-{number}")
            proxy = await stack.enter_async_context(
                fault_proxy(stage.cluster.url, stage.cluster.ca_file, folder=home.folder / "proxy")
            )
            home.kubeconfig = proxy.kubeconfig(token)
            home.flags = [
                "--storage.url=kubernetes:",
                f"--kubernetes.namespace={stage.namespace}",
                f"--kubernetes.lease={stage.namespace}/{LEASE}",
                f"--config.file={home.folder / 'config.yaml'}",
            ]
            replica = Replica(stage, home, proxy)
            replica.configure({})
            made.append(replica)
        yield made


async def lease(stage: Stage) -> Object:
    """Return the Lease in which replicas note that they receive."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{stage.namespace}/leases/{LEASE}"
    status, found = await stage.cluster.request("GET", path)
    assert status == 200, found
    return dict(found)


async def renewed(stage: Stage) -> float:
    """Return when that was noted last."""
    return datetime.fromisoformat((await lease(stage))["spec"]["renewTime"]).timestamp()


@dataclass
class Job:
    """A job that pushes to whichever replica takes it, as often as it has to.

    Attributes:
        acknowledged: of how many pushes it knows that they were accepted.
        attempts: how often it asked.
        refusals: the answers that told it to come back.
        failures: everything else.
    """

    name: str
    namespace: str
    acknowledged: int = 0
    attempts: int = 0
    refusals: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def try_once(self, replica: Client, body: bytes | None = b'{"status": "up"}') -> bool:
        """Push once; tell whether that is acknowledged."""
        self.attempts += 1
        try:
            answer = await replica.push(self.name, namespace=self.namespace, body=body)
        except aiohttp.ClientError as error:
            self.failures.append(type(error).__name__)
            return False
        if answer.status == 200:
            self.acknowledged += 1
        elif answer.status == 503 and answer.headers.get("Retry-After", "").isdigit():
            self.refusals.append(answer)
        else:
            self.failures.append(f"{answer.status}: {answer.body!r}")
        return answer.status == 200


class Crowd:
    """Jobs that push again and again, to each replica in its turn, until they are told to end.

    Attributes:
        jobs: all of them.
        replicas: the present targets of pushes, as a Service has them.
    """

    def __init__(self, names: Iterable[str], namespace: str) -> None:
        self.jobs = [Job(name, namespace) for name in names]
        self.replicas: list[Client] = []
        self._over = False

    @asynccontextmanager
    async def pushing(self) -> AsyncIterator[None]:
        """Have them push until the end of the block; then none of it is under way any more."""
        async with asyncio.TaskGroup() as tasks:
            for job in self.jobs:
                tasks.create_task(self._work(job))
            try:
                yield
            finally:
                self._over = True

    async def has_pushed(self, count: int) -> None:
        """Return when each job has had so many more pushes acknowledged."""
        before = [job.acknowledged for job in self.jobs]

        async def fewest() -> int:
            return min(job.acknowledged - n for job, n in zip(self.jobs, before, strict=True))

        await eventually(fewest, lambda more: more >= count)

    async def _work(self, job: Job) -> None:
        number = 0
        while not self._over:
            number += 1
            await job.try_once(self.replicas[number % len(self.replicas)])
            await asyncio.sleep(POLL_SECONDS)  # others, too, want to run


async def together(doing: Iterable[Coroutine[Any, Any, _Answer]]) -> list[_Answer]:
    """Run all at once; return all results."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one) for one in doing]
    return [one.result() for one in running]
