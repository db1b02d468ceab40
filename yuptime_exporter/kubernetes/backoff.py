"""How long to wait before a request that failed is tried again."""

from collections.abc import Callable

# client-go, tools/cache/reflector.go: 800 ms, doubled up to 30 s, spread over as much again,
# and from the beginning after two minutes without a failure.
FIRST_SECONDS = 0.8
MAX_SECONDS = 30.0
FACTOR = 2.0
RESET_SECONDS = 120.0

# A server may ask for more patience than that, but cannot send us away.
MAX_ASKED_SECONDS = 300.0


class Backoff:
    """Waits longer with each failure, and never as long as all others do."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        """Take what spreads the waits: a number from 0 to 1, another each time."""
        self._jitter = jitter
        self._next_seconds = FIRST_SECONDS
        self._over_timestamp = float("-inf")

    def next_seconds(self, *, now_timestamp: float, at_least: float | None = None) -> float:
        """Return how long to wait after a failure now.

        Args:
            now_timestamp: the moment of the failure.
            at_least: what the server asked for; None where it did not.
        """
        if now_timestamp - self._over_timestamp >= RESET_SECONDS:
            self._next_seconds = FIRST_SECONDS
        spread_seconds = self._next_seconds * (1 + self._jitter())
        wait_seconds = max(spread_seconds, min(at_least or 0.0, MAX_ASKED_SECONDS))
        self._next_seconds = min(self._next_seconds * FACTOR, MAX_SECONDS)
        self._over_timestamp = now_timestamp + wait_seconds
        return wait_seconds
