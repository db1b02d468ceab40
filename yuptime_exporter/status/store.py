"""The store without a database, `--storage.url=kubernetes:`: pushes rest in the status of Monitors.

A push is durable once the API server has accepted the status that tells of it. Every replica sees
it through its watch, so that any of them may accept the next.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey, Noted, Outage, Restored, Row
from yuptime_exporter.kubernetes.errors import ApiError
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.status.body import stored_in
from yuptime_exporter.status.lease import ReceivingLease

PushWriter = Callable[[MonitorKey, LastPush], "asyncio.Future[LastPush]"]
Objects = Callable[[], Iterable[tuple[MonitorKey, MonitorObject]]]


class KubernetesStore:
    """A `Store` in the status of Monitors and in one Lease."""

    def __init__(
        self,
        *,
        listed: Callable[[], Awaitable[None]],
        objects: Objects,
        write_push: PushWriter,
        lease: ReceivingLease,
        metrics: StoreMetrics,
        clock: Clock,
    ) -> None:
        """Take where everything rests.

        Args:
            listed: returns when all Monitors are known.
            objects: returns all of them.
            write_push: writes a push into the status of its Monitor.
            lease: where it is noted that pushes can be received.
            metrics: what is counted.
            clock: gives the moment of the last write.
        """
        self._listed = listed
        self._objects = objects
        self._write_push = write_push
        self._lease = lease
        self._metrics = metrics
        self._clock = clock
        self._tasks: asyncio.TaskGroup | None = None

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Take who owns the writing of notes."""
        self._tasks = tasks

    async def restore(self) -> Restored:
        """Return what the status of all Monitors and the Lease remember."""
        noted = await self.noted()
        await self._listed()
        armings: dict[MonitorKey, Arming] = {}
        last_pushes: dict[MonitorKey, LastPush] = {}
        for key, found in self._objects():
            stored = stored_in(found.status)
            if stored.arming is not None:
                armings[key] = stored.arming
            if stored.last_push is not None:
                last_pushes[key] = stored.last_push
        return Restored(armings, last_pushes, noted.outages, noted.receiving_timestamp)

    def save_push(self, row: Row, push: LastPush) -> "asyncio.Future[LastPush]":
        """Store the newest push of a monitor, together with those that other replicas accepted."""
        began = time.perf_counter()
        saved = self._write_push(row.monitor.key, push)
        saved.add_done_callback(partial(self._count, began))
        return saved

    def save_changes(self, changes: Changes) -> "asyncio.Future[None]":  # noqa: ARG002
        """Do nothing: the reporter writes the status of each Monitor that has changed."""
        return _done()

    def save_receiving(
        self, timestamp: float, outages: Iterable[Outage] | None
    ) -> "asyncio.Task[None]":
        """Remember that pushes could be received at this moment, and the outages before it."""
        assert self._tasks is not None  # noqa: S101  `begin` came first
        began = time.perf_counter()
        noted = self._tasks.create_task(self._note(timestamp, outages), name="renew the Lease")
        noted.add_done_callback(partial(self._count, began))
        return noted

    async def noted(self) -> Noted:
        """Return what all replicas together have noted by now."""
        try:
            return await self._lease.read()
        except ApiError as error:
            raise StoreUnavailable(f"the Lease of the exporter cannot be read: {error}") from error

    async def close(self) -> None:
        """Do nothing: what was acknowledged is written."""

    def _count(self, began: float, saved: "asyncio.Future[Any]") -> None:
        if saved.cancelled():
            return
        if saved.exception() is not None:
            self._metrics.errors.inc()
            return
        self._metrics.commit_duration_seconds.observe(time.perf_counter() - began)
        self._metrics.writes.inc()
        self._metrics.last_commit_timestamp_seconds.set(self._clock())

    async def _note(self, timestamp: float, outages: Iterable[Outage] | None) -> None:
        try:
            await self._lease.note(timestamp, outages)
        except ApiError as error:
            raise StoreUnavailable(
                f"the Lease of the exporter cannot be renewed: {error}"
            ) from error


def _done() -> "asyncio.Future[None]":
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done
