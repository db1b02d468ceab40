"""New rows of the history, written with as few statements as possible.

SQLite gives up Python's lock in each statement, and then waits for it beside a busy event loop.
Nearly all rows are plain: they have no run, and a push of its own. Plain rows of many pushes are one
statement, which has no parameter that is None: Python's `sqlite3` tries to adapt each None, which
costs as much as four other values.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from math import ceil
from typing import Any

from yuptime_exporter.core.model import LastPush, Push
from yuptime_exporter.core.runs import NO_RUNS
from yuptime_exporter.stores.sqlite.push_rows import APPEND, row_of

# A statement for more rows costs each row as much, and takes longer to prepare: 2 ms for this one.
MAX_PLAIN_ROWS = 128

_PLAIN_COLUMNS = 13
_NO_ROW = (0,) * _PLAIN_COLUMNS
_ROW = f"({', '.join('?' * _PLAIN_COLUMNS)})"

_APPEND_PLAIN = """
    INSERT INTO push (id, monitor_id, previous_id, number, kind, received_timestamp,
        since_timestamp, last_success_timestamp, pushes_total, pushes_down_total, dialect,
        client_address, message, run_id, message_truncated)
    SELECT *, '', 0 FROM (VALUES {rows}) WHERE column1"""


class Appended:
    """The rows that a transaction appends and that are not written yet."""

    __slots__ = ("_others", "_plain")

    def __init__(self) -> None:
        self._plain: list[Any] = []  # the columns of the first row, of the second, and so on
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
        is_plain = duration is None and code is None and not run_id and not truncated
        if is_plain and summary is not None and summary.runs is NO_RUNS:
            self._plain += (
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
        else:
            row = row_of(push_id, monitor_id, previous_id, number, push, summary)
            self._others.append(row)

    @property
    def is_one_statement(self) -> bool:
        """Whether `write` makes at most one statement, which needs no transaction around it."""
        return not self._others and len(self._plain) <= MAX_PLAIN_ROWS * _PLAIN_COLUMNS

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows."""
        if self._others:
            connection.executemany(APPEND, self._others)
        plain, size = self._plain, MAX_PLAIN_ROWS * _PLAIN_COLUMNS
        for begin in range(0, len(plain), size):
            _write_plain(connection, plain if len(plain) <= size else plain[begin : begin + size])


def _write_plain(connection: sqlite3.Connection, columns: Sequence[Any]) -> None:
    rows = len(columns) // _PLAIN_COLUMNS
    places = _places(rows)
    connection.execute(_statement(places), [*columns, *_NO_ROW * (places - rows)])


def _places(rows: int) -> int:
    """Return the size of the statement: there are few, so that each is prepared once."""
    step = 1 if rows == 1 else 4 if rows <= 32 else 16
    return ceil(rows / step) * step


@cache
def _statement(places: int) -> str:
    return _APPEND_PLAIN.format(rows=", ".join([_ROW] * places))
