"""Schedules: when is the next push of a monitor due?

A schedule is a value and answers for any moment. A further kind of schedule is one more class with
the same methods, named in `Schedule`; every deadline, gauge and status then follows it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Every:
    """A push is due a fixed time after the moment from which it is awaited.

    Attributes:
        seconds: `spec.target.push.expireSeconds`; at least 1.
    """

    seconds: int

    def due_timestamp(self, base_timestamp: float) -> float:
        """Return when the next push is due.

        Args:
            base_timestamp: the last push, or the moment from which the first is awaited.
        """
        return base_timestamp + self.seconds

    def gap_seconds(self, base_timestamp: float) -> float:  # noqa: ARG002  a calendar needs it
        """Return the time from the base until the next push is due, free of rounding."""
        return self.seconds

    def __str__(self) -> str:
        """Return the schedule for people, such as `every 300 s`."""
        return f"every {self.seconds} s"


Schedule = Every
"""Every kind of schedule."""

DEFAULT_SCHEDULE = Every(300)
