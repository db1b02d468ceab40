"""Time that can be skipped: the exporter's clock and the timers of its event loop, moved together.

So the waits that the exporter really has, of up to some minutes, are tested without waiting.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

SLOWNESS = 10


class PassingTime:
    """The time of one test; it passes as usual, and in leaps."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._real = self._loop.time
        self._skipped_seconds = 0.0
        self._lost_seconds = 0.0
        self._slow_since: float | None = None
        self._loop.time = self._loop_time  # type: ignore[method-assign]

    def __call__(self) -> float:
        """Return the moment, as the exporter reads its clock."""
        return round(time.time() + self._skipped_seconds, 6)  # noqa: TID251

    def skip(self, seconds: float) -> None:
        """Have everything be due that was to wait for no longer than this.

        Requests in flight at this moment exceed their time limit too.
        """
        self._skipped_seconds += seconds

    @contextmanager
    def slowed(self) -> Iterator[None]:
        """Let the timers of the event loop run slowly.

        So a busy machine may take long for what has to happen before a limit.
        """
        self._slow_since = self._real()
        try:
            yield
        finally:
            self._lost_seconds, self._slow_since = self._lost(self._real()), None

    def restore(self) -> None:
        """Give the event loop its own time back."""
        self._loop.time = self._real  # type: ignore[method-assign]

    def _loop_time(self) -> float:
        real = self._real()
        return real - self._lost(real) + self._skipped_seconds

    def _lost(self, real: float) -> float:
        """Return the seconds that the event loop is behind, apart from what was skipped."""
        if self._slow_since is None:
            return self._lost_seconds
        return self._lost_seconds + (real - self._slow_since) * (1 - 1 / SLOWNESS)
