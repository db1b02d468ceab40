"""Ports: the interfaces of sources, stores and sinks.

Every store implements `Store`, the three ports of a store together. A store that several replicas
share has two further duties. It hands every push and arming that another replica stored to the
function that adopts them (`engine.replication`): in any order, and as often as it likes, since a
replica keeps the newest. And `Store.restore` is how a replica catches up.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, BinaryIO, Final, Protocol, TypeVar, final

from yuptime_exporter.core.alerting import OutgoingAlert
from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.declared import MonitorSet
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import (
    LastPush,
    MonitorKey,
    Outage,
    Push,
    Row,
)
from yuptime_exporter.core.stored import Noted, Restored

Stored_co = TypeVar("Stored_co", covariant=True)


class MonitorSource(Protocol):
    """A source of monitors and tokens."""

    def watch(self) -> AsyncIterator[MonitorSet]:
        """Yield the complete set first, and again after each change, forever.

        A set is active by the time the next one is asked for.

        Raises:
            SourceUnusable: the source cannot be read at all; only before the first set.
        """

    async def refresh(self) -> None:
        """Look for changes now; return when they are active."""


class Saving(Awaitable[Stored_co], Protocol[Stored_co]):
    """A write on its way to the store; an `asyncio.Future` is one.

    It is done when the value survives a power loss. It fails with `StoreUnavailable`; then nothing
    of the write is known to be stored.
    """

    def result(self) -> Stored_co:
        """Return the value as it is stored."""

    def add_done_callback(self, fn: Callable[[Any], object], /) -> None:
        """Call `fn` with this saving once it is done, before a task that awaits it continues."""

    def exception(self) -> BaseException | None:
        """Return the reason of a failure; None after a success."""


@final
class PushSave:
    """Pushes to one monitor, to be stored together.

    Attributes:
        row: the monitor before the pushes.
        last_push: the last push after them, which continues `row.last_push`.
        pushes: the accepted pushes, in the order of their arrival; at least one.
    """

    __slots__ = ("last_push", "pushes", "row")

    def __init__(self, row: Row, last_push: LastPush, pushes: tuple[Push, ...]) -> None:
        self.row: Final = row
        self.last_push: Final = last_push
        self.pushes: Final = pushes


SettleSaves = Callable[[Sequence[PushSave], Sequence[LastPush] | StoreUnavailable], None]
"""Receives saves with the last pushes as they are stored, in the same order; or with the error of
all of them, of which nothing is known to be stored. Called by the event loop, never by
`save_pushes` itself, and before a task that waits for the same continues."""


class PushStore(Protocol):
    """The pushes to each monitor, stored."""

    def save_pushes(self, saves: Sequence[PushSave], settle: SettleSaves) -> None:
        """Store each last push in the place of the one that it continues: compare and set.

        A store that holds another push than `row.last_push` asks `push_order.push_to_store` which
        push to store. So an acknowledged push is neither lost nor counted twice.

        Args:
            saves: of different monitors.
            settle: called when saves are done, once for each save, in as few calls as the store
                can: a store that writes all of them at once calls it once.
        """


class ChangeStore(Protocol):
    """The changes that the table makes by itself, stored."""

    def save_changes(self, changes: Changes) -> Saving[None]:
        """Store all of these changes, or none."""


class ReceivingStore(Protocol):
    """The receiving log, stored: when was the exporter able to receive pushes?"""

    def save_receiving(self, timestamp: float, outages: Iterable[Outage] | None) -> Saving[None]:
        """Store that pushes could be received at this moment.

        Args:
            timestamp: now; an earlier moment never replaces a later one.
            outages: all outages, to be stored together with the moment; None: unchanged.
        """

    async def noted(self) -> Noted | None:
        """Return the receiving log of all replicas; None if no other replica can use this store.

        Raises:
            StoreUnavailable: the store cannot be read at present.
        """


class Store(PushStore, ChangeStore, ReceivingStore, Protocol):
    """A store of everything that survives a restart."""

    async def restore(self) -> Restored:
        """Return everything that is stored.

        Raises:
            StoreUnusable: it is corrupt, foreign or newer than this program; nothing was changed.
            StoreUnavailable: it may work later.
        """

    async def backup(self) -> BinaryIO:
        """Return a consistent copy of everything that is stored, as a file at its beginning.

        The caller closes it. Every write that was acknowledged before the call is in the copy.

        Raises:
            BackupUnsupported: this store is backed up in another way.
            StoreUnavailable: there is no copy this time.
        """

    async def close(self) -> None:
        """Finish all waiting writes, and release the store."""


class History(Protocol):
    """The last pushes to each monitor, for people to look at."""

    @property
    def limit(self) -> int:
        """How many pushes to each monitor are kept; 0: none."""

    @property
    def begin_timestamp(self) -> float | None:
        """The start of the exporter, before which nothing is known; None: a restart keeps all."""

    async def recent(
        self, keys: Iterable[MonitorKey], *, limit: int, messages: bool = True
    ) -> dict[MonitorKey, PastPushes]:
        """Return the last pushes to each of these monitors, in the order of the keys.

        Args:
            keys: of the monitors; those without a push are in the answer, too.
            limit: most pushes to each monitor.
            messages: False leaves the messages empty, which costs less.

        Raises:
            StoreUnavailable: the history cannot be read at present.
        """


class AlertSinks(Protocol):
    """The Alertmanagers, by the URLs that name them."""

    def offer(self, url: str, alerts: Sequence[OutgoingAlert]) -> None:
        """Queue alerts to be sent; never waits."""

    def keep_only(self, urls: Iterable[str]) -> None:
        """Drop all Alertmanagers except these and the configured ones."""
