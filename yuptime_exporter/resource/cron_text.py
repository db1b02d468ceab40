"""What is wrong with a cron expression: expected Y, got X, at which character.

The library `cronsim` decides which values a field may have. It says no more than the name of a bad
field, so the words are here.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import NamedTuple

from cronsim import CronSim, CronSimError

from yuptime_exporter.core.cron_times import MAX_YEARS, NEVER, NICKNAMES, CronTimes
from yuptime_exporter.core.durations import duration_seconds
from yuptime_exporter.resource.text import quotable
from yuptime_exporter.time_zones import time_zone_names

MAX_EXPRESSION_CHARS = 256

EXPECTED_EXPRESSION = (
    'a cron expression of five fields such as "30 2 * * 1-5", or a nickname such as "@daily"'
)

_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


class _Field(NamedTuple):
    """One of the five fields."""

    value: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("a minute", 0, 59),
    _Field("an hour", 0, 23),
    _Field("a day of the month", 1, 31),
    _Field(
        "a month",
        1,
        12,
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
    ),
    _Field("a day of the week", 0, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")),
)
_WEEK_DAYS = 4
_DAY_FIELDS = (2, _WEEK_DAYS)


def plain_expression(text: str) -> str:
    """Return an expression with single spaces, and a nickname in lower case."""
    plain = " ".join(text.split())
    return plain.lower() if plain.startswith("@") else plain


def expression_problem(text: str) -> str | None:
    """Return what is expected and what was found; None for a good expression."""
    plain = plain_expression(text)
    if plain.startswith("@"):
        return None if plain in NICKNAMES else _nickname_problem(plain)
    if zone := re.match(r"(?:CRON_)?TZ=\S*", plain):
        return f"{_instead_of(zone[0])} at character 1; name the zone in spec.schedule.timeZone"
    fields = [(found.start(), found[0]) for found in re.finditer(r"\S+", text)]
    if len(fields) != len(_FIELDS):
        return _count_problem([field for _, field in fields])
    for index, (start, field) in enumerate(fields):
        for offset, term in _terms(field):
            if not _is_good(index, term):
                return f"{_term_problem(index, term)} at character {start + offset + 1}"
    return _day_problem([field for _, field in fields])


def _instead_of(found: str) -> str:
    return f'expected {EXPECTED_EXPRESSION}, got "{quotable(found)}"'


def _nickname_problem(plain: str) -> str:
    name, _, rest = plain.partition(" ")
    text = f'expected one of {", ".join(NICKNAMES)}, got "{quotable(plain)}"'
    if name == "@every":
        try:
            seconds = f": {duration_seconds(rest):.0f}"
        except ValueError:
            seconds = ""
        return f"{text}; for an interval leave cron out and set spec.target.push.expireSeconds{seconds}"
    if name == "@reboot":
        return f"{text}; a start of the machine has no scheduled time"
    alike = get_close_matches(name, NICKNAMES, n=1)
    return f"{text}; did you mean {alike[0]}?" if alike else text


def _count_problem(fields: list[str]) -> str:
    expected = "expected 5 fields (minute, hour, day of month, month, day of week)"
    if not fields:
        return f"expected {EXPECTED_EXPRESSION}, got an empty string"
    text = f"{expected}, got {len(fields)}"
    first, later = " ".join(fields[:5]), " ".join(fields[1:6])
    if len(fields) < len(_FIELDS):
        return text
    if expression_problem(first) is None and fields[5] in time_zone_names():
        return f'{text}; did you mean "{first}" with the timeZone {fields[5]}?'
    if expression_problem(first) is None and re.search(r"[^-\d*/,?LW#]", fields[5]):
        return f'{text}; did you mean "{first}", without the command?'
    if len(fields) <= len(_FIELDS) + 2 and expression_problem(later) is None:
        return f'{text}; did you mean "{later}", without seconds?'
    return f"{text}; there are no seconds and no years"


def _terms(field: str) -> Iterator[tuple[int, str]]:
    """Return the terms of a list, each with its place in the field."""
    start = 0
    for term in field.split(","):
        yield start, term
        start += len(term) + 1


def _is_good(index: int, term: str) -> bool:
    if index in _DAY_FIELDS and term == "?":
        return True
    fields = ["*"] * len(_FIELDS)
    fields[index] = term
    try:
        CronSim(" ".join(fields), _SOME_DAY)
    except (CronSimError, AssertionError):
        return False
    return len(term.split()) == 1


def _term_problem(index: int, term: str) -> str:
    field = _FIELDS[index]
    got = f'got "{quotable(term)}"' if term else "got nothing"
    bounds = re.fullmatch(r"([A-Z]{3}|\d+)-([A-Z]{3}|\d+)", term.upper())
    if bounds and all(_is_good(index, bound) for bound in bounds.groups()):
        first, last = (_number(field, bound) for bound in bounds.groups())
        return (
            "expected a range from a lower to a higher value, such as "
            f'"{_without_wrap(index, first, last)}", {got}'
        )
    if re.fullmatch(r"[^/]+/0+", term):
        return f"expected a step of at least 1, {got}"
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    return (
        f"expected {field.value} from {field.lowest} to {field.highest}{names}, *, a range such as "
        f"1-5, a list such as 1,5, or a step such as */5, {got}"
    )


def _number(field: _Field, value: str) -> int:
    return field.names.index(value) + field.lowest if value in field.names else int(value)


def _without_wrap(index: int, first: int, last: int) -> str:
    """Return the values of a range that goes over the end, such as 22-2 of the hours."""
    field = _FIELDS[index]
    if index == _WEEK_DAYS and last == 0:
        return f"{first}-7"
    end = field.highest - (index == _WEEK_DAYS)  # 7 is Sunday again
    parts = [(first, end), (field.lowest, last)]
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)


def _day_problem(fields: list[str]) -> str | None:
    """Return the problem with an expression whose fields are good, and which never comes."""
    try:
        comes = CronTimes(" ".join(fields), UTC).after(_SOME_DAY.timestamp()) != NEVER
    except ValueError:
        comes = False
    if comes:
        return None
    _, _, day, month, week_day = fields
    return (
        f"expected a day that comes within {MAX_YEARS} years, got day of month "
        f'"{quotable(day)}" in month "{quotable(month)}" on day of week "{quotable(week_day)}"'
    )
