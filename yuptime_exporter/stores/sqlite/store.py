"""The embedded store: SQLite in WAL mode, one writer thread, group commit.

While one group of writes is committed, the next one gathers. So under load a push costs a fraction
of an fsync, and without load one fsync. A delay for gathering only adds latency: measured, 2 ms with
32 waiting writers cost four fifths of the rate.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, TypeVar

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import LastPush, Outage, Push, Restored, Row
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.stores.sqlite.backup import copy_database
from yuptime_exporter.stores.sqlite.database import Database
from yuptime_exporter.stores.sqlite.diagnosis import unavailable
from yuptime_exporter.stores.sqlite.rows import save_changes, save_push, save_receiving

# Most writes that wait; further writes are refused. The fastest disks need a second for so many, and
# clients do not wait much longer.
QUEUE_CAPACITY = 10_000

# Larger transactions make a write no cheaper: measured, 256 writes cost the least.
_MAX_GROUP = 512

# Longest wait for the disk at the end. Writes that are then lost were not acknowledged.
_CLOSE_TIMEOUT_SECONDS = 2.0


_Stored = TypeVar("_Stored")


@dataclass(slots=True)
class _Write:
    """A write that waits: its effect on the database, and the future of the stored value."""

    execute: Callable[[sqlite3.Connection], Any]
    saved: "asyncio.Future[Any]"
    stored: Any = field(default=None)


@dataclass(frozen=True, slots=True)
class _Backup:
    """A copy of the database that somebody waits for."""

    made: "asyncio.Future[BinaryIO]"


class SqliteStore:
    """A `Store` in one file, which no other process can open at the same time.

    After a write that failed, the next write opens the file again. So the store recovers by itself,
    for example when the disk has space again.
    """

    def __init__(
        self, path: Path, *, metrics: StoreMetrics, clock: Clock, makes_folder: bool = False
    ) -> None:
        """Open nothing yet.

        Args:
            path: of the database.
            metrics: of this store.
            clock: gives the moment of a commit.
            makes_folder: see `Database`.
        """
        self._database = Database(path, makes_folder=makes_folder)
        self._metrics = metrics
        self._clock = clock
        self._queue: SimpleQueue[_Write | _Backup | None] = SimpleQueue()
        self._waiting = 0
        self._writer: threading.Thread | None = None
        self._closing = False  # these two are of the writer thread
        self._backup: _Backup | None = None
        self._copying = False
        metrics.queue_capacity.set(QUEUE_CAPACITY)
        metrics.queue_length.set_function(lambda: self._waiting)

    async def restore(self) -> Restored:
        """Open the file, or create it, and return everything that is stored."""
        restored = await asyncio.to_thread(self._database.open)
        loop = asyncio.get_running_loop()
        self._writer = threading.Thread(
            target=self._write_until_closed, args=(loop,), name="sqlite writer", daemon=True
        )
        self._writer.start()
        return restored

    async def close(self) -> None:
        """Commit all waiting writes, and close the file."""
        if self._writer is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join, _CLOSE_TIMEOUT_SECONDS)

    def save_push(
        self,
        row: Row,
        last_push: LastPush,
        pushes: tuple[Push, ...],  # noqa: ARG002
    ) -> "asyncio.Future[LastPush]":
        """Store the newest push of a monitor; the result is the stored push."""
        return self._save(lambda c: save_push(c, row, last_push, now_timestamp=self._clock()))

    def save_changes(self, changes: Changes) -> "asyncio.Future[None]":
        """Store all changes of the table, or none."""
        return self._save(lambda c: save_changes(c, changes))

    def save_receiving(
        self, timestamp: float, outages: Iterable[Outage] | None
    ) -> "asyncio.Future[None]":
        """Store when pushes could last be received, and all outages; None: unchanged."""
        return self._save(lambda c: save_receiving(c, timestamp, outages))

    async def backup(self) -> BinaryIO:
        """Return a copy of the database. While it is made, writes are committed as usual."""
        if self._copying:
            raise StoreUnavailable("another backup is being made")
        made: asyncio.Future[BinaryIO] = asyncio.get_running_loop().create_future()
        self._copying = True
        self._queue.put(_Backup(made))
        return await made

    async def noted(self) -> None:
        """Return None: no other replica can open the file."""

    def _save(self, execute: Callable[[sqlite3.Connection], _Stored]) -> "asyncio.Future[_Stored]":
        saved: asyncio.Future[_Stored] = asyncio.get_running_loop().create_future()
        if self._waiting >= QUEUE_CAPACITY:
            saved.set_exception(
                StoreUnavailable(f"the disk is too slow: {self._waiting} writes wait for it")
            )
            return saved
        self._waiting += 1
        self._queue.put(_Write(execute, saved))
        return saved

    def _write_until_closed(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit group after group until `close`; runs in the writer thread."""
        while not self._closing:
            self._write_group(loop, wait=True)
            backup, self._backup = self._backup, None
            if backup is not None:
                self._make_backup(backup.made, loop)
        self._database.disconnect()

    def _write_group(self, loop: asyncio.AbstractEventLoop, *, wait: bool) -> None:
        group = self._next_group(wait=wait)
        if group:
            error = self._commit(group)
            _call(loop, self._settle, group, error)

    def _next_group(self, *, wait: bool) -> list[_Write]:
        """Return the writes that wait, and note what comes after them: a backup, or the end."""
        group: list[_Write] = []
        with suppress(Empty):
            found = self._queue.get(block=wait)
            while isinstance(found, _Write):
                group.append(found)
                if len(group) == _MAX_GROUP:
                    return group
                found = self._queue.get_nowait()
            self._closing, self._backup = found is None, found
        return group

    def _make_backup(
        self, made: "asyncio.Future[BinaryIO]", loop: asyncio.AbstractEventLoop
    ) -> None:
        path = self._database.path
        copy: BinaryIO | StoreUnavailable
        try:
            connection = self._database.connected()
            copy = copy_database(
                connection,
                path.with_name(path.name + "-backup"),
                between_steps=lambda: self._write_between_steps(connection, loop),
            )
        except StoreUnavailable as error:
            copy = error
        except (sqlite3.Error, OSError) as error:
            copy = unavailable(self._database.path, error)
        _call(loop, self._settle_backup, made, copy)

    def _write_between_steps(
        self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._write_group(loop, wait=False)
        if self._closing:
            raise StoreUnavailable("yuptime-exporter is stopping")
        if self._database.connection is not connection:
            raise StoreUnavailable("a write failed while the database was copied")

    def _commit(self, group: Sequence[_Write]) -> StoreUnavailable | None:
        started = time.perf_counter()
        try:
            connection = self._database.connected()
            connection.execute("BEGIN IMMEDIATE")
            for write in group:
                write.stored = write.execute(connection)
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._metrics.errors.inc()
            self._database.disconnect()
            return unavailable(self._database.path, error)
        except StoreUnavailable as error:
            self._metrics.errors.inc()
            return error
        self._metrics.commit_duration_seconds.observe(time.perf_counter() - started)
        self._metrics.writes.inc(len(group))
        self._metrics.last_commit_timestamp_seconds.set(self._clock())
        return None

    def _settle(self, group: Sequence[_Write], error: StoreUnavailable | None) -> None:
        self._waiting -= len(group)
        for write in group:
            if write.saved.done():
                continue
            if error is None:
                write.saved.set_result(write.stored)
            else:
                write.saved.set_exception(error)

    def _settle_backup(
        self, made: "asyncio.Future[BinaryIO]", copy: BinaryIO | StoreUnavailable
    ) -> None:
        self._copying = False
        if isinstance(copy, StoreUnavailable):
            if not made.done():
                made.set_exception(copy)
        elif made.done():  # the client has left
            copy.close()
        else:
            made.set_result(copy)


def _call(loop: asyncio.AbstractEventLoop, settle: Callable[..., None], *results: Any) -> None:
    """Settle futures in the thread of their loop."""
    # The loop is closed already if a second signal interrupted the shutdown.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(settle, *results)
