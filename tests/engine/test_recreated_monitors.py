"""A Monitor is deleted and created again, and every push that is acknowledged stays durable.

Follower, receiver, table, and a real SQLite file. A restart is a second exporter on the same file,
after the first was left without a word.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tests.core.examples import DOWN, KEY, UP, monitor
from tests.engine.parts import TOKEN_DIGESTS, row_of
from tests.exporters import StandingClock
from yuptime_exporter.core.model import (
    Arming,
    LastPush,
    Monitor,
    MonitorSet,
    Push,
    PushKind,
    Restored,
)
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.follower import Follower
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.receiver import Receiver
from yuptime_exporter.engine.receiving_log import OUTAGE_AFTER_SECONDS, ReceivingLog
from yuptime_exporter.engine.table_changes import TableChanges
from yuptime_exporter.metrics.changes import ChangeMetrics
from yuptime_exporter.metrics.declarations import DeclarationMetrics
from yuptime_exporter.metrics.process import ReadinessMetrics
from yuptime_exporter.metrics.receiving import ReceivingMetrics
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.stores.sqlite.store import SqliteStore

START = 1000.0
RETENTION_SECONDS = 86_400.0


class Declarations:
    """A source that declares what the test says."""

    def __init__(self) -> None:
        self._sets: asyncio.Queue[MonitorSet] = asyncio.Queue()
        self._taken = asyncio.Event()

    async def declare(self, *monitors: Monitor) -> None:
        """Declare exactly these monitors; return when they are active."""
        self._taken.clear()
        self._sets.put_nowait(MonitorSet(monitors))
        await self._taken.wait()

    async def watch(self) -> AsyncIterator[MonitorSet]:
        while True:
            if self._sets.empty():
                self._taken.set()
            yield await self._sets.get()

    async def refresh(self) -> None:
        pass


class Exporter:
    """The parts that a push and a declaration pass through."""

    def __init__(self, path: Path, clock: StandingClock) -> None:
        registry = CollectorRegistry()
        self.clock = clock
        self.store = SqliteStore(path, metrics=StoreMetrics(registry), clock=clock)
        self.table = MonitorTable(silence_is_outage_after_seconds=OUTAGE_AFTER_SECONDS)
        self.source = Declarations()
        readiness = Readiness(ReadinessMetrics(registry))
        changes = TableChanges(
            self.table,
            self.store,
            retention_seconds=RETENTION_SECONDS,
            metrics=ChangeMetrics(registry),
            clock=clock,
        )
        self.receiving_log = ReceivingLog(
            self.table,
            self.store,
            changes,
            on_receiving=lambda *, possible: None,  # noqa: ARG005
            metrics=ReceivingMetrics(registry),
            clock=clock,
        )
        self.follower = Follower(
            changes,
            self.receiving_log,
            readiness,
            on_change=lambda: None,
            metrics=DeclarationMetrics(registry),
        )
        self._receiver = Receiver(self.table, self.store, on_push=lambda *_: None)

    async def follow(self) -> None:
        await self.follower.follow(self.source)

    async def push(self, kind: PushKind = UP) -> None:
        """Push; return when the push is acknowledged."""
        self.clock.advance(1)
        await self._receiver.accept(KEY, Push(kind, self.clock()))

    @property
    def last_push(self) -> LastPush:
        push = row_of(self.table, KEY).last_push
        assert push is not None
        return push


def created(at: float) -> Monitor:
    return monitor(token_digests=TOKEN_DIGESTS, created_timestamp=at)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "yuptime.db"


@asynccontextmanager
async def running(path: Path, clock: StandingClock, *monitors: Monitor) -> AsyncIterator[Exporter]:
    """Run an exporter that has restored what is stored, and knows these monitors."""
    exporter = Exporter(path, clock)
    exporter.table.restore(await exporter.store.restore())
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(exporter.follow())
        await exporter.source.declare(*monitors)
        yield exporter
        following.cancel()
    await exporter.store.close()


@pytest.mark.parametrize("away", [True, False], ids=["deleted first", "in one set"])
async def test_a_push_to_a_monitor_that_was_created_again_survives_a_restart(
    path: Path, away: bool
) -> None:
    clock = StandingClock(START)
    async with running(path, clock, created(START)) as exporter:
        for _ in range(5):
            await exporter.push()
        clock.advance(60)
        if away:
            await exporter.source.declare()
        again = created(clock())
        await exporter.source.declare(again)
        clock.advance(10)
        await exporter.push(DOWN)
        acknowledged = exporter.last_push
    async with running(path, clock, again) as restarted:
        after = restarted.last_push

    assert (acknowledged.status, acknowledged.pushes_total) == (DOWN, 1)
    assert after == acknowledged


@asynccontextmanager
async def failing(path: Path) -> AsyncIterator[None]:
    """Let every write to the database fail until the end of the block."""
    away = path.rename(path.with_suffix(".away"))
    yield
    away.rename(path)


async def stored(path: Path) -> Restored:
    """Return what the database holds, while no exporter runs."""
    metrics = StoreMetrics(CollectorRegistry())
    store = SqliteStore(path, metrics=metrics, clock=StandingClock(START))
    try:
        return await store.restore()
    finally:
        await store.close()


async def test_pushes_to_a_deleted_monitor_leave_the_store_with_it(path: Path) -> None:
    clock = StandingClock(START)
    async with running(path, clock, created(START)) as exporter:
        await exporter.push()
        clock.advance(60)
        await exporter.source.declare(created(clock()))

    restored = await stored(path)
    assert restored.last_pushes == {}
    assert restored.armings == {KEY: Arming(1061)}


async def test_a_push_survives_if_the_store_could_not_forget_the_deleted_monitor(
    path: Path,
) -> None:
    clock = StandingClock(START)
    async with running(path, clock, created(START)) as exporter:
        for _ in range(5):
            await exporter.push()
        clock.advance(60)
        again = created(clock())
        async with failing(path):
            await exporter.source.declare(again)
        await exporter.push(DOWN)
        acknowledged = exporter.last_push
    async with running(path, clock, again) as restarted:
        after = restarted.last_push

    assert (acknowledged.status, acknowledged.pushes_total) == (DOWN, 1)
    assert after == acknowledged


async def test_forgetting_that_is_tried_again_spares_the_push_that_came_in_between(
    path: Path,
) -> None:
    clock = StandingClock(START)
    async with running(path, clock, created(START)) as exporter:
        await exporter.push()
        clock.advance(60)
        async with failing(path):
            await exporter.source.declare(created(clock()))
        await exporter.push(DOWN)
        acknowledged = exporter.last_push
        await exporter.receiving_log.tick()

    restored = await stored(path)
    assert restored.last_pushes == {KEY: acknowledged}
    assert restored.armings == {KEY: Arming(1061)}


async def test_a_monitor_that_is_created_again_within_seconds_continues(path: Path) -> None:
    clock = StandingClock(START)
    async with running(path, clock, created(START)) as exporter:
        for _ in range(5):
            await exporter.push()
        clock.advance(2)
        again = created(clock())
        await exporter.source.declare(again)
        await exporter.push()
        acknowledged = exporter.last_push
    async with running(path, clock, again) as restarted:
        after = restarted.last_push

    assert acknowledged.pushes_total == 6
    assert after == acknowledged


@pytest.mark.parametrize("corrected", ["before the push", "after the push", "never"])
async def test_a_push_after_the_clock_was_set_back_survives_a_restart(
    path: Path, corrected: str
) -> None:
    clock = StandingClock(START + 8000)
    async with running(path, clock, created(START)) as exporter:
        await exporter.push()
        clock.advance(-7000)
        if corrected == "before the push":
            await exporter.receiving_log.tick()
        await exporter.push(DOWN)
        acknowledged = exporter.last_push
        if corrected == "after the push":
            await exporter.receiving_log.tick()
            assert exporter.last_push == acknowledged
    async with running(path, clock, created(START)) as restarted:
        after = restarted.last_push

    assert (acknowledged.status, acknowledged.pushes_total) == (DOWN, 2)
    assert after == acknowledged


async def test_a_push_survives_if_the_store_could_not_correct_the_one_before_it(
    path: Path,
) -> None:
    clock = StandingClock(START + 8000)
    async with running(path, clock, created(START)) as exporter:
        await exporter.push()
        clock.advance(-7000)
        async with failing(path):
            await exporter.receiving_log.tick()
        await exporter.push(DOWN)
        acknowledged = exporter.last_push
        await exporter.receiving_log.tick()
    async with running(path, clock, created(START)) as restarted:
        after = restarted.last_push

    assert (acknowledged.status, acknowledged.pushes_total) == (DOWN, 2)
    assert after == acknowledged
