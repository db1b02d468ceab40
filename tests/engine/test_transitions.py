"""One line of the log for each change of state."""

import logging

import pytest

from tests.core.examples import DOWN, KEY, UP, monitor, push, replace_monitors
from tests.engine.parts import table_of
from tests.exporters import StandingClock
from yuptime_exporter.core.model import Monitor, MonitorKey, PushKind, State
from yuptime_exporter.engine.transitions import Transitions

START = 1000.0
EXAMPLE = monitor(expire_seconds=300)


class Watched:
    """A table, its transitions, and the lines that they write."""

    def __init__(self, caplog: pytest.LogCaptureFixture, *monitors: Monitor) -> None:
        caplog.set_level(logging.INFO)
        self._caplog = caplog
        self.clock = StandingClock(START)
        self.table = table_of(*(monitors or (EXAMPLE,)), at=START)
        self.transitions = Transitions(self.table, clock=self.clock)

    def round(self, *, at: float = START) -> None:
        self.clock.now_timestamp = at
        self.table.record_receiving(at)
        self.transitions.observe(self.table.judged(now_timestamp=at))
        self.transitions.end_round()

    def push(self, kind: PushKind, before: State, *, at: float = START) -> None:
        self.clock.now_timestamp = at
        self.table.record_receiving(at)
        self.table.record_pushes([(KEY, push(kind, at=at))])
        self.transitions.pushed(KEY, before, State(kind))

    def declare(self, *monitors: Monitor) -> None:
        replace_monitors(self.table, monitors, now_timestamp=self.clock())
        self.transitions.drop_removed()

    def lines(self) -> list[tuple[str, str]]:
        """Return level and message of each line since the last call."""
        found = [(record.levelname, record.getMessage()) for record in self._caplog.records]
        self._caplog.clear()
        return found

    def last_line(self) -> dict[str, object]:
        return self._caplog.records[-1].__dict__


def test_silence_is_logged_once_with_its_reason_and_beginning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(caplog)
    watched.round()
    watched.round(at=1360)
    fields = watched.last_line()

    assert (fields["monitor"], fields["reason"]) == ("prod/backup", "never_pushed")
    assert fields["since"] == "1970-01-01T00:22:40.000Z"
    watched.round(at=1400)
    assert watched.lines() == [("INFO", "monitor is down")]


def test_a_job_that_reports_down_and_comes_back_leaves_two_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(caplog)
    watched.round()
    watched.push(UP, State.PENDING, at=1010)
    watched.push(DOWN, State.UP, at=1020)
    watched.push(DOWN, State.DOWN, at=1030)
    watched.push(UP, State.DOWN, at=1040)
    watched.round(at=1050)

    assert watched.lines() == [
        ("INFO", "monitor is up"),
        ("INFO", "monitor is down"),
        ("INFO", "monitor is up again"),
    ]


def test_pushes_that_were_stored_together_have_a_line_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(caplog)
    watched.table.record_pushes([(KEY, push(UP, at=START))])
    watched.round()
    watched.table.record_pushes([(KEY, push(UP, at=1020))])
    watched.transitions.pushed(KEY, State.UP, State.DOWN)
    watched.transitions.pushed(KEY, State.DOWN, State.UP)

    assert watched.lines() == [("INFO", "monitor is down"), ("INFO", "monitor is up again")]


def test_a_push_after_an_unnoticed_deadline_logs_the_silence_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(caplog)
    watched.round()
    watched.push(UP, State.DOWN, at=1361)

    assert watched.lines() == [("INFO", "monitor is down"), ("INFO", "monitor is up again")]


def test_a_late_push_is_logged_for_debugging_only(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(caplog)
    watched.table.record_pushes([(KEY, push(UP, at=START))])
    watched.round()
    watched.round(at=1310)
    silent = watched.lines()
    caplog.set_level(logging.DEBUG)
    watched.push(UP, State.LATE, at=1311)

    assert silent == []
    assert watched.lines() == [("DEBUG", "monitor is up")]


def test_monitors_that_come_pause_resume_and_go_have_a_line_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(caplog)
    watched.round()
    for enabled in (False, True):
        watched.declare(monitor(expire_seconds=300, enabled=enabled))
        watched.round()
    watched.declare(monitor(expire_seconds=300), monitor("dump"))
    watched.round()
    watched.declare(monitor("dump"))
    watched.round()

    assert watched.lines() == [
        ("INFO", "monitor paused"),
        ("INFO", "monitor resumed"),
        ("INFO", "monitor added"),
        ("INFO", "monitor removed"),
    ]


def test_a_monitor_that_is_removed_while_it_is_down_leaves_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(caplog)
    watched.round()
    watched.round(at=1360)
    watched.declare()

    assert watched.last_line()["monitor"] == "prod/backup"
    assert watched.lines()[-1] == (
        "WARNING",
        "monitor removed while it was down; its alert ends",
    )


def test_a_start_is_silent_but_for_the_monitors_that_are_down(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(caplog, monitor("a"), monitor("b"))
    watched.table.record_pushes([(MonitorKey("prod", "a"), push(DOWN, at=START))])
    watched.round()

    assert watched.lines() == [("INFO", "monitor is down")]


def test_a_verdict_from_before_a_push_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(caplog)
    watched.round()
    stale = watched.table.judged(now_timestamp=1360)
    watched.push(UP, State.PENDING, at=1359)
    watched.lines()
    watched.transitions.observe(stale)

    assert watched.lines() == []


def test_a_thousand_monitors_that_go_down_at_once_are_counted_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(caplog, *(monitor(f"m{n:03}", expire_seconds=300) for n in range(1000)))
    watched.round()
    watched.round(at=1360)
    counted = watched.last_line()["changes"]
    lines = watched.lines()

    assert len(lines) == 101
    assert counted == "900 x monitor is down"
