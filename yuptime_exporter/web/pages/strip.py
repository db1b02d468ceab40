"""The states of the last days as a strip, drawn as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from yuptime_exporter.core.availability import DAY_SECONDS, PERIODS_SECONDS, Stretch
from yuptime_exporter.core.model import State
from yuptime_exporter.moments import readable
from yuptime_exporter.web.pages.relative import length

WIDTH = 1000.0

# Narrower parts than this cannot be seen; a short "down" must be.
_LEAST_WIDTH = 3.0

# The shown time: all that is known, but not less than a day and not more than the longest period.
_LEAST_SECONDS, _MOST_SECONDS = DAY_SECONDS, PERIODS_SECONDS[-1]


@dataclass(frozen=True, slots=True)
class Part:
    """One rectangle of the strip.

    Attributes:
        x: of its left side, from 0 to `WIDTH`.
        title: the state with its begin and its length.
    """

    state: State
    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip.

    Attributes:
        parts: those of `down` last, so that no other hides them.
        summary: the strip in words.
    """

    parts: tuple[Part, ...]
    start_timestamp: float
    summary: str


def strip(states: Sequence[Stretch], *, now_timestamp: float) -> Strip | None:
    """Return the strip of these states until now.

    Args:
        states: the oldest first; None is returned if there is none.
        now_timestamp: the end of the strip.
    """
    if not states:
        return None
    known_seconds = now_timestamp - states[0].start_timestamp
    period_seconds = min(max(known_seconds, _LEAST_SECONDS), _MOST_SECONDS)
    start = now_timestamp - period_seconds
    shown = [one for one in states if one.end_timestamp > start]
    parts = [_part(one, start, period_seconds) for one in shown]
    down = [one for one in shown if one.state is State.DOWN]
    down_seconds = sum(one.end_timestamp - max(one.start_timestamp, start) for one in down)
    times = f"down {_times(len(down))}, for {length(int(down_seconds))}" if down else "never down"
    return Strip(
        parts=tuple(sorted(parts, key=lambda part: part.state is State.DOWN)),
        start_timestamp=start,
        summary=f"The last {length(int(period_seconds))}: {times}.",
    )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _part(stretch: Stretch, start_timestamp: float, period_seconds: float) -> Part:
    begin = max(stretch.start_timestamp, start_timestamp)
    x = (begin - start_timestamp) / period_seconds * WIDTH
    width = (stretch.end_timestamp - begin) / period_seconds * WIDTH
    if stretch.state is State.DOWN and width < _LEAST_WIDTH:
        width = _LEAST_WIDTH
        x = min(x, WIDTH - width)
    seconds = int(stretch.end_timestamp - stretch.start_timestamp)
    title = f"{stretch.state} from {readable(stretch.start_timestamp)} for {length(seconds)}"
    return Part(stretch.state, round(x, 2), round(width, 2), title)
