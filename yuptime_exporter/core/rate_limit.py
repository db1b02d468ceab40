"""A token bucket for each monitor: bursts pass, a runaway loop does not."""

from dataclasses import dataclass

from yuptime_exporter.core.model import MonitorKey


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One push each `interval_seconds` in the long run, `burst` at once; 0 seconds: no limit."""

    interval_seconds: float = 1.0
    burst: int = 10


class RateLimiter:
    """Token buckets, each one number: the moment at which it will be full again (GCRA)."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._full_timestamps: dict[MonitorKey, float] = {}

    def wait_seconds(self, key: MonitorKey, *, now_timestamp: float) -> float:
        """Take one token and return 0, or take none and return when there will be one.

        A bucket that lacks more than it can hold was last used under a clock that has since been
        set back: it counts as full, so that no monitor is locked out.
        """
        interval = self.limit.interval_seconds
        most_lacking = interval * self.limit.burst
        full = self._full_timestamps.get(key, now_timestamp)
        if not now_timestamp < full <= now_timestamp + most_lacking:
            full = now_timestamp
        full += interval
        wait = full - now_timestamp - most_lacking
        if wait > 0:
            return wait
        self._full_timestamps[key] = full
        return 0.0

    def forget_all_but(self, keys: frozenset[MonitorKey]) -> None:
        """Keep the buckets of these monitors only."""
        for key in self._full_timestamps.keys() - keys:
            del self._full_timestamps[key]
