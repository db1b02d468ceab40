"""Moments in the formats of protocols and sentences; the program itself uses Unix seconds."""

from datetime import UTC, datetime
from functools import lru_cache
from math import floor, inf

_MILLISECOND_TEXTS = tuple(f".{milliseconds:03}Z" for milliseconds in range(1000))


def rfc3339(timestamp: float) -> str:
    """Return a moment in UTC with milliseconds, such as `2026-01-31T08:00:00.000Z`."""
    second = floor(timestamp)
    microseconds = int((timestamp - second) * 1e6 + 0.5)
    if microseconds == 1_000_000:  # rounded up to the next second, as `datetime.fromtimestamp` does
        second, microseconds = second + 1, 0
    return _second_text(second) + _MILLISECOND_TEXTS[microseconds // 1000]


def rfc3339_or_none(timestamp: float | None) -> str | None:
    """Return a moment as `rfc3339` does; None where there is none, or where it never comes."""
    return None if timestamp is None or timestamp == inf else rfc3339(timestamp)


def exact_rfc3339(timestamp: float) -> str:
    """Return a moment in UTC with microseconds, from which the same moment can be read.

    This is a Kubernetes MicroTime; the API stores no more than microseconds.
    """
    moment = datetime.fromtimestamp(timestamp, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def whole_rfc3339(timestamp: float) -> str:
    """Return a moment in UTC in whole seconds: a Kubernetes Time."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def timestamp_of(text: object) -> float | None:
    """Return the moment of a text in RFC 3339; None for anything else.

    A moment before 1970 is None too: the program writes no earlier moments, and the earliest have no
    date in UTC.
    """
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None:
        return None
    timestamp = moment.timestamp()
    return timestamp if timestamp >= 0 else None


def readable(timestamp: float) -> str:
    """Return a moment for a sentence, such as `2026-01-31 08:00:00 UTC`, or `never`."""
    if timestamp == inf:
        return "never"
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@lru_cache(maxsize=1024)
def _second_text(second: int) -> str:
    """Return a whole second in UTC. Each push has three moments, most of them in the same second."""
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]
