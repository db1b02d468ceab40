"""The last pushes to each monitor since the start of the exporter, in memory."""

import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.messages import shown_message
from yuptime_exporter.core.model import MonitorKey, Push

# 100,000 pushes without a message: the last ten of 10,000 monitors.
MAX_BYTES = 32 * 1024 * 1024

# Of a push without its message, measured with CPython 3.11.
_PUSH_BYTES = 330


@dataclass(slots=True)
class _Held:
    """The pushes to one monitor, the oldest first.

    Attributes:
        bytes: about the memory that they take.
        cut_timestamp: when the newest dropped push was received; None: none was dropped.
    """

    pushes: deque[Push] = field(default_factory=deque)
    bytes: int = 0
    cut_timestamp: float | None = None

    def drop_oldest(self) -> int:
        """Drop a push; return how many bytes that frees."""
        oldest = self.pushes.popleft()
        self.cut_timestamp = oldest.received_timestamp
        size = _size(oldest)
        self.bytes -= size
        return size


class MemoryHistory:
    """A `History` of limited size. For the event loop's thread only.

    All monitors share the memory. If it is full, those that hold more than an equal share lose
    their oldest push. Messages are as short as in the status of a Monitor.
    """

    def __init__(self, *, limit: int, clock: Clock, max_bytes: int = MAX_BYTES) -> None:
        """Begin now.

        Args:
            limit: most pushes to each monitor.
            clock: gives the moment of the begin.
            max_bytes: most memory, about.
        """
        self._limit = limit
        self._max_bytes = max_bytes
        self._begin_timestamp = clock()
        self._held: dict[MonitorKey, _Held] = {}
        self._turns: deque[MonitorKey] = deque()
        self._bytes = 0

    @property
    def limit(self) -> int:
        """How many pushes to each monitor are kept; 0: none."""
        return self._limit

    @property
    def begin_timestamp(self) -> float:
        """The start of the exporter, before which nothing is known."""
        return self._begin_timestamp

    async def recent(
        self, keys: Iterable[MonitorKey], *, limit: int, messages: bool = True
    ) -> dict[MonitorKey, PastPushes]:
        """Return the last pushes to each of these monitors."""
        return {key: self._recent(key, limit, messages=messages) for key in keys}

    def add(self, key: MonitorKey, push: Push) -> None:
        """Add a push.

        A push that this replica accepted may be known already, as the last push that the API server
        reported. Then the accepted one, of which more is known, takes its place.
        """
        if self._limit == 0:
            return
        push = push.replace(message=shown_message(push.message))
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = _Held()
            self._turns.append(key)
        if held.pushes and _is_same(held.pushes[-1], push):
            if not push.dialect:
                return
            self._change(held, -_size(held.pushes.pop()))
        held.pushes.append(push)
        self._change(held, _size(push))
        if len(held.pushes) > self._limit:
            self._bytes -= held.drop_oldest()
        while self._bytes > self._max_bytes:
            self._drop_one()

    def forget(self, key: MonitorKey, *, before_timestamp: float) -> None:
        """Drop the pushes to a monitor from before a moment: they were to a deleted object."""
        held = self._held.get(key)
        while held and held.pushes and held.pushes[0].received_timestamp < before_timestamp:
            self._bytes -= held.drop_oldest()
        if held and not held.pushes:
            del self._held[key]
            self._turns.remove(key)

    def _recent(self, key: MonitorKey, limit: int, *, messages: bool) -> PastPushes:
        held = self._held.get(key)
        if held is None:
            return PastPushes((), self._begin_timestamp)
        newest = islice(reversed(held.pushes), limit)
        pushes = tuple(push if messages else push.replace(message="") for push in newest)
        if pushes and (held.cut_timestamp or len(pushes) < len(held.pushes)):
            return PastPushes(pushes, pushes[-1].received_timestamp)
        newest_timestamp = held.pushes[-1].received_timestamp if held.pushes else None
        complete_after = held.cut_timestamp if pushes else newest_timestamp or held.cut_timestamp
        return PastPushes(pushes, complete_after or self._begin_timestamp)

    def _change(self, held: _Held, size: int) -> None:
        held.bytes += size
        self._bytes += size

    def _drop_one(self) -> None:
        """Drop the oldest push of the next monitor that holds more than an equal share."""
        share = self._max_bytes / len(self._held)
        while True:
            held = self._held[self._turns[0]]
            self._turns.rotate(-1)
            if held.bytes > share:
                self._bytes -= held.drop_oldest()
                return


def _size(push: Push) -> int:
    return _PUSH_BYTES + sys.getsizeof(push.message)


def _is_same(known: Push, push: Push) -> bool:
    return known.received_timestamp == push.received_timestamp and known.kind is push.kind
