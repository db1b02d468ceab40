"""One time limit for many connections, with one timer."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Connections that wait, in the order of their deadlines.

    A timer for each connection would cost as much as reading a request.
    """

    def __init__(self, seconds: float, overdue: Callable[[T], None]) -> None:
        """Watch nothing yet.

        Args:
            seconds: how long a connection may wait.
            overdue: called with each connection that waited for longer, which is forgotten.
        """
        self._seconds = seconds
        self._overdue = overdue
        self._loop = asyncio.get_running_loop()
        self._deadlines: dict[T, float] = {}  # the oldest first
        self._timer: asyncio.TimerHandle | None = None  # of the oldest, or of an older one

    def begin(self, connection: T) -> None:
        """Let the time of a connection begin, which is not watched yet."""
        deadline = self._loop.time() + self._seconds
        self._deadlines[connection] = deadline
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._look)

    def end(self, connection: T) -> None:
        """Forget a connection, if it is watched."""
        self._deadlines.pop(connection, None)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._deadlines:
            oldest, deadline = next(iter(self._deadlines.items()))
            if deadline > now:
                self._timer = self._loop.call_at(deadline, self._look)
                return
            del self._deadlines[oldest]
            self._overdue(oldest)
