"""The schedule of a Monitor, read from its spec."""

from collections.abc import Iterator
from functools import lru_cache

from yuptime_exporter.core.cron_times import CronTimes
from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.schedules import Cron, Every, Schedule
from yuptime_exporter.resource.cron_text import expression_problem, plain_expression
from yuptime_exporter.resource.shapes import Schedule as ScheduleFields
from yuptime_exporter.resource.shapes import Spec
from yuptime_exporter.resource.text import quotable
from yuptime_exporter.time_zones import (
    EXPECTED_TIME_ZONE,
    meant_time_zone,
    time_zone,
    time_zone_names,
)

CRON = "spec.schedule.cron"
TIME_ZONE = "spec.schedule.timeZone"
EXPIRE = "spec.target.push.expireSeconds"
DEFAULT_TIME_ZONE = "UTC"


def schedule_problems(schedule: ScheduleFields) -> Iterator[tuple[str, str]]:
    """Return the field and the text of each problem with a schedule."""
    expression, zone = schedule.cron, schedule.time_zone
    if expression is not None and (text := expression_problem(expression)):
        yield CRON, text
    if zone is not None and zone not in time_zone_names():
        meant = meant_time_zone(zone)
        hint = f"; did you mean {meant}?" if meant else ""
        yield TIME_ZONE, f'expected {EXPECTED_TIME_ZONE}, got "{quotable(zone)}"{hint}'


def schedule_of(spec: Spec) -> Schedule:
    """Return the schedule of a spec without problems."""
    if spec.schedule.cron is None:
        return Every(spec.target.push.expire_seconds)
    expression, zone = plain_expression(spec.schedule.cron), spec.schedule.time_zone
    zone = DEFAULT_TIME_ZONE if zone is None else zone
    return Cron(expression, zone, _times(expression, zone))


def unused_fields(value: object, where: str) -> Iterator[Problem]:
    """Return a warning for each field about a schedule that changes nothing.

    Args:
        value: a Monitor as it is written; an API server adds the default of `expireSeconds`.
        where: its place.
    """
    cron, zone = _field(value, CRON), _field(value, TIME_ZONE)
    if cron is not None and _field(value, EXPIRE) is not None:
        text = f"not used, since {CRON} says when a push is due; remove one of the two"
        yield Problem(where, EXPIRE, text)
    if cron is None and zone is not None:
        yield Problem(where, TIME_ZONE, f"not used without {CRON}")


def _field(value: object, path: str) -> object:
    """Return the value of a field; None where it is missing."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


@lru_cache(maxsize=16_384)
def _times(expression: str, zone: str) -> CronTimes:
    """Return the times of an expression in a zone, shared by all monitors with both."""
    return CronTimes(expression, time_zone(zone))
