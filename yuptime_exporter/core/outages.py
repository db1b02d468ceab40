"""The receiving clock: a clock that stands still while no push can be received.

Deadlines are counted on this clock. So the exporter's own downtime is never blamed on a job, and a
deadline moves by the outages before it and by no more. The scheduled times of a calendar do not move:
only their grace is counted on this clock.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate

from yuptime_exporter.core.model import Outage

# One restart a minute for a week; beyond that the oldest outages are dropped. 10,000 outages take
# 160 kB, and a binary search finds a deadline among them.
MAX_OUTAGES = 10_000


class Outages:
    """All known outages: immutable, sorted, without overlaps.

    Attributes:
        known: in the order of their starts.
    """

    __slots__ = ("_lost_before", "_starts_on_receiving_clock", "known")

    def __init__(self, known: Iterable[Outage] = ()) -> None:
        merged: list[Outage] = []
        for outage in sorted(known, key=lambda outage: outage.start_timestamp):
            if outage.end_timestamp <= outage.start_timestamp:
                continue
            if merged and outage.start_timestamp <= merged[-1].end_timestamp:
                end = max(merged[-1].end_timestamp, outage.end_timestamp)
                merged[-1] = Outage(merged[-1].start_timestamp, end)
            else:
                merged.append(outage)
        self.known = tuple(merged[-MAX_OUTAGES:])
        lengths = (outage.end_timestamp - outage.start_timestamp for outage in self.known)
        self._lost_before = tuple(accumulate(lengths, initial=0.0))
        self._starts_on_receiving_clock = tuple(
            outage.start_timestamp - lost
            for outage, lost in zip(self.known, self._lost_before, strict=False)
        )

    def plus(self, outage: Outage) -> "Outages":
        """Return these outages and one more; overlaps count once."""
        return Outages((*self.known, outage))

    def until(self, timestamp: float) -> "Outages":
        """Return these outages up to a moment; later outages are left out, longer ones are cut."""
        return Outages(
            Outage(outage.start_timestamp, min(outage.end_timestamp, timestamp))
            for outage in self.known
        )

    def receiving_seconds(self, start_timestamp: float, end_timestamp: float) -> float:
        """Return the time between two moments in which pushes could be received."""
        first = bisect_right(self.known, start_timestamp, key=lambda outage: outage.end_timestamp)
        lost = 0.0
        for outage in self.known[first:]:
            if outage.start_timestamp >= end_timestamp:
                break
            end = min(outage.end_timestamp, end_timestamp)
            lost += end - max(outage.start_timestamp, start_timestamp)
        return max(end_timestamp - start_timestamp, 0.0) - lost

    def deadline(self, base_timestamp: float, window_seconds: float) -> float:
        """Return when `window_seconds` of receiving time have passed since `base_timestamp`.

        This is the least D with D = base + window + (outage within [base, D)): an outage that
        begins at or after D, or ended before base, moves nothing.
        """
        deadline = base_timestamp + window_seconds
        if not self.known or base_timestamp >= self.known[-1].end_timestamp:
            return deadline  # the common case, and free of rounding
        first = bisect_right(self.known, base_timestamp, key=lambda outage: outage.end_timestamp)
        if deadline <= self.known[first].start_timestamp:
            return deadline
        begun = max(0.0, base_timestamp - self.known[first].start_timestamp)
        lost_before_base = self._lost_before[first] + begun
        end_on_receiving_clock = deadline - lost_before_base
        passed = bisect_left(self._starts_on_receiving_clock, end_on_receiving_clock)
        return deadline + self._lost_before[passed] - lost_before_base

    def deadline_of_calendar(self, due_timestamp: float, grace_seconds: float) -> float:
        """Return when the grace of a scheduled time has passed; no outage moves that time itself.

        An outage that had begun before the scheduled time, and was not over, may have cost the one push
        of the job: then its whole length is added.
        """
        first = bisect_right(self.known, due_timestamp, key=lambda outage: outage.end_timestamp)
        if first == len(self.known):
            return due_timestamp + grace_seconds
        start = min(due_timestamp, self.known[first].start_timestamp)
        return self.deadline(start, due_timestamp - start + grace_seconds)


def last_receiving(known: float | None, timestamp: float, *, max_skew_seconds: float) -> float:
    """Return the last moment at which pushes could be received, of the one known and a new one.

    Args:
        known: None before the first.
        timestamp: the new moment, now.
        max_skew_seconds: how far a clock may be ahead. A known moment beyond that came from a
            wrong clock, and would hide every outage until then.
    """
    if known is None or known > timestamp + max_skew_seconds:
        return timestamp
    return max(known, timestamp)
