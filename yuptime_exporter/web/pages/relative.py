"""Moments as people say them: relative to now. The script of the pages has the same rule."""

import math

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def relative(timestamp: float, *, now_timestamp: float) -> str:
    """Return a moment relative to now, such as `3 h 12 min ago` or `in 40 s`."""
    seconds = int(timestamp - now_timestamp)
    return f"in {length(seconds)}" if seconds > 0 else f"{length(-seconds)} ago"


def length(seconds: int) -> str:
    """Return a length of time in its two largest units, such as `2 d 4 h`; seconds only below 2 min."""
    if seconds < 2 * _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        return _pair(seconds // _HOUR, "h", seconds % _HOUR // _MINUTE, "min")
    return _pair(seconds // _DAY, "d", seconds % _DAY // _HOUR, "h")


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def seconds_text(seconds: float) -> str:
    """Return how long something took, such as `0.25 s`, `12.3 s` or `3 h 12 min`."""
    return f"{seconds:.3g} s" if seconds < 2 * _MINUTE else length(int(seconds))


def percent(fraction: float) -> str:
    """Return a fraction in percent, rounded down: 100 % means never down."""
    return f"{math.floor(fraction * 100_000) / 1000:g} %"
