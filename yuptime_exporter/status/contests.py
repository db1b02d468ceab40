"""Statuses that another writer keeps overwriting, and how long to leave them so.

Replicas may judge a monitor differently for a while: one has read a Secret that another has not, or
their clocks differ. Each would restore its own status as soon as it sees the other.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.status.limits import StatusLimits


@dataclass(slots=True)
class _Contest:
    """The status that was written here last, and the one that the Monitor shows."""

    written: Hashable
    shown: Hashable
    changed_timestamp: float
    losses: int = 0
    pause_seconds: float = 0.0


class Contests:
    """Decides when a status is restored after another writer has replaced it.

    A status is restored only after the Monitor has not changed for a pause, which doubles with
    each loss. Every writer sees every change, so that together they write no more often than once
    in the shortest pause, however many they are. A status that is new here is written at once.
    """

    def __init__(self, *, limits: StatusLimits, jitter: Callable[[], float]) -> None:
        """Start without a contest; `jitter` returns a random number from 0 to 1."""
        self._limits = limits
        self._jitter = jitter
        self._contests: dict[MonitorKey, _Contest] = {}

    def wrote(self, key: MonitorKey, facts: Hashable, *, now_timestamp: float) -> None:
        """Record a status that was written here."""
        contest = self._contests.get(key)
        if contest is None:
            self._contests[key] = _Contest(facts, facts, now_timestamp)
            return
        contest.written = contest.shown = facts
        contest.changed_timestamp = now_timestamp

    def wait_seconds(
        self,
        key: MonitorKey,
        *,
        wanted: Hashable,
        shown: Hashable,
        now_timestamp: float,
        lost: bool = False,
    ) -> float:
        """Return how long a status must not be written yet; 0: it may be written.

        Args:
            key: the monitor.
            wanted: the facts that would be written.
            shown: the facts that the Monitor shows now.
            now_timestamp: the present moment.
            lost: the Monitor lacks a push or an arming that was stored in it. The first loss of
                that kind is restored at once.
        """
        contest = self._contests.get(key)
        if contest is None:
            return 0.0
        if shown != contest.shown:
            self._note(contest, shown, now_timestamp)
        if wanted == contest.shown or wanted != contest.written:
            return 0.0
        if lost and contest.losses <= 1:
            return 0.0
        left_seconds = contest.changed_timestamp + contest.pause_seconds - now_timestamp
        # A pause that began in the future began before the clock was set back.
        return max(left_seconds, 0.0) if now_timestamp >= contest.changed_timestamp else 0.0

    def losses(self, key: MonitorKey) -> int:
        """Return how often the status of a monitor was overwritten in the present contest."""
        contest = self._contests.get(key)
        return contest.losses if contest else 0

    def forget(self, key: MonitorKey) -> None:
        """Forget a monitor that is no longer declared."""
        self._contests.pop(key, None)

    def _note(self, contest: _Contest, shown: Hashable, now_timestamp: float) -> None:
        longest_seconds = self._limits.max_contest_seconds
        quiet_seconds = now_timestamp - contest.changed_timestamp
        if not 0 <= quiet_seconds <= 4 * longest_seconds:
            contest.losses = 0
        contest.shown, contest.changed_timestamp = shown, now_timestamp
        if shown == contest.written:
            return
        contest.losses += 1
        doubled_seconds = self._limits.contest_seconds * 2 ** min(contest.losses - 1, 20)
        contest.pause_seconds = min(doubled_seconds, longest_seconds) * (1 + self._jitter())
