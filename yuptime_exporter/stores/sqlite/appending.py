"""New rows of the history, written with as few statements as possible.

Nearly all rows have one of two forms: a push without a run, and a push with one. Rows of one form are
one statement.
"""

import sqlite3
from typing import Any

from yuptime_exporter.core.model import LastPush, Push
from yuptime_exporter.core.runs import NO_RUNS
from yuptime_exporter.stores.sqlite.many_rows import MAX_ROWS_AT_ONCE, ManyRows
from yuptime_exporter.stores.sqlite.push_rows import APPEND, row_of, runs_text

_INTO = """
    INSERT INTO push (id, monitor_id, previous_id, number, kind, received_timestamp,
        since_timestamp, last_success_timestamp, pushes_total, pushes_down_total, dialect,
        client_address, message, message_truncated, run_id, runs, duration_seconds, exit_code)"""


# The statement leaves out a row whose id is 0.
_PLAIN = ManyRows(
    f"{_INTO} SELECT *, 0, '', NULL, NULL, NULL FROM (VALUES {{rows}}) WHERE column1",  # noqa: S608
    columns=13,
)

# An empty text stands for NULL.
_FIRST = ", ".join(f"column{number}" for number in range(1, 14))
_WITH_RUN = ManyRows(
    f"{_INTO} SELECT {_FIRST}, 0, column14, nullif(column15, ''), nullif(column16, ''), "  # noqa: S608
    "nullif(column17, '') FROM (VALUES {rows}) WHERE column1",
    columns=17,
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
        if summary is None or push.message_truncated:
            row = row_of(push_id, monitor_id, previous_id, number, push, summary)
            self._others.append(row)
            return
        columns = (
            push_id,
            monitor_id,
            previous_id,
            number,
            push.kind._value_,  # `value` is a function
            push.received_timestamp,
            summary.since_timestamp,
            summary.last_success_timestamp,
            summary.pushes_total,
            summary.pushes_down_total,
            push.dialect,
            push.client_address,
            push.message,
        )
        run_id, duration, code = push.run_id, push.duration_seconds, push.exit_code
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
        rows = _PLAIN.rows_in(self._plain), _WITH_RUN.rows_in(self._with_run)
        return not self._others and 0 in rows and max(rows) <= MAX_ROWS_AT_ONCE

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows."""
        if self._others:
            connection.executemany(APPEND, self._others)
        _PLAIN.execute(connection, self._plain)
        _WITH_RUN.execute(connection, self._with_run)
