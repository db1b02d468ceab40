"""Availability: which part of a period was a monitor not down?

Nothing but pushes is stored. The states between them are derived here, with the same rules that
judge a monitor now (`evaluation.judge`): each push is applied in its turn, and silence makes the
monitor down at the deadline that was valid then. The monitor as it is declared now is judged, since
older declarations are not stored.

Only known time counts. Time in which the exporter could receive no push, time before the monitor was
armed, and time before the history begins are left out of both parts of the fraction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yuptime_exporter.core.evaluation import after_push, judge
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import Push, Row, State
from yuptime_exporter.core.outages import Outages

DAY_SECONDS = 86_400.0

PERIODS_SECONDS = (DAY_SECONDS, 7 * DAY_SECONDS, 30 * DAY_SECONDS)
"""The periods for which availability is shown: 24 hours, 7 days and 30 days."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time in one state, end excluded."""

    state: State
    start_timestamp: float
    end_timestamp: float


@dataclass(frozen=True, slots=True)
class Availability:
    """The availability of a monitor in one period.

    Attributes:
        period_seconds: the length of the period, which ends now.
        known_since_timestamp: from when on the states are known; the begin of the period, or later.
        fraction: the part of the known time in which the monitor was not down, from 0 to 1; None
            where no time is known.
    """

    period_seconds: float
    known_since_timestamp: float
    fraction: float | None


def stretches(
    row: Row, past: PastPushes, outages: Outages, *, now_timestamp: float
) -> tuple[Stretch, ...]:
    """Return the states of a monitor over time, the oldest first and without gaps, until now.

    They begin when the monitor was armed, or where the history begins if that is later. Time as
    `pending` is before the first push. A paused monitor has no states before its pause.
    """
    if not row.monitor.enabled:
        since = judge(row, outages, now_timestamp=now_timestamp).since_timestamp
        return _merged([Stretch(State.PAUSED, min(since, now_timestamp), now_timestamp)])
    pushes = [push for push in reversed(past.pushes) if push.received_timestamp <= now_timestamp]
    begin_timestamp = min(_begin_timestamp(row, past), now_timestamp)
    if pushes:  # otherwise the last push is from before the history
        row = Row(row.monitor, row.arming, None)
    return _merged(list(_stretches(row, pushes, outages, begin_timestamp, now_timestamp)))


def availability(
    states: Sequence[Stretch], outages: Outages, *, period_seconds: float, now_timestamp: float
) -> Availability:
    """Return the availability in a period that ends now.

    Args:
        states: of the monitor, as `stretches` returns them.
        outages: in which no push could be received.
        period_seconds: the length of the period.
        now_timestamp: its end.
    """
    start_timestamp = now_timestamp - period_seconds
    known_seconds = down_seconds = 0.0
    known_since = now_timestamp
    for stretch in states:
        begin = max(stretch.start_timestamp, start_timestamp)
        if stretch.state is State.PAUSED or begin >= stretch.end_timestamp:
            continue
        known_since = min(known_since, begin)
        seconds = max(0.0, outages.receiving_seconds(begin, stretch.end_timestamp))
        known_seconds += seconds
        if stretch.state is State.DOWN:
            down_seconds += seconds
    fraction = None if known_seconds <= 0 else max(0.0, 1 - down_seconds / known_seconds)
    return Availability(period_seconds, known_since, fraction)


def _begin_timestamp(row: Row, past: PastPushes) -> float:
    """Return from when on the states are known."""
    armed = row.arming.armed_timestamp
    if past.complete_after_timestamp is None:
        return armed
    if past.pushes:  # before the oldest of them, the push before it decided, which is not known
        return max(armed, past.pushes[-1].received_timestamp)
    return max(armed, past.complete_after_timestamp)


def _stretches(
    row: Row, pushes: Sequence[Push], outages: Outages, begin_timestamp: float, end_timestamp: float
) -> Iterator[Stretch]:
    """Yield the states between the pushes, those of no length included."""
    start_timestamp = begin_timestamp
    for push in pushes:
        moment = push.received_timestamp
        if moment > start_timestamp:
            yield from _between(row, outages, start_timestamp, moment)
            start_timestamp = moment
        row = Row(row.monitor, row.arming, after_push(row, outages, push))
    yield from _between(row, outages, start_timestamp, end_timestamp)


def _between(row: Row, outages: Outages, start: float, end: float) -> Iterator[Stretch]:
    """Yield the states of a monitor between two pushes: up, late, down."""
    while start < end:
        verdict = judge(row, outages, now_timestamp=start)
        moments = (verdict.due_timestamp, verdict.deadline_timestamp)
        until = min((moment for moment in moments if moment > start), default=end)
        yield Stretch(verdict.state, start, min(until, end))
        start = until


def _merged(parts: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Return the parts with neighbours of the same state as one."""
    merged: list[Stretch] = []
    for part in parts:
        if part.end_timestamp <= part.start_timestamp:
            continue
        if merged and merged[-1].state is part.state:
            part = Stretch(part.state, merged[-1].start_timestamp, part.end_timestamp)  # noqa: PLW2901
            merged.pop()
        merged.append(part)
    return tuple(merged)
