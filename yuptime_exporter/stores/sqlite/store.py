"""The embedded store: SQLite in WAL mode, one writer thread, group commit.

While one group of writes is committed, the next one gathers. So under load a push costs a fraction
of an fsync, and without load one fsync. A delay for gathering only adds latency: measured, 2 ms with
32 waiting writers cost four fifths of the rate.
"""

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import LastPush, Outage, Restored, Row
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.stores.sqlite.diagnosis import check_folder, refused, unavailable
from yuptime_exporter.stores.sqlite.rows import read, save_changes, save_push, save_receiving
from yuptime_exporter.stores.sqlite.schema import (
    LOCK_TIMEOUT_SECONDS,
    inspect,
    migrate,
)

log = logging.getLogger(__name__)

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
            makes_folder: whether the folder of the file is made. Otherwise it must be there, so
                that a mistyped path is refused and does not start an empty store.
        """
        self._path = path
        self._makes_folder = makes_folder
        self._metrics = metrics
        self._clock = clock
        self._queue: SimpleQueue[_Write | None] = SimpleQueue()
        self._waiting = 0
        self._connection: sqlite3.Connection | None = None
        self._file_id: tuple[int, int] | None = None
        self._writer: threading.Thread | None = None
        metrics.queue_capacity.set(QUEUE_CAPACITY)
        metrics.queue_length.set_function(lambda: self._waiting)

    async def restore(self) -> Restored:
        """Open the file, or create it, and return everything that is stored."""
        restored = await asyncio.to_thread(self._open_and_read)
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

    def save_push(self, row: Row, push: LastPush) -> "asyncio.Future[LastPush]":
        """Store the newest push of a monitor; the result is the stored push."""
        return self._save(lambda c: save_push(c, row, push, now_timestamp=self._clock()))

    def save_changes(self, changes: Changes) -> "asyncio.Future[None]":
        """Store all changes of the table, or none."""
        return self._save(lambda c: save_changes(c, changes))

    def save_receiving(
        self, timestamp: float, outages: Iterable[Outage] | None
    ) -> "asyncio.Future[None]":
        """Store when pushes could last be received, and all outages; None: unchanged."""
        return self._save(lambda c: save_receiving(c, timestamp, outages))

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
        more = True
        while more:
            group, more = self._next_group()
            if group:
                error = self._commit(group)
                # The loop is closed already if a second signal interrupted the shutdown.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._settle, group, error)
        self._disconnect()

    def _next_group(self) -> tuple[list[_Write], bool]:
        """Wait for writes; return them, and whether more can follow."""
        group: list[_Write] = []
        with suppress(Empty):
            write = self._queue.get()
            while write is not None:
                group.append(write)
                if len(group) == _MAX_GROUP:
                    return group, True
                write = self._queue.get_nowait()
            return group, False
        return group, True

    def _commit(self, group: Sequence[_Write]) -> StoreUnavailable | None:
        started = time.perf_counter()
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            for write in group:
                write.stored = write.execute(connection)
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._metrics.errors.inc()
            self._disconnect()
            return unavailable(self._path, error)
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

    def _open_and_read(self) -> Restored:
        try:
            if self._makes_folder:
                self._path.parent.mkdir(exist_ok=True)
            check_folder(self._path)
            inspect(self._path)
            is_new = not self._path.exists() or not self._path.stat().st_size
            # Messages of jobs may be confidential. SQLite gives the write-ahead log the same mode.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._file_id = _file_id(self._path)
            connection = self._connected()
            migrate(connection, self._path)
            if is_new:
                log.info("new database created", extra={"path": str(self._path.absolute())})
            return read(connection)
        except (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise refused(self._path, error) from error
        except (sqlite3.Error, OSError) as error:
            self._disconnect()
            raise unavailable(self._path, error) from error

    def _connected(self) -> sqlite3.Connection:
        """Return the connection; after a failure it is opened again.

        Raises:
            StoreUnavailable: the file was moved or deleted while it was open, so that a write to it
                would be lost.
        """
        if self._file_id != _file_id(self._path):
            self._disconnect()
            raise StoreUnavailable(
                "the database was moved or deleted while in use; put it back, or restart "
                "yuptime-exporter to use the file that is there now",
                place=self._path,
            )
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=LOCK_TIMEOUT_SECONDS,
            isolation_level=None,  # this file begins and ends transactions
            check_same_thread=False,  # `restore` opens it, then only the writer thread uses it
        )
        try:
            # Two exporters on one file would overwrite each other's pushes.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error as error:
                log.warning("store was not closed cleanly", extra={"err": str(error)})


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
