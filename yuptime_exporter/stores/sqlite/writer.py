"""The writer thread of the embedded store: group commits, and the work between them."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.stores.sqlite.backup import copy_database
from yuptime_exporter.stores.sqlite.database import Database, begin
from yuptime_exporter.stores.sqlite.diagnosis import unavailable
from yuptime_exporter.stores.sqlite.history import read_past
from yuptime_exporter.stores.sqlite.pushes import StoredPushes
from yuptime_exporter.stores.sqlite.rows import read, save_armings
from yuptime_exporter.stores.sqlite.upkeep import Upkeep

log = logging.getLogger(__name__)

# Larger transactions make a write no cheaper: measured, 256 writes cost the least.
_MAX_GROUP = 512


@dataclass(slots=True)
class Write:
    """A write that waits.

    Attributes:
        execute: changes the database, and returns what is then stored.
        settle: receives the stored value or the error, in the thread of the loop.
        size: how many monitors or notes are written.
        begins: whether `execute` itself begins the transaction that it needs.
        stored: what `execute` returned.
    """

    execute: Callable[[sqlite3.Connection], Any]
    settle: Callable[[Any], None]
    size: int = 1
    begins: bool = False
    stored: Any = None


@dataclass(frozen=True, slots=True)
class Job:
    """Other work for the writer thread, such as reading.

    Attributes:
        run: returns the result, or raises `StoreUnavailable`.
        done: the future of the result.
        dispose: frees a result that is no longer awaited.
    """

    run: Callable[[], Any]
    done: "asyncio.Future[Any]"
    dispose: Callable[[Any], None]


class Writer:
    """All that happens in the writer thread. The queue alone is used by other threads, too.

    Attributes:
        queue: what is to be done; None: commit all writes before it, and end.
        pushes: in the database.
    """

    def __init__(
        self,
        database: Database,
        *,
        history_limit: int,
        metrics: StoreMetrics,
        clock: Clock,
        settle: Callable[[list[Write], StoreUnavailable | None], None],
    ) -> None:
        """Open nothing yet.

        Args:
            database: to be opened.
            history_limit: how many pushes of each monitor are kept.
            metrics: of the store.
            clock: gives the moment of a commit.
            settle: called in the thread of the loop with each group, and the error if it failed.
        """
        self.queue: SimpleQueue[Write | Job | None] = SimpleQueue()
        self.pushes = StoredPushes(history_limit=history_limit, clock=clock)
        self._upkeep = Upkeep(self.pushes)
        self._database = database
        self._metrics = metrics
        self._clock = clock
        self._settle = settle
        self._closing = False
        self._known_connection: sqlite3.Connection | None = None
        self._upkeep_failures = FailureLog(
            log, "history cannot be cleaned up; pushes are stored", level=logging.ERROR
        )

    def open(self) -> Restored:
        """Open the database, and return everything that is stored.

        Raises:
            StoreUnusable: the file or its directory can never be used as it is.
            StoreUnavailable: it may work later.
        """
        connection = self._database.open()
        try:
            self._load(connection)
            return read(connection, self.pushes.last_pushes())
        except sqlite3.Error as error:
            self._database.disconnect()
            raise unavailable(self._database.path, error) from error

    def write_until_closed(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit group after group until the end of the queue."""
        while not self._closing:
            worked = self._take_turn(loop, wait=True)
            if self._upkeep.is_due(idle=not worked):
                self._keep_up()
        self._database.disconnect()

    def save_changes(self, connection: sqlite3.Connection, changes: Changes) -> None:
        """Store the changes of the table."""
        save_armings(connection, changes)
        self.pushes.correct(connection, changes.corrections)
        self.pushes.forget(connection, changes.forgotten.items())

    def past(self, key: MonitorKey, *, limit: int, messages: bool) -> PastPushes:
        """Return the last pushes to a monitor; see `History.recent`."""
        connection = self._connected()
        limit = min(limit, self.pushes.history_limit)
        return read_past(connection, self.pushes.of(key), limit=limit, messages=messages)

    def copy(self, loop: asyncio.AbstractEventLoop) -> BinaryIO:
        """Return a copy of the database, and commit writes while it is made.

        Raises:
            StoreUnavailable: there is no copy this time.
        """
        connection = self._connected()
        path = self._database.path

        def between_steps() -> None:
            self._take_turn(loop, wait=False)
            if self._closing:
                raise StoreUnavailable("yuptime-exporter is stopping")
            if self._database.connection is not connection:
                raise StoreUnavailable("a write failed while the database was copied")

        return copy_database(
            connection, path.with_name(path.name + "-backup"), between_steps=between_steps
        )

    def _take_turn(self, loop: asyncio.AbstractEventLoop, *, wait: bool) -> bool:
        """Commit the writes that wait, and do the job after them; return whether there was any."""
        group, job = self._next_group(wait=wait)
        if group:
            error = self._commit(group)
            _call(loop, self._settle, group, error)
        if job is not None:
            self._do(job, loop)
        return bool(group) or job is not None

    def _next_group(self, *, wait: bool) -> tuple[list[Write], Job | None]:
        """Return the writes that wait, and the job after them; note the end."""
        group: list[Write] = []
        size = 0
        try:
            item = self.queue.get(block=wait, timeout=self._upkeep.idle_seconds)
        except Empty:
            return group, None
        while isinstance(item, Write):
            group.append(item)
            size += item.size
            if size >= _MAX_GROUP or self.queue.empty():  # no other thread takes from the queue
                return group, None
            item = self.queue.get_nowait()
        self._closing = item is None
        return group, item

    def _do(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        result: Any
        try:
            result = job.run()
        except StoreUnavailable as error:
            result = error
        except (sqlite3.Error, OSError) as error:
            result = unavailable(self._database.path, error)
        _call(loop, _settle_job, job, result)

    def _commit(self, group: Sequence[Write]) -> StoreUnavailable | None:
        started = time.perf_counter()
        try:
            connection = self._connected()
            for write in group:
                if not write.begins:
                    begin(connection)
                write.stored = write.execute(connection)
            self.pushes.finish(connection)
        except (sqlite3.Error, OSError) as error:
            self._metrics.errors.inc()
            self._database.disconnect()
            self.pushes.rolled_back()
            return unavailable(self._database.path, error)
        except StoreUnavailable as error:
            self._metrics.errors.inc()
            return error
        self.pushes.committed()
        self._metrics.commit_duration_seconds.observe(time.perf_counter() - started)
        self._metrics.writes.inc(sum(write.size for write in group))
        self._metrics.last_commit_timestamp_seconds.set(self._clock())
        return None

    def _keep_up(self) -> None:
        """Make a step of the upkeep; an error costs nothing but the step."""
        try:
            self._upkeep.step(self._connected())
        except (sqlite3.Error, OSError) as error:
            self._database.disconnect()
            failure = unavailable(self._database.path, error)
            self._metrics.upkeep_failures.inc()
            self._upkeep_failures.failed(failure, **failure.log_fields)
        except StoreUnavailable as error:
            self._metrics.upkeep_failures.inc()
            self._upkeep_failures.failed(error, **error.log_fields)
        else:
            self._upkeep_failures.recovered()

    def _connected(self) -> sqlite3.Connection:
        """Return a connection to a database that holds the known pushes."""
        connection = self._database.connected()
        if connection is not self._known_connection:
            if not self.pushes.is_as_in(connection):
                self._load(connection)
            self._known_connection = connection
        return connection

    def _load(self, connection: sqlite3.Connection) -> None:
        self.pushes.load(connection)
        self._upkeep.load(connection)
        self._known_connection = connection


def _settle_job(job: Job, result: Any) -> None:
    if job.done.done():  # nobody waits for it any more
        if not isinstance(result, StoreUnavailable):
            job.dispose(result)
    elif isinstance(result, StoreUnavailable):
        job.done.set_exception(result)
    else:
        job.done.set_result(result)


def _call(loop: asyncio.AbstractEventLoop, settle: Callable[..., None], *results: Any) -> None:
    """Settle futures in the thread of their loop."""
    # The loop is closed already if a second signal interrupted the shutdown.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(settle, *results)
