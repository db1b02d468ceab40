"""Rows of the history as they are written: the same by one statement and by many."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuptime_exporter.core.model import LastPush, Push, PushKind
from yuptime_exporter.core.runs import NO_RUNS, Runs
from yuptime_exporter.stores.sqlite.appending import Appended
from yuptime_exporter.stores.sqlite.many_rows import MAX_ROWS_AT_ONCE
from yuptime_exporter.stores.sqlite.push_rows import APPEND, row_of
from yuptime_exporter.stores.sqlite.schema import migrate

PLAIN = Push(PushKind.UP, 1000.5, "42 files copied", client_address="192.0.2.1")
WITH_RUN = PLAIN.replace(run_id="7", duration_seconds=2.5, exit_code=0)
PUSHES = st.sampled_from(
    (
        PLAIN,
        PLAIN.replace(kind=PushKind.DOWN, message="", dialect="gatus"),
        PLAIN.replace(message_truncated=True),
        PLAIN.replace(run_id="0"),
        WITH_RUN,
        PLAIN.replace(duration_seconds=0.0),
        PLAIN.replace(exit_code=0),
        PLAIN.replace(kind=PushKind.START),
    )
)
SUMMARIES = st.sampled_from(
    (
        None,
        LastPush(PushKind.UP, "earlier", 999.0, 998.0, 997.0, 7, 2),
        LastPush(PushKind.UP, "earlier", 999.0, 998.0, 997.0, 7, 2, Runs(starts_total=3)),
        LastPush(runs=NO_RUNS),
    )
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(_new_database()) as connection:
        yield connection


def _new_database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, Path("memory"))
    return connection


def _rows(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT * FROM push ORDER BY id").fetchall()


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(PUSHES, SUMMARIES), max_size=20), st.integers(0, 2 * MAX_ROWS_AT_ONCE + 5)
)
def test_rows_of_every_kind_and_number_are_written_with_all_their_columns(
    some: list[tuple[Push, LastPush | None]], plain_rows: int
) -> None:
    appended = Appended()
    expected = []
    for push_id, (push, summary) in enumerate([*some, *[(PLAIN, LastPush())] * plain_rows], 1):
        values = (push_id, push_id % 7, push_id // 2, push_id + 3, push, summary)
        appended.add(*values)
        expected.append(row_of(*values))
    with closing(_new_database()) as written, closing(_new_database()) as wanted:
        appended.write(written)
        wanted.executemany(APPEND, expected)

        assert _rows(written) == _rows(wanted)


@pytest.mark.parametrize("push", [PLAIN, WITH_RUN], ids=["without a run", "with a run"])
@pytest.mark.parametrize("rows", [1, 2, 31, 33, MAX_ROWS_AT_ONCE])
def test_pushes_of_one_form_are_one_statement(
    connection: sqlite3.Connection, rows: int, push: Push
) -> None:
    appended = Appended()
    for push_id in range(1, rows + 1):
        appended.add(push_id, push_id, 0, 1, push, LastPush())
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    appended.write(connection)

    assert appended.is_one_statement
    assert len(statements) == 1
    assert len(_rows(connection)) == rows


def test_few_statements_are_prepared_for_all_numbers_of_rows(
    connection: sqlite3.Connection,
) -> None:
    statements: set[str] = set()
    connection.set_trace_callback(lambda text: statements.add(text.replace("NULL", "?")))
    sizes = set()
    for rows in range(1, MAX_ROWS_AT_ONCE + 1):
        appended = Appended()
        for number in range(rows):
            appended.add(1000 * rows + number, 1, 0, 1, PLAIN, LastPush())
        statements.clear()
        appended.write(connection)
        sizes.add(next(iter(statements)).count("("))

    assert len(sizes) < 20
