"""One statement for many rows.

SQLite gives up Python's lock in each statement, and the thread then waits for it beside a busy event
loop. `executemany` makes a statement of each row. Columns should not be None: Python's `sqlite3`
tries to adapt each None, which costs as much as four other values.
"""

import sqlite3
from collections.abc import Sequence
from math import ceil
from typing import Any

# A statement for more rows costs each row as much, and takes longer to prepare: 2 ms for this one.
MAX_ROWS_AT_ONCE = 128


class ManyRows:
    """A statement with values for up to `MAX_ROWS_AT_ONCE` rows."""

    def __init__(self, statement: str, *, columns: int) -> None:
        """Describe the statement.

        Args:
            statement: with `{rows}` after the word VALUES. It ignores a row of zeros.
            columns: of a row.
        """
        self._statement = statement
        self._columns = columns
        self._row = f"({', '.join('?' * columns)})"
        self._statements: dict[int, str] = {}

    def rows_in(self, values: Sequence[Any]) -> int:
        """Return the number of rows."""
        return len(values) // self._columns

    def execute(self, connection: sqlite3.Connection, values: Sequence[Any]) -> None:
        """Execute the statement, as often as there are `MAX_ROWS_AT_ONCE` rows.

        Args:
            connection: to the database.
            values: the columns of the first row, of the second, and so on.
        """
        size = MAX_ROWS_AT_ONCE * self._columns
        for begin in range(0, len(values), size):
            some = values if len(values) <= size else values[begin : begin + size]
            places = _places(self.rows_in(some))
            zeros = (0,) * (places * self._columns - len(some))
            connection.execute(self._with_places(places), [*some, *zeros])

    def _with_places(self, places: int) -> str:
        found = self._statements.get(places)
        if found is None:
            found = self._statement.format(rows=", ".join([self._row] * places))
            self._statements[places] = found
        return found


def _places(rows: int) -> int:
    """Return the size of the statement: there are few, so that each is prepared once."""
    step = 1 if rows == 1 else 4 if rows <= 32 else 16
    return ceil(rows / step) * step
