"""What the engine needs of the world: sources, stores and the clock."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from yuptime_exporter.core.alerting import OutgoingAlert
from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.model import LastPush, MonitorSet, Noted, Outage, Restored, Row

Stored_co = TypeVar("Stored_co", covariant=True)


class MonitorSource(Protocol):
    """Where monitors and tokens come from."""

    def watch(self) -> AsyncIterator[MonitorSet]:
        """Yield the complete set first, and again after each change, forever.

        The receiver of a set has put it into force when it asks for the next.

        Raises:
            SourceUnusable: the source cannot be read at all; only before the first set.
        """

    async def refresh(self) -> None:
        """Look for changes now; return when what was found is in force."""


class Saving(Awaitable[Stored_co], Protocol[Stored_co]):
    """A write on its way to the store; an `asyncio.Future` is one.

    Done when the value survives a power loss. Fails with `StoreUnavailable`; then nothing of
    that write is stored.
    """

    def result(self) -> Stored_co:
        """Return what the store holds now."""

    def add_done_callback(self, fn: Callable[[Any], object], /) -> None:
        """Call `fn` with this saving once it is done, before a task that awaits it continues."""

    def exception(self) -> BaseException | None:
        """Return why it failed; None if it succeeded."""


class PushStore(Protocol):
    """The store of the last push of each monitor, of armings, and of the log of receiving."""

    async def restore(self) -> Restored:
        """Return everything that is stored.

        Raises:
            StoreUnusable: corrupt, foreign or newer; nothing was touched.
            StoreUnavailable: it may work later.
        """

    def save_push(self, row: Row, push: LastPush) -> Saving[LastPush]:
        """Store the newest push of a monitor; every push that is stored counts.

        The result is `push`, or what becomes of it together with a push that another replica
        stored in between (see `push_order.push_to_store`). A push that succeeds is never dropped:
        a store that holds something else than `row.last_push` finds out what to do about it.

        Args:
            row: the monitor as it was before the push.
            push: the accepted push, which continues `row.last_push`.
        """

    def save_changes(self, changes: Changes) -> Saving[None]:
        """Store all of these changes, or none."""

    def save_receiving(self, timestamp: float, outages: Iterable[Outage] | None) -> Saving[None]:
        """Store that pushes could be received at this moment.

        Args:
            timestamp: the moment; it never replaces a later one.
            outages: all of them, to be stored together with it; None: no change.
        """

    async def noted(self) -> Noted | None:
        """Return what replicas have noted by now; None where no other can use this store.

        Raises:
            StoreUnavailable: it cannot be known at present.
        """

    async def close(self) -> None:
        """Make durable what waits, and let go."""


class AlertSinks(Protocol):
    """Those who are told of alerts, by the URLs that name them."""

    def offer(self, url: str, alerts: Sequence[OutgoingAlert]) -> None:
        """Take over alerts to be sent; never waits."""

    def keep_only(self, urls: Iterable[str]) -> None:
        """Forget all URLs but these and the configured ones."""
