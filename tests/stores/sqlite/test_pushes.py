"""The history and its checkpoints, with the upkeep at any moment and a failure at any moment."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.examples import NO_OUTAGES, monitor
from tests.laws import examples
from yuptime_exporter.core.changes import Correction
from yuptime_exporter.core.evaluation import after_push, push_in_the_present
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey, Push, PushKind, Row
from yuptime_exporter.core.ports import PushSave
from yuptime_exporter.core.push_order import place
from yuptime_exporter.stores.sqlite.pushes import StoredPushes
from yuptime_exporter.stores.sqlite.schema import migrate
from yuptime_exporter.stores.sqlite.upkeep import Upkeep, UpkeepLimits

START = 1000.0
LIMITS = UpkeepLimits(
    pushes_per_step=20,
    last_pushes_per_step=4,
    rows_per_step=80,
    min_pushes_per_checkpoint=50,
    pushes_per_monitor_and_checkpoint=1,
    min_unwanted_rows=20,
)


def key_of(number: int) -> MonitorKey:
    return MonitorKey("prod", f"job-{number}")


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, Path("memory"))
        yield connection


@dataclass
class Desk:
    """The pushes of a database, beside a plain dictionary that says what should be stored."""

    connection: sqlite3.Connection
    history_limit: int = 3
    limits: UpkeepLimits = LIMITS
    now_timestamp: float = START
    expected: dict[MonitorKey, LastPush] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.pushes = StoredPushes(
            history_limit=self.history_limit, clock=lambda: self.now_timestamp
        )
        self.upkeep = Upkeep(self.pushes, self.limits)
        self.pushes.load(self.connection)
        self.upkeep.load(self.connection)

    def push(self, number: int, *kinds: PushKind, stored: bool = True) -> None:
        """Save pushes to a monitor, or fail to."""
        key = key_of(number)
        row = before = Row(monitor(key.name), Arming(START), self.expected.get(key))
        made = []
        for kind in kinds or (PushKind.UP,):
            self.now_timestamp += 1
            made.append(Push(kind, self.now_timestamp, f"push at {self.now_timestamp}"))
            row = Row(row.monitor, row.arming, after_push(row, NO_OUTAGES, made[-1]))
        assert row.last_push is not None
        [saved] = self.pushes.save([PushSave(before, row.last_push, tuple(made))], self.connection)
        if stored:
            self.commit()
            assert saved == row.last_push
            self.expected[key] = saved
        else:
            self.connection.rollback()
            self.pushes.rolled_back()

    def forget(self, number: int) -> None:
        key = key_of(number)
        self.connection.execute("BEGIN")
        self.pushes.forget(self.connection, [(key, self.now_timestamp + 10)])
        self.commit()
        self.expected.pop(key, None)

    def commit(self) -> None:
        self.pushes.finish(self.connection)
        self.pushes.committed()

    def set_clock_back(self, seconds: float) -> None:
        """Correct every push, as after a clock that was wrong."""
        self.now_timestamp -= seconds
        corrections = {
            key: Correction(push, push_in_the_present(push, now_timestamp=self.now_timestamp))
            for key, push in self.expected.items()
        }
        self.connection.execute("BEGIN")
        self.pushes.correct(self.connection, corrections)
        self.commit()
        self.expected = {key: one.after for key, one in corrections.items()}

    def keep_up(self) -> None:
        """Do all the upkeep that is due."""
        while self.upkeep.is_due(idle=True):
            self.upkeep.step(self.connection)

    def rows(self) -> int:
        (rows,) = self.connection.execute("SELECT count(*) FROM push").fetchone()
        return int(rows)


KINDS = st.lists(st.sampled_from(PushKind), min_size=1, max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 3), KINDS),
        st.tuples(st.just("fail"), st.integers(0, 3), KINDS),
        st.tuples(st.just("forget"), st.integers(0, 3), st.none()),
        st.tuples(st.just("set back"), st.sampled_from([1, 100]), st.none()),
        st.tuples(st.just("keep up"), st.none(), st.none()),
        st.tuples(st.just("restart"), st.none(), st.none()),
    ),
    max_size=40,
)


@settings(max_examples=examples(150))
@given(steps=STEPS, limit=st.sampled_from([0, 1, 3]))
def test_the_last_pushes_are_right_after_any_upkeep_failure_and_restart(
    steps: list[tuple[str, int | None, list[PushKind] | None]],
    limit: int,
) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, Path("memory"))
        desk = Desk(connection, history_limit=limit)
        for step, number, kinds in steps:
            match step:
                case "push" | "fail":
                    desk.push(number or 0, *(kinds or ()), stored=step == "push")
                case "forget":
                    desk.forget(number or 0)
                case "set back":
                    desk.set_clock_back(number or 0)
                case "keep up":
                    desk.keep_up()
                case _:
                    desk.restart()
            assert desk.pushes.last_pushes() == desk.expected
        desk.restart()
        assert desk.pushes.last_pushes() == desk.expected


def test_a_restart_between_two_steps_of_a_checkpoint_loses_no_push(
    connection: sqlite3.Connection,
) -> None:
    desk = Desk(connection)
    for turn in range(60):
        desk.push(turn % 10)
    steps = 0
    while desk.upkeep.is_due(idle=True):
        desk.upkeep.step(connection)
        steps += 1
        restarted = StoredPushes(history_limit=3, clock=lambda: START)
        restarted.load(connection)
        assert restarted.last_pushes() == desk.expected

    assert steps > 2


def test_the_history_has_few_more_rows_than_are_wanted(connection: sqlite3.Connection) -> None:
    desk = Desk(connection, history_limit=10)
    most = 0
    for turn in range(3_000):
        desk.push(turn % 20)
        if desk.upkeep.is_due(idle=False):
            desk.upkeep.step(connection)
        most = max(most, desk.rows())
    kept = connection.execute("SELECT count(*) FROM push GROUP BY monitor_id").fetchall()

    # Wanted, unwanted, and later than the last checkpoint while it is written.
    assert most < 20 * 10 * 1.25 + 2 * (50 + 20 * 5)
    assert min(kept) >= (10,)


@pytest.mark.parametrize("limit", [0, 1, 10])
def test_a_cleaning_leaves_exactly_the_newest_pushes(
    limit: int, connection: sqlite3.Connection
) -> None:
    at_once = replace(LIMITS, min_unwanted_rows=0, unwanted_fraction=0.0)
    desk = Desk(connection, history_limit=limit, limits=at_once)
    for _ in range(100):
        desk.push(1)
    desk.keep_up()

    numbers = connection.execute("SELECT number FROM push ORDER BY number").fetchall()
    assert numbers == [(number,) for number in range(101 - limit, 101)]


def test_the_file_stops_to_grow_under_pushes_without_end(connection: sqlite3.Connection) -> None:
    desk = Desk(connection, history_limit=10)
    sizes = []
    for _ in range(3):
        for turn in range(4_000):
            desk.push(turn % 5 if turn % 10 else 20 + turn % 700)
            if desk.upkeep.is_due(idle=False):
                desk.upkeep.step(connection)
        sizes.append(connection.execute("PRAGMA page_count").fetchone()[0])

    assert sizes[2] <= 1.2 * sizes[1]


def test_the_history_of_a_forgotten_monitor_is_deleted_without_further_pushes(
    connection: sqlite3.Connection,
) -> None:
    desk = Desk(connection, history_limit=10)
    for turn in range(60):
        desk.push(turn % 5)
    desk.keep_up()
    for turn in range(15):
        desk.push(turn % 5)  # after the checkpoint
    for number in range(4):
        desk.forget(number)
    desk.keep_up()

    assert connection.execute("SELECT DISTINCT monitor_id FROM push").fetchall() == [(5,)]


def test_a_monitor_that_is_pushed_to_again_after_it_was_forgotten_starts_a_new_history(
    connection: sqlite3.Connection,
) -> None:
    desk = Desk(connection)
    desk.push(0)
    desk.push(0)
    desk.forget(0)
    desk.push(0)
    stored = desk.pushes.of(key_of(0))

    assert stored is not None
    assert stored.number == 1
    assert place(desk.expected[key_of(0)])[1] == 1


def test_a_commit_that_failed_and_is_stored_all_the_same_is_noticed(
    connection: sqlite3.Connection,
) -> None:
    desk = Desk(connection)
    desk.push(0)
    before = desk.pushes.last_pushes()
    row = Row(monitor("job-0"), Arming(START), before[key_of(0)])
    push = Push(PushKind.DOWN, START + 50)
    last = after_push(row, NO_OUTAGES, push)
    desk.pushes.save([PushSave(row, last, (push,))], connection)
    desk.pushes.finish(connection)
    desk.pushes.rolled_back()  # as after an error of the disk

    assert desk.pushes.last_pushes() == before
    assert not desk.pushes.is_as_in(connection)
    desk.pushes.load(connection)
    assert desk.pushes.last_pushes() == {key_of(0): last}
    assert desk.pushes.is_as_in(connection)


def test_a_rolled_back_commit_leaves_the_known_pushes_as_they_are_stored(
    connection: sqlite3.Connection,
) -> None:
    desk = Desk(connection)
    desk.push(0)
    desk.push(0, stored=False)
    desk.push(1, stored=False)

    assert desk.pushes.is_as_in(connection)
    assert desk.pushes.last_pushes() == desk.expected


@pytest.mark.parametrize("kind", PushKind)
def test_a_push_of_any_kind_writes_its_row_and_no_checkpoint(
    connection: sqlite3.Connection, kind: PushKind
) -> None:
    desk = Desk(connection)
    desk.push(0)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    desk.push(0, kind)
    connection.set_trace_callback(None)

    assert sum("INSERT INTO push" in text for text in statements) == 1
    assert not any("UPDATE last_push" in text for text in statements)


def test_pushes_to_known_monitors_are_stored_without_a_further_statement(
    connection: sqlite3.Connection,
) -> None:
    desk = Desk(connection)
    desk.push(0)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    desk.push(0)
    connection.set_trace_callback(None)

    assert len(statements) == 1


def test_a_step_of_the_upkeep_writes_many_checkpoints_by_few_statements(
    connection: sqlite3.Connection,
) -> None:
    desk = Desk(connection)
    for number in range(200):
        desk.push(number)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    connection.execute("BEGIN")
    desk.pushes.checkpoint(connection, desk.pushes.take_changed())
    connection.execute("COMMIT")
    connection.set_trace_callback(None)
    written = connection.execute("SELECT count(*) FROM last_push WHERE push_id > 0").fetchone()

    assert sum("UPDATE last_push" in text for text in statements) == 2
    assert written == (200,)


def test_a_restart_reads_a_bounded_number_of_pushes_however_many_the_monitors_are(
    connection: sqlite3.Connection,
) -> None:
    desk = Desk(connection, limits=replace(LIMITS, max_pushes_per_checkpoint=60))
    for number in range(200):
        desk.push(number)
        desk.keep_up()
        (later,) = connection.execute(
            "SELECT count(*) FROM push, progress WHERE push.id > checkpoint_id"
        ).fetchone()
        assert later <= 60 + LIMITS.pushes_per_step
