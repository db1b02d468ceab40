"""The embedded store: SQLite in WAL mode, one writer thread, group commit.

While one group of writes is committed, the next one gathers. So under load a push costs a fraction
of an fsync, and without load one fsync. A delay for gathering only adds latency: measured, 2 ms with
32 waiting writers cost four fifths of the rate.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import MonitorKey, Outage
from yuptime_exporter.core.ports import PushSave, SettleSaves
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.stores.sqlite.database import Database
from yuptime_exporter.stores.sqlite.rows import save_receiving
from yuptime_exporter.stores.sqlite.writer import Job, Write, Writer

# Most writes that wait; further writes are refused. The fastest disks need a second for so many, and
# clients do not wait much longer.
QUEUE_CAPACITY = 10_000

# Longest wait for the disk at the end. Writes that are then lost were not acknowledged.
_CLOSE_TIMEOUT_SECONDS = 2.0

_Stored = TypeVar("_Stored")


class SqliteStore:
    """A `Store` and a `History` in one file, which no other process can open at the same time.

    After a write that failed, the next write opens the file again. So the store recovers by itself,
    for example when the disk has space again.
    """

    def __init__(
        self,
        path: Path,
        *,
        metrics: StoreMetrics,
        clock: Clock,
        makes_folder: bool = False,
        history_limit: int,
    ) -> None:
        """Open nothing yet.

        Args:
            path: of the database.
            metrics: of this store.
            clock: gives the moment of a commit.
            makes_folder: see `Database`.
            history_limit: how many pushes of each monitor are kept.
        """
        database = Database(path, makes_folder=makes_folder)
        self._writer = Writer(
            database, history_limit=history_limit, metrics=metrics, clock=clock, settle=self._settle
        )
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._copying = False
        metrics.queue_capacity.set(QUEUE_CAPACITY)
        metrics.queue_length.set_function(lambda: self._waiting)

    async def restore(self) -> Restored:
        """Open the file, or create it, and return everything that is stored."""
        restored = await asyncio.to_thread(self._writer.open)
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._writer.write_until_closed, args=(loop,), name="sqlite writer", daemon=True
        )
        self._thread.start()
        return restored

    async def close(self) -> None:
        """Commit all waiting writes, and close the file."""
        if self._thread is not None:
            self._writer.queue.put(None)
            await asyncio.to_thread(self._thread.join, _CLOSE_TIMEOUT_SECONDS)

    def save_pushes(self, saves: Sequence[PushSave], settle: SettleSaves) -> None:
        """Store pushes to several monitors in one transaction, and settle them in one call."""
        write = Write(
            partial(self._writer.pushes.save, saves),
            partial(settle, saves),
            size=len(saves),
            begins=True,
        )
        self._put(write)

    def save_changes(self, changes: Changes) -> "asyncio.Future[None]":
        """Store all changes of the table, or none."""
        return self._save(lambda c: self._writer.save_changes(c, changes))

    def save_receiving(
        self, timestamp: float, outages: Iterable[Outage] | None
    ) -> "asyncio.Future[None]":
        """Store when pushes could last be received, and all outages; None: unchanged."""
        return self._save(lambda c: save_receiving(c, timestamp, outages))

    @property
    def limit(self) -> int:
        """How many pushes to each monitor are kept; 0: none."""
        return self._writer.pushes.history_limit

    @property
    def begin_timestamp(self) -> None:
        """None: a restart keeps the history."""

    async def recent(
        self, keys: Iterable[MonitorKey], *, limit: int, messages: bool = True
    ) -> dict[MonitorKey, PastPushes]:
        """Return the last pushes to each of these monitors.

        They are read in the writer thread, one monitor between two commits: no other connection
        can open the database, and one monitor takes less time than a commit.
        """
        asked = {
            key: self._job(partial(self._writer.past, key, limit=limit, messages=messages))
            for key in keys
        }
        return {key: await read for key, read in asked.items()}

    async def backup(self) -> BinaryIO:
        """Return a copy of the database. While it is made, writes are committed as usual."""
        if self._copying:
            raise StoreUnavailable("another backup is being made")
        self._copying = True
        loop = asyncio.get_running_loop()
        return await self._job(partial(self._copied, loop), dispose=lambda copy: copy.close())

    async def noted(self) -> None:
        """Return None: no other replica can open the file."""

    def _copied(self, loop: asyncio.AbstractEventLoop) -> BinaryIO:
        try:
            return self._writer.copy(loop)
        finally:
            self._copying = False

    def _save(self, execute: Callable[[sqlite3.Connection], _Stored]) -> "asyncio.Future[_Stored]":
        saved: asyncio.Future[_Stored] = asyncio.get_running_loop().create_future()
        self._put(Write(execute, partial(_resolve, saved)))
        return saved

    def _put(self, write: Write) -> None:
        if self._waiting + write.size > QUEUE_CAPACITY:
            error = StoreUnavailable(f"the disk is too slow: {self._waiting} writes wait for it")
            asyncio.get_running_loop().call_soon(write.settle, error)
            return
        self._waiting += write.size
        self._writer.queue.put(write)

    def _settle(self, group: list[Write], error: StoreUnavailable | None) -> None:
        """Tell those who wait for a group of writes; called in the thread of the loop."""
        self._waiting -= sum(write.size for write in group)
        for write in group:
            write.settle(write.stored if error is None else error)

    def _job(
        self,
        run: Callable[[], _Stored],
        *,
        dispose: Callable[[_Stored], None] = lambda _: None,
    ) -> "asyncio.Future[_Stored]":
        """Run a function in the writer thread between two commits; return its result."""
        done: asyncio.Future[_Stored] = asyncio.get_running_loop().create_future()
        self._writer.queue.put(Job(run, done, dispose))
        return done


def _resolve(saved: "asyncio.Future[_Stored]", result: _Stored | StoreUnavailable) -> None:
    if saved.done():  # nobody waits for it any more
        return
    if isinstance(result, StoreUnavailable):
        saved.set_exception(result)
    else:
        saved.set_result(result)
