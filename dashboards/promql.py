"""Queries about monitors.

States and the history of alerts come from the alert rules, all other values from the exporter's
metrics. As in the rules, the latest deadline and the newest push of all replicas count.
"""

from typing import NamedTuple


class Code(NamedTuple):
    """The number of a state, with its text and its colour."""

    value: int
    text: str
    colour: str


# The colours of Okabe and Ito, which are distinct with every kind of colour blindness.
GREY, BLUE, SKY, YELLOW, VERMILION = "#BBBBBB", "#0072B2", "#56B4E9", "#F0E442", "#D55E00"

# A worse state has a higher number, so that a shortened list keeps the worst states.
STATES = (
    Code(0, "paused", GREY),
    Code(1, "up", BLUE),
    Code(2, "pending", SKY),
    Code(3, "late", YELLOW),
    Code(4, "down: silent", VERMILION),
    Code(5, "down: reported", VERMILION),
    Code(6, "down: never pushed", VERMILION),
    Code(7, "down: run too long", VERMILION),
)
LATE, DOWN, REPORTED_DOWN = 3, 4, 5

JOB = 'job=~"$job", '
MANY = f'{JOB}namespace=~"$namespace", monitor=~"$monitor"'
ONE = f'{JOB}namespace="$namespace", monitor="$monitor"'
AT_THE_END = " @ end()"


def newest(metric: str, where: str, at: str = "") -> str:
    """Return the greatest value of any replica for each monitor."""
    return f"max by (namespace, monitor) (yuptime_monitor_{metric}{{{where}}}{at})"


def now(where: str, at: str = "") -> str:
    """Return the moment of the last scrape of each monitor, at which its state is judged."""
    sample = f"yuptime_monitor_deadline_timestamp_seconds{{{where}}}{at}"
    return f"max by (namespace, monitor) (timestamp({sample}))"


def paused(where: str, at: str = "") -> str:
    """Return the paused monitors."""
    return newest("info", f'{where}, paused="true"', at)


def overdue(where: str, at: str = "") -> str:
    """Return the seconds since the deadline, negative before it."""
    return f"{now(where, at)}\n- {newest('deadline_timestamp_seconds', where, at)}"


def state(where: str, at: str = "") -> str:
    """Return the state of each monitor as the number that `STATES` explains.

    The alert rules record the number. A recorded series has no label `job`.
    """
    chosen = where.removeprefix(JOB)
    return f"max by (namespace, monitor) (namespace_monitor:yuptime_monitor_state{{{chosen}}}{at})"


def open_deadline(where: str) -> str:
    """Return the deadlines; a job that reported down has none until the next push that says up."""
    deadline = newest("deadline_timestamp_seconds", where)
    return f"{deadline}\nunless on (namespace, monitor) {state(where)} == {REPORTED_DOWN}"


def unhealthy(where: str, at: str = "") -> str:
    """Return the states of the monitors that are late or down."""
    return f"({indented(state(where, at))}) >= {LATE}"


def worst(promql: str) -> str:
    """Return the worst of these states, as many as the dashboard shows."""
    return f"topk($rows, {indented(promql)})"


def indented(promql: str) -> str:
    """Return the query indented, for use in brackets."""
    return "\n  " + promql.replace("\n", "\n  ") + "\n"
