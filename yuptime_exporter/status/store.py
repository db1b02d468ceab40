"""The store without a database, `--storage.url=kubernetes:`: pushes in the status of Monitors.

A push is durable once the API server has accepted the status that contains it. Every replica reads
it through its watch, so that any replica may accept the next push.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, BinaryIO

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import BackupUnsupported, StoreUnavailable
from yuptime_exporter.core.messages import shown_message
from yuptime_exporter.core.model import (
    Arming,
    LastPush,
    MonitorKey,
    Outage,
    Push,
)
from yuptime_exporter.core.ports import PushSave, SettleSaves
from yuptime_exporter.core.stored import Noted, Restored
from yuptime_exporter.kubernetes.errors import ApiError
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.status.body import stored_in
from yuptime_exporter.status.lease import ReceivingLease
from yuptime_exporter.status.reporter import Reporter
from yuptime_exporter.stores.memory.history import MemoryHistory

Objects = Callable[[], Awaitable[Iterable[tuple[MonitorKey, MonitorObject]]]]


class StatusStore:
    """A `Store` in the status of Monitors, with the log of receiving in a Lease."""

    def __init__(
        self,
        reporter: Reporter,
        history: MemoryHistory,
        *,
        objects: Objects,
        lease: ReceivingLease,
        metrics: StoreMetrics,
        clock: Clock,
    ) -> None:
        """Read and write nothing yet.

        Args:
            reporter: writes pushes into the status of their Monitors.
            history: notes the pushes, since a status has room for the last one only.
            objects: returns all Monitors, once they were listed.
            lease: contains the log of receiving.
            metrics: counts writes and failures.
            clock: the wall clock.
        """
        self._reporter = reporter
        self._history = history
        self._objects = objects
        self._lease = lease
        self._metrics = metrics
        self._clock = clock
        self._tasks: asyncio.TaskGroup | None = None

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Start writes to the Lease in this group."""
        self._tasks = tasks

    async def restore(self) -> Restored:
        """Return the pushes and armings in all Monitors, and the log of receiving."""
        noted = await self.noted()
        armings: dict[MonitorKey, Arming] = {}
        last_pushes: dict[MonitorKey, LastPush] = {}
        for key, found in await self._objects():
            stored = stored_in(found.status)
            if stored.arming is not None:
                armings[key] = stored.arming
            if stored.last_push is not None:
                last_pushes[key] = stored.last_push
        return Restored(armings, last_pushes, noted.outages, noted.receiving_timestamp)

    def save_pushes(self, saves: Sequence[PushSave], settle: SettleSaves) -> None:
        """Store the newest push of each monitor, together with those that other replicas stored.

        Each is settled by itself, so that no monitor waits for another. A status contains a
        shortened message: this replica then shows what the others read.
        """
        for save in saves:
            began = time.perf_counter()
            push = save.last_push.replace(message=shown_message(save.last_push.message))
            saved = self._reporter.save_push(save.row, push)
            saved.add_done_callback(partial(self._count, began))
            saved.add_done_callback(
                partial(self._note_in_history, save.row.monitor.key, save.pushes)
            )
            saved.add_done_callback(partial(_settle, save, settle))

    def save_changes(self, changes: Changes) -> "asyncio.Future[None]":
        """Store nothing: the reporter writes the status of each Monitor that has changed."""
        for key, before_timestamp in changes.forgotten.items():
            self._history.forget(key, before_timestamp=before_timestamp)
        return _done()

    def save_receiving(
        self, timestamp: float, outages: Iterable[Outage] | None
    ) -> "asyncio.Task[None]":
        """Note that pushes could be received at this moment, and the outages before it."""
        assert self._tasks is not None  # noqa: S101  `begin` came first
        began = time.perf_counter()
        noted = self._tasks.create_task(self._note(timestamp, outages), name="renew the Lease")
        noted.add_done_callback(partial(self._count, began))
        return noted

    async def noted(self) -> Noted:
        """Return the notes of all replicas."""
        try:
            return await self._lease.read()
        except ApiError as error:
            raise StoreUnavailable(f"the Lease of the exporter cannot be read: {error}") from error

    async def backup(self) -> BinaryIO:
        """Refuse: the statuses are in the cluster's own backup."""
        raise BackupUnsupported(
            "pushes are stored in the status of Monitors: back up the objects of the cluster"
        )

    async def close(self) -> None:
        """Do nothing: each acknowledged push is written."""

    def _count(self, began: float, saved: "asyncio.Future[Any]") -> None:
        if saved.cancelled():
            return
        if saved.exception() is not None:
            self._metrics.errors.inc()
            return
        self._metrics.commit_duration_seconds.observe(time.perf_counter() - began)
        self._metrics.writes.inc()
        self._metrics.last_commit_timestamp_seconds.set(self._clock())

    def _note_in_history(
        self, key: MonitorKey, pushes: tuple[Push, ...], saved: "asyncio.Future[LastPush]"
    ) -> None:
        if not saved.cancelled() and saved.exception() is None:
            for push in pushes:
                self._history.add(key, push)

    async def _note(self, timestamp: float, outages: Iterable[Outage] | None) -> None:
        try:
            await self._lease.note(timestamp, outages)
        except ApiError as error:
            raise StoreUnavailable(
                f"the Lease of the exporter cannot be renewed: {error}"
            ) from error


def _settle(save: PushSave, settle: SettleSaves, saved: "asyncio.Future[LastPush]") -> None:
    if saved.cancelled():
        return
    error = saved.exception()
    if error is None:
        settle([save], [saved.result()])
    elif isinstance(error, StoreUnavailable):
        settle([save], error)
    else:
        raise error


def _done() -> "asyncio.Future[None]":
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done
