"""The wait before a failed request is tried again."""

from collections.abc import Callable

# client-go, tools/cache/reflector.go: 800 ms, doubled up to 30 s, with a random part of the same
# size, and reset after 2 minutes without a failure.
FIRST_SECONDS = 0.8
MAX_SECONDS = 30.0
FACTOR = 2.0
RESET_SECONDS = 120.0

# A server may ask for a longer wait, up to this limit.
MAX_ASKED_SECONDS = 300.0


class Backoff:
    """Waits that double with each failure, randomly spread so that clients do not synchronize."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        """Start with the shortest wait; `jitter` returns a random number from 0 to 1."""
        self._jitter = jitter
        self._next_seconds = FIRST_SECONDS
        self._over_timestamp = float("-inf")

    def reset(self) -> None:
        """Begin with the shortest wait again, since something has worked."""
        self._next_seconds = FIRST_SECONDS

    def next_seconds(self, *, now_timestamp: float, at_least: float | None = None) -> float:
        """Return the wait after a failure, in seconds.

        Args:
            now_timestamp: the moment of the failure.
            at_least: the wait in seconds that the server asked for; None if it asked for none.
        """
        if now_timestamp - self._over_timestamp >= RESET_SECONDS:
            self._next_seconds = FIRST_SECONDS
        spread_seconds = self._next_seconds * (1 + self._jitter())
        wait_seconds = max(spread_seconds, min(at_least or 0.0, MAX_ASKED_SECONDS))
        self._next_seconds = min(self._next_seconds * FACTOR, MAX_SECONDS)
        self._over_timestamp = now_timestamp + wait_seconds
        return wait_seconds
