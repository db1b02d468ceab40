"""What the engine needs of the world: sources, stores and the clock."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from yuptime_exporter.core.alerting import OutgoingAlert
from yuptime_exporter.core.model import (
    Arming,
    LastPush,
    MonitorKey,
    MonitorSet,
    Noted,
    Outage,
    Restored,
)


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


class Saving(Awaitable[object], Protocol):
    """A value on its way to the store; an `asyncio.Future` is one.

    Done when the value survives a power loss. Fails with `StoreUnavailable`; then nothing of
    that call is stored.
    """

    def result(self) -> object:
        """Return, of a push, what is remembered if that is not what was to be saved; or None."""

    def add_done_callback(self, fn: Callable[[Any], object], /) -> None:
        """Call `fn` with this saving once it is done, before whoever awaits it goes on."""

    def exception(self) -> BaseException | None:
        """Return why it failed; None if it succeeded."""


class PushStore(Protocol):
    """Where last pushes rest."""

    async def restore(self) -> Restored:
        """Return everything that is remembered.

        Raises:
            StoreUnusable: corrupt, foreign or newer; nothing was touched.
            StoreUnavailable: it may work later.
        """

    def save_push(self, key: MonitorKey, push: LastPush) -> Saving:
        """Remember the newest push of a monitor, unless a newer one is remembered already."""

    def save_state(
        self,
        *,
        armings: Mapping[MonitorKey, Arming],
        last_pushes: Mapping[MonitorKey, LastPush],
    ) -> Saving:
        """Remember all of these, or none; never a push in the place of a newer one."""

    def save_receiving(self, timestamp: float, outages: Iterable[Outage] | None) -> Saving:
        """Remember that pushes could be received at this moment.

        Args:
            timestamp: the moment.
            outages: all that there were, to be remembered with it; None: no change.
        """

    async def noted(self) -> Noted | None:
        """Return what replicas have noted by now; None where no other can use this store.

        Raises:
            StoreUnavailable: it cannot be known at present.
        """

    async def close(self) -> None:
        """Make durable what waits, and let go."""

    def forget(self, keys: Iterable[MonitorKey]) -> Saving:
        """Forget all that is known of these monitors."""


class AlertSinks(Protocol):
    """Those who are told of alerts, by the URLs that name them."""

    def offer(self, url: str, alerts: Sequence[OutgoingAlert]) -> None:
        """Take over alerts to be sent; never waits."""

    def keep_only(self, urls: Iterable[str]) -> None:
        """Forget all URLs but these and the configured ones."""
