"""The states of the last days as a strip, drawn as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from yuptime_exporter.core.availability import PERIODS_SECONDS, Stretch
from yuptime_exporter.core.model import State
from yuptime_exporter.moments import readable
from yuptime_exporter.web.pages.relative import length

WIDTH = 1000.0

# Narrower parts than this cannot be seen; a short "down" must be.
_LEAST_WIDTH = 3.0

_PERIOD_NAMES = ("24 hours", "7 days", "30 days")


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
        period: the name of the shown time, such as `24 hours`.
        summary: the strip in words.
    """

    parts: tuple[Part, ...]
    period: str
    start_timestamp: float
    summary: str


def strip(states: Sequence[Stretch], *, now_timestamp: float) -> Strip | None:
    """Return the strip of the shortest period that has all of these states, or of the longest.

    Args:
        states: the oldest first; None is returned if there is none.
        now_timestamp: the end of the strip.
    """
    if not states:
        return None
    known_seconds = now_timestamp - states[0].start_timestamp
    index = next(
        (n for n, seconds in enumerate(PERIODS_SECONDS) if seconds >= known_seconds),
        len(PERIODS_SECONDS) - 1,
    )
    start = now_timestamp - PERIODS_SECONDS[index]
    shown = [one for one in states if one.end_timestamp > start]
    parts = [_part(one, start, PERIODS_SECONDS[index]) for one in shown]
    down = [one for one in shown if one.state is State.DOWN]
    down_seconds = sum(one.end_timestamp - max(one.start_timestamp, start) for one in down)
    times = f"down {_times(len(down))}, for {length(int(down_seconds))}" if down else "never down"
    return Strip(
        parts=tuple(sorted(parts, key=lambda part: part.state is State.DOWN)),
        period=_PERIOD_NAMES[index],
        start_timestamp=start,
        summary=f"The last {_PERIOD_NAMES[index]}: {times}.",
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
