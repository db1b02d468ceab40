"""The equipment of the contract of stores: an exporter around a store, and places to store in.

    async with running(place) as exporter:
        await exporter.declare(backup=True)
        await exporter.push(DOWN)
    restored = await place.restored()

The sentences of the contract are in test_contract.py. A new store needs a `Place`, and nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import pytest
from prometheus_client import CollectorRegistry

from tests.core.examples import UP
from tests.engine.parts import row_of
from tests.waiting import LIMIT_SECONDS, eventually
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import (
    LastPush,
    MonitorKey,
    Push,
    PushKind,
    Row,
)
from yuptime_exporter.core.ports import History, MonitorSource, Store
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.follower import Follower
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.receiver import OnPush, Receiver
from yuptime_exporter.engine.receiving_log import OUTAGE_AFTER_SECONDS, ReceivingLog
from yuptime_exporter.engine.replication import Replication
from yuptime_exporter.engine.table_changes import TableChanges
from yuptime_exporter.metrics.changes import ChangeMetrics
from yuptime_exporter.metrics.declarations import DeclarationMetrics
from yuptime_exporter.metrics.process import ReadinessMetrics
from yuptime_exporter.metrics.receiving import ReceivingMetrics

RETENTION_SECONDS = 86_400.0


HISTORY_LIMIT = 5


class Capability(StrEnum):
    """Capabilities that some stores lack by their nature."""

    DURABLE_HISTORY = "keep the pushes before a restart"

    REMOVED_HISTORY = "keep the history of a removed monitor"
    REPLICAS = "serve several replicas"


class SettableClock(Protocol):
    """A clock that a test can set."""

    def __call__(self) -> float:
        """Return the Unix time in seconds, to the microsecond."""

    def advance(self, seconds: float) -> None:
        """Set the clock forward; negative: back."""


@dataclass
class Connected:
    """A store that is not restored yet, its history, and the source of its monitors.

    Attributes:
        source: declares the monitors of the place.
        after_push: called after each accepted push.
    """

    store: Store
    history: History
    source: MonitorSource
    after_push: OnPush = lambda *_: None


class Place(Protocol):
    """Where pushes are stored; exporters come and go.

    Attributes:
        namespace: of all monitors.
        lacks: the capabilities that this store lacks, each with the reason.
    """

    namespace: str
    clock: SettableClock
    lacks: Mapping[Capability, str]

    def connected(
        self, table: MonitorTable, replication: Replication
    ) -> AbstractAsyncContextManager[Connected]:
        """Run a new store object on the stored data until the end of the block."""

    async def declare(self, enabled: Mapping[str, bool]) -> None:
        """Declare exactly the monitors of these names; False: paused."""

    async def recreate(self, name: str) -> None:
        """Delete a monitor and create it again, long enough after the last push."""

    async def restored(self) -> Restored:
        """Return the state that a new store restores, as if all exporters were killed now."""


@dataclass
class Exporter:
    """The parts of an exporter that a push and a declaration pass through."""

    place: Place
    table: MonitorTable
    store: Store
    history: History
    receiver: Receiver
    receiving_log: ReceivingLog

    async def declare(self, **enabled: bool) -> None:
        """Declare exactly these monitors; return when they are active."""
        await self.place.declare(enabled)

        async def active() -> bool:
            rows = self.table.rows()
            return {row.monitor.key.name: row.monitor.enabled for row in rows} == enabled

        await eventually(active)

    async def recreate(self, name: str = "backup") -> None:
        """Delete a monitor and create it again; return when the new one is active."""
        before = self.row(name).monitor.created_timestamp
        await self.place.recreate(name)

        async def active() -> bool:
            row = self.table.row(self.key(name))
            return row is not None and row.monitor.created_timestamp != before

        await eventually(active)

    async def push(
        self,
        kind: PushKind = UP,
        *,
        name: str = "backup",
        message: str = "",
        run_id: str = "",
        after_seconds: float = 1.0,
    ) -> LastPush:
        """Push after some time; return the push that is then shown."""
        self.place.clock.advance(after_seconds)
        push = Push(kind, self.place.clock(), message, run_id=run_id)
        await self.receiver.accept(self.key(name), push)
        return self.last_push(name)

    def key(self, name: str = "backup") -> MonitorKey:
        return MonitorKey(self.place.namespace, name)

    async def past(
        self, name: str = "backup", *, limit: int = 100, messages: bool = True
    ) -> PastPushes:
        """Return the history of a monitor."""
        key = self.key(name)
        return (await self.history.recent([key], limit=limit, messages=messages))[key]

    def row(self, name: str = "backup") -> Row:
        return row_of(self.table, self.key(name))

    def last_push(self, name: str = "backup") -> LastPush:
        push = self.row(name).last_push
        assert push is not None
        return push


@asynccontextmanager
async def running(place: Place) -> AsyncIterator[Exporter]:
    """Run an exporter that has restored the stored state, until the end of the block."""
    table = MonitorTable(silence_is_outage_after_seconds=OUTAGE_AFTER_SECONDS)
    registry = CollectorRegistry()
    after_push: list[OnPush] = []

    def on_push(*states: object) -> None:
        for one in after_push:
            one(*states)  # type: ignore[arg-type]

    replication = Replication(table, on_push=on_push, clock=place.clock)
    async with place.connected(table, replication) as connected:
        after_push.append(connected.after_push)
        readiness = Readiness(ReadinessMetrics(registry))
        changes = TableChanges(
            table,
            connected.store,
            retention_seconds=RETENTION_SECONDS,
            metrics=ChangeMetrics(registry),
            clock=place.clock,
        )
        receiving_log = ReceivingLog(
            table,
            connected.store,
            changes,
            on_receiving=lambda *, failure: None,  # noqa: ARG005
            metrics=ReceivingMetrics(registry),
            clock=place.clock,
        )
        follower = Follower(
            changes,
            receiving_log,
            readiness,
            on_change=lambda: None,
            metrics=DeclarationMetrics(registry),
        )
        # The contract is about what is stored, on machines of any load, and not about how soon.
        receiver = Receiver(
            table, connected.store, on_push=on_push, save_timeout_seconds=LIMIT_SECONDS
        )
        table.restore(await connected.store.restore())
        readiness.restored()

        async def ready() -> bool:
            return readiness.ready

        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(follower.follow(connected.source))
            await eventually(ready)
            yield Exporter(
                place, table, connected.store, connected.history, receiver, receiving_log
            )
            following.cancel()


def needs(place: Place, capability: Capability) -> None:
    """Skip a sentence that cannot be true of a store, and say why."""
    if capability in place.lacks:
        pytest.skip(f"this store does not {capability}: {place.lacks[capability]}")
