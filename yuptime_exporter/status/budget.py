"""The rate of writes for which no push waits, and pauses of all of them."""

from yuptime_exporter.core.rate_limit import RateLimit, TokenBucket
from yuptime_exporter.metrics.status import StatusMetrics
from yuptime_exporter.status.limits import StatusLimits

# The needed rate is exceeded by this factor, so that a delay can be made up for.
_HEADROOM = 1.2


class WriteBudget:
    """Decides whether a status may be written now."""

    def __init__(self, *, limits: StatusLimits, metrics: StatusMetrics) -> None:
        """Start with a full budget.

        Args:
            limits: the rates, and the longest pause.
            metrics: exposes the needed rate and the limit.
        """
        self._limits = limits
        self._metrics = metrics
        self._bucket = TokenBucket()
        self._needed_writes_per_second = 0.0
        self._paused_until_timestamp = 0.0
        self._hurried = False
        metrics.max_writes_per_second.set(limits.max_writes_per_second)

    def need(self, writes_per_second: float) -> None:
        """Set the rate that keeps every status from expiring."""
        self._metrics.needed_writes_per_second.set(writes_per_second)
        self._needed_writes_per_second = _HEADROOM * writes_per_second

    def hurry(self) -> None:
        """Write at the greatest allowed rate from now on."""
        self._hurried = True

    def take(self, *, backlog: int, now_timestamp: float) -> bool:
        """Return whether a status may be written now; otherwise pause until one may.

        Args:
            backlog: the number of due statuses.
            now_timestamp: the present moment.
        """
        limit = RateLimit(1 / self._writes_per_second(backlog), self._limits.burst)
        wait_seconds = self._bucket.wait_seconds(limit, now_timestamp=now_timestamp)
        if wait_seconds > 0:
            self._paused_until_timestamp = now_timestamp + wait_seconds
        return wait_seconds <= 0

    def pause(self, until_timestamp: float) -> None:
        """Write nothing until this moment, or until the end of a longer pause."""
        self._paused_until_timestamp = max(self._paused_until_timestamp, until_timestamp)

    def resume(self) -> None:
        """End a pause."""
        self._paused_until_timestamp = 0.0

    def paused_until(self, now_timestamp: float) -> float | None:
        """Return the end of the pause; None: there is no pause."""
        left_seconds = self._paused_until_timestamp - now_timestamp
        # A pause that seems longer than the longest began before the clock was set back.
        paused = 0 < left_seconds <= self._limits.probe_seconds
        return self._paused_until_timestamp if paused else None

    def _writes_per_second(self, backlog: int) -> float:
        if self._hurried:
            return self._limits.max_writes_per_second
        wanted = max(
            self._limits.writes_per_second,
            self._needed_writes_per_second,
            backlog / self._limits.backlog_seconds,
        )
        return min(wanted, self._limits.max_writes_per_second)
