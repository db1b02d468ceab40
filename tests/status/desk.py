"""A reporter with everything around it, and the small API server to which it writes.

desk = desk_of(monitor("backup"))
async with desk.reporting():
    await desk.push(DOWN)
assert desk.state() == "down"
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from prometheus_client import CollectorRegistry

from tests.core.examples import KEY, UP, monitor
from tests.engine.parts import TOKEN_DIGESTS, row_of, settled, table_of
from tests.exporters import StandingClock
from tests.fakes.api_server import MONITORS, ErrorAnswer, FakeApiServer, Name, Seen
from yuptime_exporter.core.evaluation import after_push
from yuptime_exporter.core.model import (
    API_VERSION,
    LastPush,
    Monitor,
    MonitorKey,
    Push,
    PushKind,
    Row,
)
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.connection import Connection
from yuptime_exporter.metrics.status import StatusMetrics
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.resource.monitor_reading import read_monitor_object
from yuptime_exporter.status.body import shown_of, stored_in
from yuptime_exporter.status.events import MonitorEvents
from yuptime_exporter.status.limits import StatusLimits
from yuptime_exporter.status.model import Shown
from yuptime_exporter.status.patches import StatusPatches
from yuptime_exporter.status.reporter import Reporter

START = 1_700_000_000.0
NO_MONITOR = MonitorKey("no", "monitor")
CAUSES = ("push", "transition", "heartbeat")
# However slow the machine, the tests of the end wait for it.
LIMITS = StatusLimits(flush_seconds=60.0)

FORBIDDEN = ErrorAnswer(403)
UNAVAILABLE = ErrorAnswer(500)
UNWRITABLE = ErrorAnswer(422)
CONFLICT = ErrorAnswer(409)
PRUNED = ErrorAnswer(400, message="strict decoding error: no")

GOOD = {
    "type": "push",
    "target": {"push": {"tokenSecretRef": {"name": "s", "key": "token"}, "expireSeconds": 300}},
}
INVALID = {"type": "push", "target": {"push": {"expireSeconds": 0}}}

MakeDesk = Callable[..., "Desk"]


def named(*names: str, **fields: Any) -> tuple[Monitor, ...]:
    return tuple(monitor(name, token_digests=TOKEN_DIGESTS, **fields) for name in names)


def saved_as(saving: "asyncio.Future[LastPush]") -> str:
    """Return how a push was made durable."""
    if not saving.done():
        return "waits"
    return "refused" if saving.exception() else "saved"


class Objects:
    """The Monitors of an API server, and the replicas that write to them."""

    def __init__(self, server: FakeApiServer) -> None:
        self.server = server
        self.desks: list[Desk] = []

    def create(self, *keys: MonitorKey, spec: Mapping[str, Any] = GOOD) -> None:
        """Create Monitors without a status."""
        for key in keys:
            self.server.put(
                "monitors", *key, apiVersion=API_VERSION, kind="Monitor", spec=dict(spec)
            )

    def change(self, key: MonitorKey, *, spec: Mapping[str, Any] = GOOD) -> None:
        """Change the spec of a Monitor."""
        self.server.put("monitors", *key, spec=dict(spec))

    def overwrite(self, key: MonitorKey, status: Mapping[str, Any]) -> None:
        """Replace the whole status, as another program may do."""
        for desk in self.desks:
            desk.watch(key)
        self.server.put("monitors", *key, status=dict(status))

    def delete(self, key: MonitorKey) -> None:
        self.server.delete("monitors", *key)

    def status(self, key: MonitorKey) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.server.get("monitors", *key).get("status", {})
        return found

    def shown(self, key: MonitorKey) -> Shown:
        return shown_of(self.status(key))

    def last_push(self, key: MonitorKey) -> LastPush | None:
        return stored_in(self.status(key)).last_push

    @property
    def attempts(self) -> list[Seen]:
        """The writes of status, in the order of their answers."""
        return [one for one in self.server.requests if one.method == "PATCH"]

    def written(self, key: MonitorKey | None = None) -> list[MonitorKey]:
        """Return the writes that succeeded, in their order: of one monitor, or of all."""
        keys = [_key_of(one.path) for one in self.attempts if one.status == 200]
        return [one for one in keys if key in (None, one)]

    def reads(self, key: MonitorKey) -> int:
        """Return how often a Monitor was read."""
        return len(self.server.asked("GET", monitor_path(key)))

    async def settled(self) -> None:
        """Return when no replica does anything that does not wait for the clock or for `hold`."""
        quiet = 0
        while quiet < 3:
            await settled()
            in_flight = sum(desk.reporter.writes_in_flight for desk in self.desks)
            quiet = quiet + 1 if in_flight == self.server.held else 0
            await asyncio.sleep(0 if quiet else 0.001)


class Desk:
    """The reporter of one replica with everything around it.

    Attributes:
        blind: whether the watch of this replica is interrupted: it keeps the first version of
            each Monitor.
    """

    def __init__(self, objects: Objects, table: MonitorTable, clock: StandingClock) -> None:
        self.objects = objects
        self.table = table
        self.clock = clock
        self.blind = False
        self.registry = CollectorRegistry()
        metrics = StatusMetrics(self.registry)
        self._connection = Connection(objects.server.kubeconfig, clock=monotonic)
        api = Api(self._connection)
        self._watched: dict[MonitorKey, MonitorObject] = {}
        self._events = MonitorEvents(api, instance="replica", metrics=metrics, clock=clock)
        self.patches = StatusPatches(api, shown=self.watch, events=self._events, clock=clock)
        self.reporter = Reporter(
            table,
            self.patches,
            jitter=lambda: 0.0,
            metrics=metrics,
            clock=clock,
            limits=LIMITS,
        )

    @asynccontextmanager
    async def reporting(self) -> AsyncIterator[None]:
        self.objects.desks.append(self)
        try:
            await self._connection.renew()
            async with asyncio.TaskGroup() as tasks:
                running = (
                    tasks.create_task(self.reporter.report_forever(tasks)),
                    tasks.create_task(self._events.write_forever()),
                )
                await self.settled()
                yield
                self.objects.server.release()
                await self.settled()
                for task in running:
                    task.cancel()
        finally:
            self.objects.desks.remove(self)
            await self._connection.close()

    def watch(self, key: MonitorKey) -> MonitorObject | None:
        """Return a Monitor as the watch delivers it; each version is delivered once."""
        raw = self.objects.server.objects.get(Name("monitors", *key))
        before = self._watched.get(key)
        if raw is None:
            self._watched.pop(key, None)
            return None
        if before is not None and self.blind:
            return before
        found = self._watched[key] = read_monitor_object(raw, before)
        if before is not None and before.resource_version != found.resource_version:
            self.patches.is_own(key, found)
        return found

    async def settled(self) -> None:
        await self.objects.settled()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and let the reporter notice it."""
        self.clock.advance(seconds)
        self.table.record_receiving(self.clock())
        self.reporter.look(NO_MONITOR)  # the reporter sleeps by another clock
        await self.settled()

    async def push(self, status: PushKind = UP, *, key: MonitorKey = KEY) -> None:
        """Accept a push that another store has made durable."""
        before, accepted = self._after(key, Push(status, self.clock()))
        self.table.record_pushes([(key, accepted)])
        now_timestamp = self.clock()
        self.reporter.pushed(
            key,
            self.table.verdict(before, now_timestamp=now_timestamp).state,
            self.table.verdict(row_of(self.table, key), now_timestamp=now_timestamp).state,
        )
        await self.settled()

    def save(self, status: PushKind = UP, *, key: MonitorKey = KEY) -> "asyncio.Future[LastPush]":
        """Store a push in the status, and make it visible as the receiver does."""
        return self.save_accepted(Push(status, self.clock()), key=key)

    def save_accepted(self, push: Push, *, key: MonitorKey = KEY) -> "asyncio.Future[LastPush]":
        """Store a push that was received at its own moment, which may be some time ago."""
        before, accepted = self._after(key, push)
        saving = self.reporter.save_push(before, accepted)

        def show(saved: "asyncio.Future[LastPush]") -> None:
            if not saved.cancelled() and saved.exception() is None:
                self.table.record_pushes([(key, saved.result())])

        saving.add_done_callback(show)
        return saving

    def _after(self, key: MonitorKey, push: Push) -> tuple[Row, LastPush]:
        row = row_of(self.table, key)
        outages = self.table.outages(now_timestamp=self.clock())
        return row, after_push(row, outages, push)

    @property
    def server(self) -> FakeApiServer:
        return self.objects.server

    def event_reasons(self) -> list[str]:
        """Return the reasons of all Events that were written."""
        events = self.server.objects.items()
        return [str(event["reason"]) for name, event in events if name.plural == "events"]

    def state(self, key: MonitorKey = KEY) -> str:
        """Return the state in the status of a Monitor."""
        return self.objects.shown(key).state

    def metric(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(f"yuptime_{name}", labels)
        assert value is not None
        return value

    def writes(self) -> list[int]:
        """Return the number of writes of each cause."""
        return [int(self.metric("status_writes_total", cause=cause)) for cause in CAUSES]


def make_desk(objects: Objects, *monitors: Monitor) -> Desk:
    """Return a desk for these monitors; without any, for `prod/backup`."""
    monitors = monitors or named("backup")
    objects.create(*(one.key for one in monitors))
    return Desk(objects, table_of(*monitors, at=START), StandingClock(START))


def monitor_path(key: MonitorKey) -> str:
    return f"{MONITORS}/namespaces/{key.namespace}/monitors/{key.name}"


def _key_of(path: str) -> MonitorKey:
    *_, namespace, _, name = path.removesuffix("/status").split("/")
    return MonitorKey(namespace, name)
