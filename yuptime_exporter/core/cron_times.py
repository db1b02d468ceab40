"""The times of a cron expression in a time zone, as Unix seconds.

A time of day that a time zone skips or repeats is treated as by the cron of Debian (cron.8): a job at
fixed times runs once, right after the gap or at the first of the two times. An expression whose minute
or hour begins with `*` follows the clock on the wall: skipped times are left out, and repeated times
come twice.

The library `cronsim` reads the expression and knows the days. The walk through the hours is here, since
the library is wrong where a clock changes by half an hour (Australia/Lord_Howe), and since each push
must find the same time, whichever time was asked for before.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice

from cronsim import CronSim, CronSimError

# No expression comes again after a longer time. The longest waits are 40 years, such as for a fifth
# Monday in February across a century that is no leap year.
MAX_YEARS = 50

# Each names the fields that crontab(5) gives it.
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

NEVER = float("inf")

_MINUTE = timedelta(minutes=1)
_MINUTE_SECONDS = 60
_DAY = timedelta(days=1)
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)


class CronTimes:
    """All times of one expression in one time zone: immutable, shared by all monitors with both."""

    __slots__ = ("_days", "_fixed", "_hours", "_minutes", "_times", "_zone")

    def __init__(self, expression: str, zone: tzinfo) -> None:
        """Read an expression.

        Args:
            expression: five fields, or one of `NICKNAMES`. A `?` means the same as `*`, as in a
                CronJob of Kubernetes.
            zone: the time zone, with its history.

        Raises:
            ValueError: the expression is malformed, or names a day that no month has.
        """
        fields = NICKNAMES.get(expression, expression).replace("?", "*").split()
        if len(fields) != 5:
            raise ValueError(f"expected 5 fields, got {len(fields)}")
        try:
            self._days = CronSim(" ".join(fields), _ANY_DAY)
        except CronSimError as error:
            raise ValueError(str(error)) from error
        self._hours = frozenset(self._days.hours)
        self._minutes = frozenset(self._days.minutes)
        self._fixed = not fields[0].startswith("*") and not fields[1].startswith("*")
        # In the order of the day; needed for fixed times only.
        self._times = [
            time(hour, minute)
            for hour in sorted(self._hours if self._fixed else ())
            for minute in sorted(self._minutes)
        ]
        self._zone = zone

    def after(self, timestamp: float) -> float:
        """Return the first time after a moment; `NEVER` if there is none in `MAX_YEARS`."""
        try:
            moment = datetime.fromtimestamp(timestamp, self._zone)
            return self._fixed_after(moment) if self._fixed else self._on_the_wall_after(moment)
        except (OverflowError, ValueError):  # after the year 9999
            return NEVER

    def _fixed_after(self, moment: datetime) -> float:
        """Return the first fixed time of day after a moment.

        The order of times on the wall is the order of their moments. So no time up to that of the
        moment itself can lie after it.
        """
        timestamp, day = moment.timestamp(), moment.date()
        first = bisect_right(self._times, moment.time().replace(second=0, microsecond=0))
        last_year = day.year + MAX_YEARS
        while day.year <= last_year:
            if self._comes_on(day):
                for at in islice(self._times, first, None):
                    found = self._first_shown(day, at)
                    if found > timestamp:
                        return found
            first = 0
            day = self._next_day(day)
        return NEVER

    def _on_the_wall_after(self, moment: datetime) -> float:
        """Return the first minute after a moment whose time on the wall matches."""
        found = moment.timestamp() // _MINUTE_SECONDS * _MINUTE_SECONDS
        wall = moment
        last_year = wall.year + MAX_YEARS
        while wall.year <= last_year:
            found = self._skip(found, wall)
            wall = datetime.fromtimestamp(found, self._zone)
            if self._shows(wall) and self._comes_on(wall.date()):
                return found
        return NEVER

    def _skip(self, found: float, wall: datetime) -> float:
        """Return a later minute, with no matching minute in between."""
        next_minute = found + _MINUTE_SECONDS
        if not self._comes_on(wall.date()):
            return max(self._first_shown(self._next_day(wall.date()), time()), next_minute)
        later = 60
        if wall.hour in self._hours:
            later = min((minute for minute in self._minutes if minute > wall.minute), default=60)
        jump = found + (later - wall.minute) * _MINUTE_SECONDS
        changes = datetime.fromtimestamp(jump, self._zone).utcoffset() != wall.utcoffset()
        return next_minute if changes else jump

    def _first_shown(self, day: date, at: time) -> float:
        """Return when the clock on the wall first shows a time, or skips it."""
        shown = datetime.combine(day, at, tzinfo=self._zone)
        while shown != shown.astimezone(UTC).astimezone(self._zone):
            shown += _MINUTE  # the time is skipped
        return shown.timestamp()

    def _shows(self, wall: datetime) -> bool:
        return wall.minute in self._minutes and wall.hour in self._hours

    def _comes_on(self, day: date) -> bool:
        return day.month in self._days.months and self._days.match_day(day)

    def _next_day(self, day: date) -> date:
        """Return the next day on which the expression may come."""
        day += _DAY
        while day.month not in self._days.months:
            day = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
        return day
