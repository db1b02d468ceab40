"""The outcomes of writes: counted, logged, and answered with another try or a pause."""

import logging
from collections.abc import Callable

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import MonitorUnwritable, StoreUnavailable
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.metrics.status import StatusMetrics, Written
from yuptime_exporter.status.budget import WriteBudget
from yuptime_exporter.status.limits import StatusLimits
from yuptime_exporter.status.model import Draft, Due, Outcome

log = logging.getLogger(__name__)

# Failures that say nothing about other monitors.
_OF_ONE_MONITOR = frozenset({Written.CONFLICT, Written.GONE, Written.UNWRITABLE})


class WriteOutcomes:
    """Records the outcome of each write, and decides when a failed one is tried again."""

    def __init__(
        self,
        budget: WriteBudget,
        *,
        limits: StatusLimits,
        jitter: Callable[[], float],
        metrics: StatusMetrics,
        clock: Clock,
    ) -> None:
        """Start without a failure.

        Args:
            budget: paused by failures that concern all monitors.
            limits: the lengths of the pauses.
            jitter: returns a random number from 0 to 1.
            metrics: counts failures.
            clock: the wall clock.
        """
        self._budget = budget
        self._limits = limits
        self._jitter = jitter
        self._metrics = metrics
        self._clock = clock
        self._unwritable: dict[MonitorKey, int] = {}  # the generation that was rejected
        self._log = FailureLog(
            log,
            "status of monitors is not written; it is tried again",
            "status of monitors is written again",
        )

    @property
    def failing(self) -> bool:
        """Whether the API server writes the status of no monitor at present."""
        return self._log.failing

    def is_unwritable(self, key: MonitorKey, generation: int) -> bool:
        """Return whether the API server has rejected the status of this generation."""
        return self._unwritable.get(key) == generation

    def forget(self, key: MonitorKey) -> None:
        """Forget a monitor that is no longer declared."""
        self._unwritable.pop(key, None)

    def succeeded(self, key: MonitorKey) -> None:
        """Record that a status was written, or was up to date."""
        self._unwritable.pop(key, None)
        self._metrics.writable.set(1)
        if self._log.failing:
            self._budget.resume()
            self._log.recovered()

    def failed(self, key: MonitorKey, draft: Draft, outcome: Outcome) -> Due | None:
        """Record a failed write; return when it is due again, None: after the next change."""
        if outcome.written is not Written.CONFLICT:  # the writer counted each conflict
            self._metrics.errors.labels(outcome.written).inc()
        now_timestamp = self._clock()
        match outcome.written:
            case Written.GONE:
                return None
            case Written.UNWRITABLE:
                self._note_unwritable(key, draft.status.generation, outcome.detail)
                return None
            case Written.CONFLICT:  # another client keeps changing this object
                later = now_timestamp + self._pause_seconds(outcome)
                return Due(later, later)
            case Written.FORBIDDEN | Written.PRUNED:
                self._metrics.writable.set(0)
                pause_seconds = self._limits.probe_seconds
            case _:
                pause_seconds = self._pause_seconds(outcome)
        self._budget.pause(now_timestamp + pause_seconds)
        self._log.failed(outcome.detail, kind=outcome.written, reason=str(outcome.written))
        return Due(now_timestamp, now_timestamp)

    def _pause_seconds(self, outcome: Outcome) -> float:
        asked_seconds = min(outcome.retry_after_seconds or 0.0, self._limits.probe_seconds)
        return asked_seconds or self._limits.pause_seconds * (1 + self._jitter())

    def _note_unwritable(self, key: MonitorKey, generation: int, detail: str) -> None:
        if self._unwritable.get(key) != generation:
            log.warning(
                "the API server rejects the status of a monitor; "
                "it is not written before the spec changes",
                extra={"monitor": str(key), "err": detail},
            )
        self._unwritable[key] = generation


def error_of(key: MonitorKey, outcome: Outcome) -> StoreUnavailable | None:
    """Return the error for a push that waited for this write; None: the push is stored."""
    if outcome.written is Written.DONE:
        return None
    text = f"the status of monitor {key} could not be written: {outcome.detail}"
    return (MonitorUnwritable if outcome.written in _OF_ONE_MONITOR else StoreUnavailable)(text)
