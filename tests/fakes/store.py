"""A store in memory that saves when it is told to, and notes for several replicas."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.errors import BackupUnsupported, StoreUnavailable
from yuptime_exporter.core.model import LastPush, MonitorKey, Outage, Push
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.ports import PushSave, SettleSaves
from yuptime_exporter.core.stored import Noted, Restored


@dataclass(eq=False)
class Save:
    """Pushes that are to be saved, and the last push after them."""

    key: MonitorKey
    push: LastPush
    pushes: tuple[Push, ...]
    settle: Callable[[Sequence[LastPush] | StoreUnavailable], None]

    def succeed(self, stored: LastPush | None = None) -> None:
        self.settle([stored or self.push])

    def fail(self, error: StoreUnavailable | None = None) -> None:
        self.settle(error or StoreUnavailable("the disk is full"))


@dataclass
class Notes:
    """The receiving log of replicas that share a store."""

    receiving_timestamp: float | None = None
    outages: tuple[Outage, ...] = ()


@dataclass
class FakeStore:
    """A `Store` of one replica.

    Attributes:
        saves: pushes in the order of saving; the test decides the outcome of each.
        notes: the receiving log of all replicas with this store.
        shared: whether others can use it at all.
        unavailable: whether everything but pushes fails.
        changes_fail: whether changes fail.
        held: the outcome of the next changes; None: they are stored at once.
        changes: of the table, as they were to be saved, newest last.
    """

    notes: Notes = field(default_factory=Notes)
    shared: bool = False
    unavailable: bool = False
    changes_fail: bool = False
    held: "asyncio.Future[None] | None" = None
    saves: list[Save] = field(default_factory=list)
    changes: list[Changes] = field(default_factory=list)

    async def restore(self) -> Restored:
        return Restored({}, {}, self.notes.outages, self.notes.receiving_timestamp)

    def save_pushes(self, saves: Sequence[PushSave], settle: SettleSaves) -> None:
        for save in saves:
            settles = partial(settle, [save])
            one = Save(save.row.monitor.key, save.last_push, save.pushes, settles)
            self.saves.append(one)

    def save_changes(self, changes: Changes) -> "asyncio.Future[None]":
        self.changes.append(changes)
        if self.held is not None:
            return self.held
        return self._done(fails=self.changes_fail)

    def save_receiving(
        self, timestamp: float, outages: Iterable[Outage] | None
    ) -> "asyncio.Future[None]":
        if not self.unavailable:
            known = self.notes.receiving_timestamp
            self.notes.receiving_timestamp = max(timestamp, known or timestamp)
            if outages is not None:
                self.notes.outages = Outages((*self.notes.outages, *outages)).known
        return self._done()

    async def noted(self) -> Noted | None:
        if not self.shared:
            return None
        if self.unavailable:
            raise StoreUnavailable("the store cannot be asked")
        return Noted(self.notes.receiving_timestamp, self.notes.outages)

    async def backup(self) -> BinaryIO:
        raise BackupUnsupported("a fake has no file")

    async def close(self) -> None:
        pass

    def _done(self, *, fails: bool = False) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if fails or self.unavailable:
            done.set_exception(StoreUnavailable("the store fails"))
        else:
            done.set_result(None)
        return done
