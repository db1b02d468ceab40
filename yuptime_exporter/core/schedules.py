"""Schedules: when is the next push of a monitor due?

A schedule is a value and answers for any moment. A further kind of schedule is one more class with
the same methods, named in `Schedule`; every deadline, gauge and status then follows it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from yuptime_exporter.core.cron_times import NEVER, CronTimes

# A job may start a moment early, as by the clock of another machine: a push this long before a
# scheduled time counts for that time. Where times are a minute apart, it is half of that.
EARLY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Every:
    """A push is due a fixed time after the moment from which it is awaited.

    Attributes:
        seconds: `spec.target.push.expireSeconds`; at least 1.
    """

    seconds: int

    kind = "interval"
    """The kind of schedule, as metrics and the API name it."""

    time_zone = ""
    """An interval is the same in every time zone."""

    is_calendar = False
    """An outage delays everything that is counted from the last push."""

    def due_after_push(self, received_timestamp: float) -> float:
        """Return when the push after this one is due."""
        return received_timestamp + self.seconds

    def due_after_arming(self, armed_timestamp: float) -> float:
        """Return when the first push is due, of a monitor that was armed at this moment."""
        return armed_timestamp + self.seconds

    def gap_seconds(self, base_timestamp: float, due_timestamp: float) -> float:  # noqa: ARG002
        """Return the time from the base until the next push is due, free of rounding."""
        return self.seconds

    @property
    def text(self) -> str:
        """The schedule for people, without its zone: `every 300 s`."""
        return f"every {self.seconds} s"

    def __str__(self) -> str:
        """Return the schedule for people: `every 300 s`."""
        return self.text


class _Period(NamedTuple):
    """Moments for which the same scheduled time is due, end excluded."""

    begin_timestamp: float
    end_timestamp: float
    due_timestamp: float


_NO_PERIOD = _Period(NEVER, NEVER, NEVER)


@dataclass(frozen=True, slots=True)
class Cron:
    """A push is due at the times of a cron expression.

    Two values remember the last answers. They never change an answer: to walk through a calendar
    takes as long as all else that is done for a push, and pushes between two scheduled times have
    the same next time.

    Attributes:
        expression: `spec.schedule.cron`, as written.
        time_zone: `spec.schedule.timeZone`, a name of the tz database.
        times: the times of the expression in that zone.
    """

    expression: str
    time_zone: str
    times: CronTimes = field(compare=False, repr=False)
    _pushed: _Period = field(default=_NO_PERIOD, init=False, compare=False, repr=False)
    _armed: _Period = field(default=_NO_PERIOD, init=False, compare=False, repr=False)

    kind = "cron"
    is_calendar = True

    def due_after_push(self, received_timestamp: float) -> float:
        """Return when the push after this one is due; `NEVER`: the schedule ends.

        A push shortly before a scheduled time counts for that time, see `EARLY_SECONDS`.
        """
        known = self._pushed
        if not known.begin_timestamp <= received_timestamp < known.end_timestamp:
            known = self._period_of_push(received_timestamp)
            object.__setattr__(self, "_pushed", known)
        return known.due_timestamp

    def due_after_arming(self, armed_timestamp: float) -> float:
        """Return the first scheduled time after a moment; `NEVER`: there is none."""
        known = self._armed
        if not known.begin_timestamp <= armed_timestamp < known.end_timestamp:
            due = self.times.after(armed_timestamp)
            known = _Period(armed_timestamp, due, due)
            object.__setattr__(self, "_armed", known)
        return known.due_timestamp

    def gap_seconds(self, base_timestamp: float, due_timestamp: float) -> float:
        """Return the time from the base until the next push is due."""
        return due_timestamp - base_timestamp

    @property
    def text(self) -> str:
        """The schedule for people, without its zone: `30 2 * * 1-5`."""
        return self.expression

    def __str__(self) -> str:
        """Return the schedule for people: `30 2 * * 1-5 (Europe/Berlin)`."""
        return f"{self.expression} ({self.time_zone})"

    def _period_of_push(self, received_timestamp: float) -> _Period:
        scheduled = self.times.after(received_timestamp)
        early = self._counts_from(scheduled)
        if received_timestamp < early:
            return _Period(received_timestamp, early, scheduled)
        following = self.times.after(scheduled)
        return _Period(early, self._counts_from(following), following)

    def _counts_from(self, scheduled_timestamp: float) -> float:
        """Return the moment from which a push counts for a scheduled time."""
        early = scheduled_timestamp - EARLY_SECONDS
        # Scheduled times are whole minutes, so that no other gap is shorter than twice EARLY_SECONDS.
        if self.times.after(early - 1) < scheduled_timestamp:
            return scheduled_timestamp - EARLY_SECONDS / 2
        return early


Schedule = Every | Cron
"""Every kind of schedule."""

DEFAULT_SCHEDULE = Every(300)
"""The schedule of a monitor without any."""
