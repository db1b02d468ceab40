"""A token bucket for each monitor: bursts pass, a runaway loop does not."""

from collections.abc import Callable
from dataclasses import dataclass

from yuptime_exporter.core.model import MonitorKey

# A burst is added up from floats: a token that lacks so small a part is whole.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One push each `interval_seconds` in the long run, `burst` at once; 0 seconds: no limit."""

    interval_seconds: float = 1.0
    burst: int = 10


class RateLimiter:
    """Token buckets, each two numbers: what it lacks, in seconds of refilling, and as of when."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._lacking: dict[MonitorKey, tuple[float, float]] = {}

    def wait_seconds(self, key: MonitorKey, *, now_timestamp: float) -> float:
        """Take one token and return 0, or take none and return when there will be one.

        A clock that was set back cannot lock a monitor out: a bucket never lacks more than it
        can hold.
        """
        lacking, as_of = self._lacking.get(key, (0.0, now_timestamp))
        lacking = min(lacking, self.limit.interval_seconds * self.limit.burst)
        lacking = max(0.0, lacking - max(0.0, now_timestamp - as_of))
        wait = lacking + self.limit.interval_seconds * (1 - self.limit.burst)
        refused = wait > _ROUNDING * self.limit.interval_seconds
        taken = 0.0 if refused else self.limit.interval_seconds
        self._lacking[key] = (lacking + taken, now_timestamp)
        return wait if refused else 0.0

    def forget_unless(self, is_known: Callable[[MonitorKey], bool]) -> None:
        """Keep the buckets of known monitors only."""
        for key in [key for key in self._lacking if not is_known(key)]:
            del self._lacking[key]
