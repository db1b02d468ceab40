"""An SQLite file as the place where pushes are stored, and monitors that a test declares."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from prometheus_client import CollectorRegistry

from tests.core.examples import monitor
from tests.exporters import StandingClock
from tests.stores.contract import HISTORY_LIMIT, Capability, Connected, SettableClock
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.declared import MonitorSet
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.replication import Replication
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.stores.sqlite.store import SqliteStore


def store_at(path: Path, clock: Clock) -> SqliteStore:
    return SqliteStore(
        path, metrics=StoreMetrics(CollectorRegistry()), clock=clock, history_limit=HISTORY_LIMIT
    )


class SqlitePlace:
    """A `Place` in a folder."""

    namespace = "jobs"
    lacks: Mapping[Capability, str] = {
        Capability.REPLICAS: "one process has the file open, and locks it"
    }

    def __init__(self, folder: Path) -> None:
        self.clock: SettableClock = StandingClock()
        self.path = folder / "yuptime.db"
        self._copies = (folder / f"copy-{number}" for number in count())
        self._created: dict[str, float] = {}
        self._enabled: Mapping[str, bool] = {}
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def connected(
        self,
        table: MonitorTable,  # noqa: ARG002
        replication: Replication,  # noqa: ARG002
    ) -> AsyncIterator[Connected]:
        store = store_at(self.path, self.clock)
        try:
            yield Connected(store, store, self)
        finally:
            await store.close()

    async def declare(self, enabled: Mapping[str, bool]) -> None:
        now = float(int(self.clock()))
        self._created = {name: self._created.get(name, now) for name in enabled}
        self._enabled = enabled
        self._changed.set()

    async def recreate(self, name: str) -> None:
        self.clock.advance(MAX_FUTURE_SECONDS + 1)
        del self._created[name]
        await self.declare(self._enabled)

    async def restored(self) -> Restored:
        """Return the state that a copy of the files restores, as after a crash."""
        copy = next(self._copies)
        copy.mkdir()
        for file in self.path.parent.glob(f"{self.path.name}*"):
            shutil.copy(file, copy)
        store = store_at(copy / self.path.name, self.clock)
        try:
            return await store.restore()
        finally:
            await store.close()

    async def watch(self) -> AsyncIterator[MonitorSet]:
        while True:
            self._changed.clear()
            yield MonitorSet(
                tuple(
                    monitor(
                        name,
                        self.namespace,
                        enabled=enabled,
                        created_timestamp=self._created[name],
                        token_digests=(b"a" * 32,),
                    )
                    for name, enabled in sorted(self._enabled.items())
                )
            )
            await self._changed.wait()

    async def refresh(self) -> None:
        pass
