"""New rows of the history, written with as few statements as possible.

SQLite gives up Python's lock in each statement, and then waits for it beside a busy event loop.
Nearly all rows have one of two forms: a push without a run, and a push with one. Rows of one form are
one statement, which has no parameter that is None: Python's `sqlite3` tries to adapt each None, which
costs as much as four other values.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from math import ceil
from typing import Any, NamedTuple

from yuptime_exporter.core.model import LastPush, Push
from yuptime_exporter.core.runs import NO_RUNS
from yuptime_exporter.stores.sqlite.push_rows import APPEND, row_of, runs_text

# A statement for more rows costs each row as much, and takes longer to prepare: 2 ms for this one.
MAX_ROWS_AT_ONCE = 128

_INTO = """
    INSERT INTO push (id, monitor_id, previous_id, number, kind, received_timestamp,
        since_timestamp, last_success_timestamp, pushes_total, pushes_down_total, dialect,
        client_address, message, message_truncated, run_id, runs, duration_seconds, exit_code)"""


class _Form(NamedTuple):
    """Rows that one statement can write.

    Attributes:
        columns: number of values of a row.
        statement: `{rows}` stands for their places. A row whose id is 0 is left out.
    """

    columns: int
    statement: str


_PLAIN = _Form(
    13,
    f"{_INTO} SELECT *, 0, '', NULL, NULL, NULL FROM (VALUES {{rows}}) WHERE column1",  # noqa: S608
)

# An empty text stands for NULL.
_FIRST = ", ".join(f"column{number}" for number in range(1, _PLAIN.columns + 1))
_WITH_RUN = _Form(
    _PLAIN.columns + 4,
    f"{_INTO} SELECT {_FIRST}, 0, column14, nullif(column15, ''), nullif(column16, ''), "  # noqa: S608
    "nullif(column17, '') FROM (VALUES {rows}) WHERE column1",
)


class Appended:
    """The rows that a transaction appends and that are not written yet."""

    __slots__ = ("_others", "_plain", "_with_run")

    def __init__(self) -> None:
        # The columns of the first row, of the second, and so on.
        self._plain: list[Any] = []
        self._with_run: list[Any] = []
        self._others: list[tuple[Any, ...]] = []

    def add(
        self,
        push_id: int,
        monitor_id: int,
        previous_id: int,
        number: int,
        push: Push,
        summary: LastPush | None,
    ) -> None:
        """Append a row; None as its summary: a later row of the same monitor has it."""
        kind, received, message, truncated, run_id, duration, code, dialect, address = push
        if summary is None or truncated:
            row = row_of(push_id, monitor_id, previous_id, number, push, summary)
            self._others.append(row)
            return
        columns = (
            push_id,
            monitor_id,
            previous_id,
            number,
            kind._value_,  # `value` is a function
            received,
            summary.since_timestamp,
            summary.last_success_timestamp,
            summary.pushes_total,
            summary.pushes_down_total,
            dialect,
            address,
            message,
        )
        if summary.runs is NO_RUNS and duration is None and code is None and not run_id:
            self._plain += columns
            return
        self._with_run += columns
        self._with_run += (
            run_id,
            runs_text(summary.runs) or "",
            "" if duration is None else duration,
            "" if code is None else code,
        )

    @property
    def is_one_statement(self) -> bool:
        """Whether `write` makes at most one statement, which needs no transaction around it."""
        rows = len(self._plain) // _PLAIN.columns, len(self._with_run) // _WITH_RUN.columns
        return not self._others and 0 in rows and max(rows) <= MAX_ROWS_AT_ONCE

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows."""
        if self._others:
            connection.executemany(APPEND, self._others)
        _write(connection, _PLAIN, self._plain)
        _write(connection, _WITH_RUN, self._with_run)


def _write(connection: sqlite3.Connection, form: _Form, columns: Sequence[Any]) -> None:
    size = MAX_ROWS_AT_ONCE * form.columns
    for begin in range(0, len(columns), size):
        some = columns if len(columns) <= size else columns[begin : begin + size]
        rows = len(some) // form.columns
        places = _places(rows)
        missing = (0,) * (form.columns * (places - rows))
        connection.execute(_statement(form, places), [*some, *missing])


def _places(rows: int) -> int:
    """Return the size of the statement: there are few, so that each is prepared once."""
    step = 1 if rows == 1 else 4 if rows <= 32 else 16
    return ceil(rows / step) * step


@cache
def _statement(form: _Form, places: int) -> str:
    row = f"({', '.join('?' * form.columns)})"
    return form.statement.format(rows=", ".join([row] * places))
