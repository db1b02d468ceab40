"""Pushes that wait until the status of their Monitor is written."""

import asyncio
from collections.abc import Container
from dataclasses import dataclass, field

from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import LastPush, MonitorKey, Row
from yuptime_exporter.core.push_order import after_other_pushes, in_order

Saved = asyncio.Future[LastPush]


@dataclass(slots=True)
class WaitingPush:
    """A push that waits to be written.

    Attributes:
        push: the push as it will be stored.
        base: the stored push that it continues; None: it is the first.
        saved: the result is the stored push.
    """

    push: LastPush
    base: LastPush | None
    asked_timestamp: float
    saved: Saved = field(repr=False)

    def continue_from(self, found: LastPush | None, *, now_timestamp: float) -> None:
        """Continue the push that another replica stored while this one waited; None: there is none.

        The stored push is this one if the answer to its write was lost. It is not counted again.
        """
        if found is not None and found != self.push:
            push = after_other_pushes(self.push, self.base, found)
            if push is not self.push:
                self.push, self.base = push, found
        self.push = in_order(self.push, self.base, now_timestamp=now_timestamp)


class WaitingPushes:
    """All waiting pushes in their order of arrival, at most one for each monitor."""

    def __init__(self, *, max_wait_seconds: float) -> None:
        """Start empty; a push fails at once while another has waited for longer than this."""
        self._max_wait_seconds = max_wait_seconds
        self._waiting: dict[MonitorKey, WaitingPush] = {}
        self._unattended: dict[MonitorKey, None] = {}

    @property
    def unattended(self) -> int:
        """The number of pushes without a write."""
        return len(self._unattended)

    def add(self, row: Row, push: LastPush, *, now_timestamp: float) -> Saved:
        """Add a push; return the future of the stored push.

        Args:
            row: the monitor before the push.
            push: continues `row.last_push`.
            now_timestamp: the begin of its wait.
        """
        saved: Saved = asyncio.get_running_loop().create_future()
        oldest = next(iter(self._waiting.values()), None)
        if oldest is not None and now_timestamp - oldest.asked_timestamp > self._max_wait_seconds:
            saved.set_exception(
                StoreUnavailable(
                    f"the API server is too slow: {len(self._waiting)} pushes wait to be written, "
                    f"the oldest for more than {self._max_wait_seconds:g} s"
                )
            )
            return saved
        key = row.monitor.key
        self._waiting[key] = WaitingPush(push, row.last_push, now_timestamp, saved)
        self._unattended[key] = None
        return saved

    def of(self, key: MonitorKey) -> WaitingPush | None:
        """Return the waiting push of a monitor; None: there is none."""
        return self._waiting.get(key)

    def next(self, *, busy: Container[MonitorKey]) -> MonitorKey | None:
        """Return the monitor of the oldest push without a write; None: there is none.

        Args:
            busy: monitors that are being written.
        """
        for key in self._unattended:
            if key not in busy:
                del self._unattended[key]
                return key
        return None

    def settle(self, key: MonitorKey, waiting: WaitingPush, error: Exception | None) -> None:
        """Finish the wait of a push: it is stored, or there is an error."""
        if self._waiting.get(key) is waiting:
            del self._waiting[key]
        if waiting.saved.done():  # the caller was cancelled
            return
        if error is None:
            waiting.saved.set_result(waiting.push)
        else:
            waiting.saved.set_exception(error)
