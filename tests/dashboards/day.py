"""The scripted day of real exporters, which takes seconds.

Each minute every exporter is scraped over HTTP and the page is stored unchanged. The clock moves
between scrapes only.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.dashboards.cluster_day import ClusterDay
from tests.dashboards.script import (
    CHANGES,
    DAY,
    MALFORMED,
    MIDNIGHT,
    MINUTE,
    NAMES,
    at,
    declared,
    pushes,
)
from tests.exporters import Client, Home, StandingClock
from tests.fakes.alertmanager import fake_alertmanager
from tests.waiting import eventually
from yuptime_exporter.app import Exporter
from yuptime_exporter.settings.command_line import parse_arguments

# One of both replicas has Kubernetes metrics too.
ON_KUBERNETES = "yuptime-1:10091"

TICK = 15  # the longest interval between two notes of receiving; a longer one is an outage


@dataclass(frozen=True, slots=True)
class Scrape:
    """A page of metrics at a moment; None: the exporter did not answer."""

    at_timestamp: float
    instance: str
    page: str | None


@dataclass
class Day:
    """The observations of the day.

    Attributes:
        scrapes: in the order of time.
        states: the states on the exporter's own pages of monitors at some moments.
        pages: the HTTP status of each monitor's page at the end.
    """

    scrapes: list[Scrape] = field(default_factory=list)
    states: dict[tuple[float, str, str], str] = field(default_factory=dict)
    pages: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass
class Replica:
    """An exporter in this process."""

    exporter: Exporter
    client: Client
    instance: str


@asynccontextmanager
async def replica(home: Home, clock: Callable[[], float], instance: str) -> AsyncIterator[Replica]:
    """Run an exporter, with access to the log of receiving."""
    exporter = Exporter(parse_arguments(home.arguments()), clock=clock)
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession() as session:
        running = tasks.create_task(exporter.run())

        async def bound() -> bool:
            return bool(exporter.bound) or running.done()

        await eventually(bound)
        client = Client(f"http://{exporter.bound['--web.listen-address'][0]}", session)
        await eventually(client.ready)
        yield Replica(exporter, client, instance)
        exporter.stop_requested.set()


class Play:
    """Runs the day."""

    def __init__(self, folder: Path, alertmanager_url: str) -> None:
        self.clock = StandingClock(MIDNIGHT)
        self.day = Day()
        self.cluster = ClusterDay()
        self.running: dict[str, Replica] = {}
        self.lives: dict[str, AsyncExitStack] = {}
        configuration = folder / "yuptime-exporter.yml"
        configuration.write_text("alerting: {default_labels: {cluster: prod}}\n")
        self.configuration = configuration
        flags = [
            f"--alertmanager.url={alertmanager_url}",
            f"--config.file={configuration}",
            "--web.enable-lifecycle",
        ]
        self.homes = {}
        for name in ("yuptime-0:10091", ON_KUBERNETES):
            own = folder / name.partition(":")[0]
            own.mkdir()
            self.homes[name] = Home(own, flags=flags)

    async def pass_by(self) -> Day:
        planned = pushes()
        first, _ = self.homes
        await self.start(first)
        for moment in range(MIDNIGHT, MIDNIGHT + DAY + 1, MINUTE):
            self.clock.now_timestamp = moment
            await self.replicas_come_and_go(moment)
            if moment in CHANGES:
                await self.declare()
            await self.happen(moment)
            await self.scrape(moment)
            await self.push(planned.get(moment, []))
            for _ in range(MINUTE // TICK - 1):
                self.clock.advance(TICK)
                await self.receive()
        for namespace, name in NAMES:
            page = f"/monitors/{namespace}/{name}"
            answer = await self.running[first].client.request("GET", page)
            self.day.pages[namespace, name] = answer.status
        for each in list(self.running):
            await self.stop(each)
        return self.day

    async def replicas_come_and_go(self, moment: int) -> None:
        first, second = self.homes
        if moment == at("05:00"):
            await self.stop(first)
        elif moment == at("05:10"):
            await self.start(first)
        elif moment == at("08:00"):
            await self.stop(first)  # so that the second replica starts with the same pushes
            for each in self.homes[first].folder.glob("yuptime.db*"):
                shutil.copy(each, self.homes[second].folder)
            await self.start(first)
            await self.start(second)
        elif moment == at("20:00"):
            await self.stop(second)

    async def start(self, name: str) -> None:
        self.homes[name].declare(*declared(self.clock.now_timestamp))
        self.lives[name] = AsyncExitStack()
        self.running[name] = await self.lives[name].enter_async_context(
            replica(self.homes[name], self.clock, name)
        )

    async def stop(self, name: str) -> None:
        self.running.pop(name)
        await self.lives.pop(name).aclose()

    async def declare(self) -> None:
        for name, each in self.running.items():
            self.homes[name].declare(*declared(self.clock.now_timestamp))
            await each.exporter._parts.source.refresh()

    async def receive(self) -> None:
        for each in self.running.values():
            await each.exporter._receiving_log.tick()

    async def happen(self, moment: int) -> None:
        """The requests of strangers and operators."""
        clients = [each.client for each in self.running.values()]
        if moment == at("12:00"):
            for _ in range(30):
                await clients[0].push("order-sync", namespace="shop", token="guessed")
        if moment == at("11:00"):
            good = self.configuration.read_text()
            self.configuration.write_text("alerting: {labels: {}}\n")
            for client in clients:
                assert (await client.request("POST", "/-/reload")).status == 500
            self.configuration.write_text(good)
        if moment == at("11:30"):
            for client in clients:
                assert (await client.request("POST", "/-/reload")).status == 200
        if (moment - MIDNIGHT) % (30 * MINUTE) == 0 and clients:
            await self.look(moment, clients[-1])

    async def look(self, moment: int, client: Client) -> None:
        """Ask for each monitor, and record its state with the reason."""
        for namespace, name in NAMES:
            answer = await client.request("GET", f"/api/v1/monitors/{namespace}/{name}")
            if answer.status == 200:
                found = answer.json()
                self.day.states[moment, namespace, name] = f"{found['state']} ({found['reason']})"

    async def scrape(self, moment: int) -> None:
        for name in self.homes:
            each = self.running.get(name)
            if each is not None:
                page = (await each.client.request("GET", "/metrics")).body.decode()
                if name == ON_KUBERNETES:
                    page += self.cluster.page_at(moment)
                self.day.scrapes.append(Scrape(moment, name, page))
            elif name == "yuptime-0:10091":
                self.day.scrapes.append(Scrape(moment, name, None))

    async def push(self, planned: list[tuple[str, str, bytes]]) -> None:
        await self.receive()
        for namespace, name, body in planned:
            for each in self.running.values():
                answer = await each.client.push(
                    name,
                    namespace=namespace,
                    body=body,
                    content_type="application/x-www-form-urlencoded",
                )
                assert answer.status == (400 if body == MALFORMED else 200)


async def scripted_day(folder: Path) -> Day:
    """Run the day in this folder."""
    async with fake_alertmanager() as alertmanager:
        return await Play(folder, alertmanager.url).pass_by()
