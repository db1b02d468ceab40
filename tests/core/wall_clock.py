"""A second implementation of cron expressions: look at the clock on the wall each minute."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from itertools import pairwise

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@cache
def _values(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    """Read the numbers, names, ranges, lists and steps of crontab(5)."""
    found: set[int] = set()
    for term in field.lower().split(","):
        span, _, step = term.partition("/")
        first, _, last = span.partition("-")
        bounds = [
            names.index(bound) + low if bound in names else int(bound)
            for bound in ((str(low), str(high)) if span == "*" else (first, last or first))
        ]
        end = high if step and span != "*" and not last else bounds[1]
        found |= set(range(bounds[0], end + 1, int(step or 1)))
    return found


@dataclass(frozen=True)
class Wall:
    """An expression of crontab(5), without the extensions `L` and `#`."""

    expression: str

    def shows(self, wall: datetime) -> bool:
        minute, hour, day, month, week_day = self.expression.split()
        if wall.minute not in _values(minute, 0, 59):
            return False
        if wall.hour not in _values(hour, 0, 23):
            return False
        if wall.month not in _values(month, 1, 12, _MONTHS):
            return False
        days = wall.day in _values(day, 1, 31)
        week_days = {one % 7 for one in _values(week_day, 0, 7, _DAYS)}
        named = wall.isoweekday() % 7 in week_days
        both = day.startswith("*") or week_day.startswith("*")
        return (days and named) if both else (days or named)

    @property
    def is_fixed(self) -> bool:
        """Whether Debian's cron treats it as a job at fixed times."""
        minute, hour, *_ = self.expression.split()
        return not minute.startswith("*") and not hour.startswith("*")

    def between(self, start: int, end: int, zone: tzinfo) -> list[int]:
        """All times from one whole minute to another, the end excluded."""
        found: set[int] = set()
        moments = range(start - 60, end, 60)
        for before, now in pairwise(moments):
            wall = datetime.fromtimestamp(now, zone)
            if self.shows(wall) and not (self.is_fixed and wall.fold):
                found.add(now)
            if self.is_fixed and any(map(self.shows, _skipped(before, now, zone))):
                found.add(now)
        return sorted(found)


def _skipped(before: int, now: int, zone: tzinfo) -> Iterator[datetime]:
    """The minutes on the wall that come neither at one moment nor at the next."""
    wall, shown = (
        datetime.fromtimestamp(moment, zone).replace(tzinfo=None) for moment in (before, now)
    )
    wall += timedelta(minutes=1)
    while wall < shown:
        yield wall
        wall += timedelta(minutes=1)


def changes(zone: tzinfo, first_year: int, last_year: int) -> list[int]:
    """The moments at which the clocks of a zone change, to the minute."""
    found = []
    step = 86_400
    start = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(last_year + 1, 1, 1, tzinfo=UTC).timestamp())

    def offset(moment: int) -> timedelta | None:
        return datetime.fromtimestamp(moment, zone).utcoffset()

    for day in range(start, end, step):
        if offset(day) != offset(day + step):
            before, after = day // 60, (day + step) // 60
            while after - before > 1:
                middle = (before + after) // 2
                if offset(middle * 60) == offset(day):
                    before = middle
                else:
                    after = middle
            found.append(after * 60)
    return found
