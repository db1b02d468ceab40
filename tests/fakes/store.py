"""A store in memory that saves when it is told to, and notes for several replicas."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey, Noted, Outage, Restored
from yuptime_exporter.core.outages import Outages


@dataclass(eq=False)
class Save:
    """A push that is to be saved."""

    key: MonitorKey
    push: LastPush
    saving: "asyncio.Future[LastPush | None]"

    def succeed(self, remembered: LastPush | None = None) -> None:
        self.saving.set_result(remembered)

    def fail(self, error: StoreUnavailable | None = None) -> None:
        self.saving.set_exception(error or StoreUnavailable("the disk is full"))


@dataclass
class Notes:
    """What replicas that share a store have noted in it."""

    receiving_timestamp: float | None = None
    outages: tuple[Outage, ...] = ()


@dataclass
class FakeStore:
    """A `PushStore` of one replica.

    Attributes:
        saves: pushes in the order in which they were to be saved; the test says what becomes of
            each.
        notes: what all replicas with this store have noted.
        shared: whether others can use it at all.
        unavailable: whether notes fail.
        states: armings that were saved, newest last.
    """

    notes: Notes = field(default_factory=Notes)
    shared: bool = False
    unavailable: bool = False
    saves: list[Save] = field(default_factory=list)
    states: list[Mapping[MonitorKey, Arming]] = field(default_factory=list)

    async def restore(self) -> Restored:
        return Restored({}, {}, self.notes.outages, self.notes.receiving_timestamp)

    def save_push(self, key: MonitorKey, push: LastPush) -> "asyncio.Future[LastPush | None]":
        save = Save(key, push, asyncio.get_running_loop().create_future())
        self.saves.append(save)
        return save.saving

    def save_state(
        self,
        *,
        armings: Mapping[MonitorKey, Arming],
        last_pushes: Mapping[MonitorKey, LastPush],  # noqa: ARG002
    ) -> "asyncio.Future[None]":
        self.states.append(armings)
        return self._done()

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

    async def close(self) -> None:
        pass

    def forget(self, keys: Iterable[MonitorKey]) -> "asyncio.Future[None]":  # noqa: ARG002
        return self._done()

    def _done(self) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.unavailable:
            done.set_exception(StoreUnavailable("the store fails"))
        else:
            done.set_result(None)
        return done
