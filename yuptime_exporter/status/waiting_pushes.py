"""Pushes that wait until the status that tells of them is written."""

import asyncio
from collections.abc import Container
from dataclasses import dataclass, field

from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import LastPush, MonitorKey
from yuptime_exporter.core.push_order import after_other_pushes

# As long as a push waits for its store, and therefore as old as one that waits here may become.
MAX_WAIT_SECONDS = 5.0

Saved = asyncio.Future[LastPush]


@dataclass(slots=True)
class Save:
    """A push that waits until it is written.

    Attributes:
        push: as it is to be remembered.
        base: the push that it continues; None: it is the first.
        saved: what is remembered in the end; whoever asked waits for it.
    """

    push: LastPush
    base: LastPush | None
    asked_timestamp: float
    saved: Saved = field(repr=False)

    def continue_from(self, found: LastPush | None) -> None:
        """Have the push continue what another replica is found to have accepted meanwhile."""
        if found is None:
            return
        push = after_other_pushes(self.push, self.base, found)
        if push is not self.push:
            self.push, self.base = push, found


class Saves:
    """All that wait, at most one for each monitor, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: dict[MonitorKey, Save] = {}
        self._unattended: dict[MonitorKey, None] = {}

    @property
    def unattended(self) -> int:
        """How many of them nobody has begun to write."""
        return len(self._unattended)

    def ask(
        self, key: MonitorKey, push: LastPush, base: LastPush | None, *, now_timestamp: float
    ) -> Saved:
        """Have a push wait; it fails at once if others wait for longer than is sensible."""
        saved: Saved = asyncio.get_running_loop().create_future()
        oldest = next(iter(self._waiting.values()), None)
        if oldest is not None and now_timestamp - oldest.asked_timestamp > MAX_WAIT_SECONDS:
            saved.set_exception(
                StoreUnavailable(
                    f"the API server is too slow: {len(self._waiting)} pushes wait to be written, "
                    f"the oldest for more than {MAX_WAIT_SECONDS:g} s"
                )
            )
            return saved
        self._waiting[key] = Save(push, base, now_timestamp, saved)
        self._unattended[key] = None
        return saved

    def of(self, key: MonitorKey) -> Save | None:
        """Return the push of a monitor that waits; None: there is none."""
        return self._waiting.get(key)

    def next(self, *, busy: Container[MonitorKey]) -> MonitorKey | None:
        """Return whose push is to be written next: the oldest of those that are not busy."""
        for key in self._unattended:
            if key not in busy:
                del self._unattended[key]
                return key
        return None

    def settle(self, key: MonitorKey, save: Save, error: StoreUnavailable | None) -> None:
        """Tell whoever waits for a push what became of it."""
        if self._waiting.get(key) is save:
            del self._waiting[key]
        if save.saved.done():  # nobody waits any more
            return
        if error is None:
            save.saved.set_result(save.push)
        else:
            save.saved.set_exception(error)
