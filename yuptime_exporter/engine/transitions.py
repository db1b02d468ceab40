"""One line of the log for each change of a monitor's state, and for monitors that come and go.

A push tells of its change itself. All other changes are found by comparing the rounds of the
publisher, which judges all monitors at each deadline, with or without Alertmanagers.
"""

import logging
from collections import Counter
from collections.abc import Iterable

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import Judged, MonitorKey, State, Verdict
from yuptime_exporter.core.rate_limit import RateLimit, TokenBucket
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.moments import rfc3339

log = logging.getLogger(__name__)

# A whole cluster may go down at once: more lines than this a second are counted in one.
LINES_A_SECOND = RateLimit(interval_seconds=0.01, burst=100)

_ADDED = "monitor added"
_REMOVED = "monitor removed"
_REMOVED_FIRING = "monitor removed while it was down; its alert ends"


class Transitions:
    """Remembers the last logged state of each monitor. For the event loop's thread only."""

    def __init__(self, table: MonitorTable, *, clock: Clock) -> None:
        """Know no monitor yet.

        Args:
            table: all monitors.
            clock: Unix seconds.
        """
        self._table = table
        self._clock = clock
        self._states: dict[MonitorKey, State] = {}
        self._begun = False
        self._bucket = TokenBucket()
        self._unlogged: Counter[str] = Counter()

    def pushed(self, key: MonitorKey, before: State, after: State) -> None:
        """Log the change by a push that became visible."""
        known = self._states.get(key, before)
        if before is after is known:
            return
        row = self._table.row(key)
        if row is None:  # removed
            return
        if known is not before:  # since the last round
            self._changed(key, known, before)
        verdict = self._table.verdict(row, now_timestamp=self._clock())
        # Of several pushes that were stored together, the table shows the last.
        self._changed(key, before, after, verdict if verdict.state is after else None)

    def observe(self, judged: Iterable[Judged]) -> None:
        """Log what changed in these monitors, whose verdicts are certain."""
        states = self._states
        changed = [
            (row, verdict)
            for row, verdict in judged
            if states.get(row.monitor.key) is not verdict.state
        ]
        for row, verdict in changed:
            key = row.monitor.key
            if self._table.row(key) is not row:  # it changed after it was judged
                continue
            known = states.get(key)
            if known is None:
                self._added(key, verdict)
            else:
                self._changed(key, known, verdict.state, verdict)

    def end_round(self) -> None:
        """Note that all monitors were observed; log the number of changes without a line."""
        self._begun = True
        if self._unlogged:
            counted = ", ".join(f"{n} x {text}" for text, n in sorted(self._unlogged.items()))
            log.info("more changes of state than lines", extra={"changes": counted})
            self._unlogged.clear()

    def drop_removed(self) -> None:
        """Log the monitors that no source declares any more."""
        for key in [key for key in self._states if self._table.row(key) is None]:
            if self._states.pop(key) is State.DOWN:
                self._line(logging.WARNING, _REMOVED_FIRING, key)
            else:
                self._line(logging.INFO, _REMOVED, key)

    def _added(self, key: MonitorKey, verdict: Verdict) -> None:
        """Log a new monitor; at the start of the program only one that is down already."""
        self._states[key] = verdict.state
        if self._begun:
            self._line(logging.INFO, _ADDED, key, state=verdict.state)
        if verdict.state is State.DOWN:
            self._line(logging.INFO, "monitor is down", key, **_facts(verdict))

    def _changed(
        self, key: MonitorKey, before: State, after: State, verdict: Verdict | None = None
    ) -> None:
        self._states[key] = after
        if before is after:
            return
        message, level = f"monitor is {after}", logging.INFO
        if after is State.PAUSED:
            message = "monitor paused"
        elif before is State.PAUSED:
            message = "monitor resumed"
        elif before is State.DOWN:
            message = f"monitor is {after} again"
        elif after is State.LATE or (before is State.LATE and after is State.UP):
            level = logging.DEBUG  # within the grace period, as many jobs are each time
        facts = _facts(verdict) if verdict else {}
        self._line(level, message, key, before=before, **facts)

    def _line(self, level: int, message: str, key: MonitorKey, **fields: object) -> None:
        if not log.isEnabledFor(level):
            return
        if self._bucket.wait_seconds(LINES_A_SECOND, now_timestamp=self._clock()) > 0:
            self._unlogged[message] += 1
            return
        log.log(level, message, extra={"monitor": str(key), **fields})


def _facts(verdict: Verdict) -> dict[str, object]:
    return {"reason": verdict.reason, "since": rfc3339(verdict.since_timestamp)}
