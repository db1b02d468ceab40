"""Pushes as rows of the database and back, with every column by its name."""

import json
from collections.abc import Sequence
from sys import intern
from typing import Any, Final, final

from yuptime_exporter.core.model import NO_PUSH, RESULTS, LastPush, MonitorKey, Push, PushKind
from yuptime_exporter.core.runs import NO_RUNS, Run, Runs
from yuptime_exporter.stores.sqlite.many_rows import ManyRows

# Faster than `PushKind`, which a restart would call for each monitor.
_RESULTS: dict[str | None, PushKind] = {kind.value: kind for kind in RESULTS}

APPEND = """
    INSERT INTO push (id, monitor_id, previous_id, number, kind, received_timestamp,
        since_timestamp, last_success_timestamp, pushes_total, pushes_down_total, runs, run_id,
        duration_seconds, exit_code, dialect, client_address, message_truncated, message)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

CHECKPOINTS = ManyRows(
    """
    UPDATE last_push SET push_id = column2, number = column3, status = nullif(column4, ''),
        message = column5, received_timestamp = column6, since_timestamp = column7,
        last_success_timestamp = column8, pushes_total = column9, pushes_down_total = column10,
        runs = nullif(column11, '')
    FROM (VALUES {rows}) WHERE id = column1""",
    columns=11,
)

READ_CHECKPOINTS = """
    SELECT namespace, name, id, push_id, number, status, message, received_timestamp,
        since_timestamp, last_success_timestamp, pushes_total, pushes_down_total, runs
    FROM last_push"""

READ_LATER_PUSHES = """
    SELECT monitor_id, id, number, kind, message, received_timestamp, since_timestamp,
        last_success_timestamp, pushes_total, pushes_down_total, runs
    FROM push WHERE id > ? ORDER BY id"""


@final
class Stored:
    """What is stored of a monitor.

    Attributes:
        monitor_id: the number of the monitor in the database. A recreated monitor gets a new one.
        push_id: the row of its newest push in the history.
        number: how many pushes to it were stored.
        last_push: None before the first.
    """

    __slots__ = ("last_push", "monitor_id", "number", "push_id")

    def __init__(
        self, monitor_id: int, push_id: int, number: int, last_push: LastPush | None
    ) -> None:
        self.monitor_id: Final = monitor_id
        self.push_id: Final = push_id
        self.number: Final = number
        self.last_push: Final = last_push


def row_of(
    push_id: int,
    monitor_id: int,
    previous_id: int,
    number: int,
    push: Push,
    summary: LastPush | None,
) -> tuple[Any, ...]:
    """Return the columns of `APPEND`; those of the summary are empty without one."""
    return (
        push_id,
        monitor_id,
        previous_id,
        number,
        push.kind.value,
        push.received_timestamp,
        summary.since_timestamp if summary else None,
        summary.last_success_timestamp if summary else None,
        summary.pushes_total if summary else None,
        summary.pushes_down_total if summary else None,
        runs_text(summary.runs) if summary else None,
        push.run_id,
        push.duration_seconds,
        push.exit_code,
        push.dialect,
        push.client_address,
        int(push.message_truncated),  # not adapted, as a bool is
        push.message,
    )


def checkpoint_of(stored: Stored) -> tuple[Any, ...]:
    """Return the columns of `CHECKPOINTS`; a text that is missing is empty."""
    last = stored.last_push
    if last is None:
        return (stored.monitor_id, stored.push_id, stored.number, *(None,) * 8)
    return (
        stored.monitor_id,
        stored.push_id,
        stored.number,
        last.status._value_ if last.status else "",
        last.message,
        last.received_timestamp,
        last.since_timestamp,
        last.last_success_timestamp,
        last.pushes_total,
        last.pushes_down_total,
        runs_text(last.runs) or "",
    )


def stored_of(columns: Sequence[Any]) -> tuple[MonitorKey, Stored]:
    """Return the values in the columns of `READ_CHECKPOINTS`."""
    namespace, name, monitor_id, push_id, number, status, *others = columns
    last_push = _last_push(_RESULTS.get(status), *others)
    return MonitorKey(intern(namespace), name), Stored(monitor_id, push_id, number, last_push)


def last_push_after(columns: Sequence[Any], before: LastPush | None) -> LastPush:
    """Return the last push after a row of the history.

    A start or a message leaves the newest result as it was. A row without a summary is followed by
    others of its monitor, the last of which has one.

    Args:
        columns: those of `READ_LATER_PUSHES` after the number.
        before: the last push before this row; None: there was none.
    """
    kind, message, received, *summary = columns
    status: PushKind | None = _RESULTS.get(kind)
    last = before or NO_PUSH
    if status is None:
        status, message, received = last.status, last.message, last.received_timestamp
    whole = _last_push(status, message, received, *summary)
    if whole is not None:
        return whole
    return last.replace(status=status, message=message, received_timestamp=received)


def _last_push(
    status: PushKind | None, message: Any, received: Any, *summary: Any
) -> LastPush | None:
    """Return the last push in its columns; None if they are empty.

    In plain Python, equal moments are one object: a push that said up has the same moment three times.
    """
    since, success, total, down_total, text = summary
    if since is None:
        return None
    since = received if since == received else since
    success = received if success == received else success
    runs = runs_of(text)
    return LastPush(status, message, received, since, success, total, down_total, runs)


def runs_text(runs: Runs) -> str | None:
    """Return the runs of a monitor as a JSON array; None: the monitor never had any.

    The array has the fields of `Runs` in their order. Each push stores this text, so it is written
    in few characters, and without an encoder, which would take three times as long.
    """
    if runs == NO_RUNS:
        return None
    opened, start, starts, abandoned, durations, seconds, duration, code = runs
    return (
        f"[{json.dumps(opened) if opened else '[]'},{start!r},{starts},{abandoned},{durations},"
        f"{seconds!r},{'null' if duration is None else repr(duration)},"
        f"{'null' if code is None else code}]"
    )


def runs_of(text: str | None) -> Runs:
    """Return the runs in a text that `runs_text` made, or in an object, which was written before."""
    if text is None:
        return NO_RUNS
    values = json.loads(text)
    if isinstance(values, dict):
        return Runs(**(values | {"open": tuple(Run(**run) for run in values["open"])}))
    opened, *others = values
    return Runs(tuple(Run(*run) for run in opened), *others)
