"""Time that can be skipped: the exporter's clock and the timers of its event loop, moved together.

So the waits that the exporter really has, of up to some minutes, are tested without waiting.
"""

import asyncio
import time


class PassingTime:
    """The time of one test; it passes as usual, and in leaps."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._real = self._loop.time
        self._skipped_seconds = 0.0
        self._loop.time = self._loop_time  # type: ignore[method-assign]

    def __call__(self) -> float:
        """Return the moment, as the exporter reads its clock."""
        return round(time.time() + self._skipped_seconds, 6)  # noqa: TID251

    def skip(self, seconds: float) -> None:
        """Have everything be due that was to wait for no longer than this.

        Requests in flight at this moment exceed their time limit too.
        """
        self._skipped_seconds += seconds

    def restore(self) -> None:
        """Give the event loop its own time back."""
        self._loop.time = self._real  # type: ignore[method-assign]

    def _loop_time(self) -> float:
        return self._real() + self._skipped_seconds
