"""Token buckets: short bursts pass, a runaway loop does not."""

from collections.abc import Callable
from dataclasses import dataclass

from yuptime_exporter.core.model import MonitorKey

# A bucket adds up floats; a token that lacks less than this part of itself counts as whole.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One event each `interval_seconds` in the long run, `burst` at once; 0 seconds: no limit."""

    interval_seconds: float = 1.0
    burst: int = 10


UNLIMITED = RateLimit(interval_seconds=0.0)

# For changes of status beyond the limit of pushes: a job that flaps without end is held back, and
# a job that fails after many reports of success is not.
CHANGES = RateLimit(interval_seconds=6.0, burst=10)


class TokenBucket:
    """One bucket, full at the start.

    The limit is an argument of each call, so that a changed limit applies at once.
    """

    __slots__ = ("_as_of_timestamp", "_lacking_seconds")

    def __init__(self) -> None:
        self._lacking_seconds = 0.0  # time until the bucket is full again
        self._as_of_timestamp = 0.0

    def wait_seconds(
        self, limit: RateLimit, *, now_timestamp: float, takes_token: bool = True
    ) -> float:
        """Take one token and return 0, or take none and return the time until there is one.

        A clock that was set back blocks for no longer than an empty bucket does: a bucket never
        lacks more than it can hold.

        Args:
            limit: of this bucket.
            now_timestamp: the moment.
            takes_token: False only asks, and takes no token.
        """
        interval, lacking = limit.interval_seconds, self._lacking_seconds
        lacking = min(lacking, interval * limit.burst)
        if now_timestamp > self._as_of_timestamp:
            lacking = max(0.0, lacking - (now_timestamp - self._as_of_timestamp))
        wait = lacking + interval * (1 - limit.burst)
        empty = wait > _ROUNDING * interval
        taken = 0.0 if empty or not takes_token else interval
        self._lacking_seconds = lacking + taken
        self._as_of_timestamp = now_timestamp
        return wait if empty else 0.0


class RateLimiter:
    """A token bucket for each monitor, all with the same limit."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._buckets: dict[MonitorKey, TokenBucket] = {}

    def wait_seconds(
        self, key: MonitorKey, *, now_timestamp: float, takes_token: bool = True
    ) -> float:
        """Take one token of a monitor, or only ask; see `TokenBucket.wait_seconds`."""
        if not self.limit.interval_seconds:
            return 0.0  # no bucket, which would take 100 bytes
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket()
        return bucket.wait_seconds(self.limit, now_timestamp=now_timestamp, takes_token=takes_token)

    def forget_unless(self, is_known: Callable[[MonitorKey], bool]) -> None:
        """Keep the buckets of known monitors only."""
        for key in [key for key in self._buckets if not is_known(key)]:
            del self._buckets[key]


class PushLimiter:
    """The rate limit of pushes, and a smaller one of changes of status beyond it.

    A push that repeats the status of its monitor waits when the first bucket is empty. A push that
    changes the status then takes a token of the second.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._pushes = RateLimiter(limit)
        self._changes = RateLimiter(CHANGES)

    @property
    def limit(self) -> RateLimit:
        """The limit of pushes; a new value applies at once."""
        return self._pushes.limit

    @limit.setter
    def limit(self, limit: RateLimit) -> None:
        self._pushes.limit = limit

    def push_wait_seconds(self, key: MonitorKey, *, now_timestamp: float) -> float:
        """Take a token for any push and return 0, or return how long a repetition has to wait."""
        return self._pushes.wait_seconds(key, now_timestamp=now_timestamp)

    def change_wait_seconds(
        self, key: MonitorKey, *, now_timestamp: float, takes_token: bool = True
    ) -> float:
        """Take a token for a change beyond the limit, or only ask, and return how long it waits."""
        return self._changes.wait_seconds(key, now_timestamp=now_timestamp, takes_token=takes_token)

    def forget_unless(self, is_known: Callable[[MonitorKey], bool]) -> None:
        """Keep the buckets of known monitors only."""
        self._pushes.forget_unless(is_known)
        self._changes.forget_unless(is_known)
