"""Runs as people report them: the fields of pushes byte for byte, and histories that others judge wrongly.

The requests are sent to one running exporter. The histories pass the parser of pushes and a table
whose clock the test moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.core.examples import KEY, Life, monitor
from tests.field.replaying import Case, Outcome, check, replayed, sent
from yuptime_exporter.core.model import Reason, State
from yuptime_exporter.web.pushes.native import parse_report

FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"
UUID = b"3E2B5DC1-6E9A-4C0F-9E0B-0C2F5B1F7A11"

CASES = [
    Case(
        "A job names each run with a UUID, so that overlapping runs are told apart.",
        "healthchecks/healthchecks#461",
        sent(b"status=up&runId=" + UUID.lower(), FORM),
        recorded=("up", ""),
    ),
    Case(
        "A UUID in upper case, as uuidgen of macOS prints it, is a name like any other.",
        "",
        sent(b"status=up&runId=" + UUID, FORM),
        recorded=("up", ""),
    ),
    Case(
        "A scheduler's run id holds a plus sign, which a form reads as a space.",
        "",
        sent(b"status=up&runId=scheduled__2026-01-01T00:00:00+00:00", FORM),
        status=400,
        says=("runId", "a space", "%2B"),
    ),
    Case(
        "The same run id as JSON, where a plus sign is itself.",
        "",
        sent(b'{"status": "up", "runId": "scheduled__2026-01-01T00:00:00+00:00"}', JSON),
        recorded=("up", ""),
    ),
    Case(
        "The name of a build holds spaces.",
        "",
        sent(b'{"status": "up", "runId": "Nightly build #7"}', JSON),
        status=400,
        says=("runId", "a space"),
    ),
    Case(
        "The run id is a number, as those of GitHub's workflows.",
        "",
        sent(b'{"status": "up", "runId": 19283746501}', JSON),
        recorded=("up", ""),
    ),
    Case(
        "The variable with the run id is empty.",
        "",
        sent(b"status=up&runId=", FORM),
        recorded=("up", ""),
    ),
    Case(
        "The run id is given as rid, as in the ping URLs of healthchecks.",
        "ansible-collections/community.healthchecksio#59",
        sent(query=b"?status=up&rid=" + UUID),
        status=400,
        says=("unknown field", "runId"),
    ),
    Case(
        "The duration has a unit, as Gatus wants it.",
        "",
        sent(b"status=up&durationSeconds=10s", FORM),
        status=400,
        says=("durationSeconds", "without a unit"),
    ),
    Case(
        "The duration is what bash prints for time: minutes and seconds.",
        "",
        sent(b"status=up&durationSeconds=1m30.5s", FORM),
        status=400,
        says=("durationSeconds", "without a unit"),
    ),
    Case(
        "The duration has a decimal comma, since the job runs with a German locale.",
        "",
        sent(b"status=up&durationSeconds=12,5", FORM),
        status=400,
        says=("durationSeconds", "decimal separator"),
    ),
    Case(
        "The duration is the moment of the end in milliseconds, since one operand was empty.",
        "",
        sent(b"status=up&durationSeconds=1764144000000", FORM),
        status=400,
        says=("durationSeconds", "a moment"),
    ),
    Case(
        "The duration is negative, since the clock of the machine was set back during the run.",
        "",
        sent(b"status=up&durationSeconds=-3.2", FORM),
        status=400,
        says=("durationSeconds", "negative"),
    ),
    Case(
        "A parameter called ping has no known unit, and is an unknown field here.",
        "louislam/uptime-kuma#5217",
        sent(query=b"?status=up&message=OK&ping=120"),
        status=400,
        says=("durationSeconds",),
    ),
    Case(
        "The exit code is the word signal.",
        "",
        sent(b"status=down&exitCode=signal", FORM),
        status=400,
        says=("exitCode", "a whole number"),
    ),
    Case(
        "The exit code is that of Python for a killed child: minus the signal.",
        "",
        sent(b"status=down&exitCode=-9&message=killed", FORM),
        recorded=("down", "killed"),
    ),
    Case(
        "The exit code is that of a Windows process that crashed.",
        "",
        sent(b'{"status": "down", "exitCode": 3221225477}', JSON),
        recorded=("down", ""),
    ),
    Case(
        "A wrapper hides a failure: up with the exit code of a failed command.",
        "bdd/runitor#38",
        sent(b"status=up&exitCode=2", FORM),
        status=400,
        says=("exitCode", "expected 0", '"down"'),
    ),
    Case(
        "A job without any output still reports its end.",
        "bdd/runitor#29",
        sent(b'{"status": "up", "message": "", "exitCode": 0}', JSON),
        recorded=("up", ""),
    ),
    Case(
        "The start is called in_progress, as by Sentry.",
        "getsentry/sentry#52118",
        sent(query=b"?status=in_progress"),
        status=400,
        says=('"start"',),
    ),
    Case(
        "Begin and end are told by the message alone, which says nothing about the status.",
        "louislam/uptime-kuma#4484",
        sent(query=b"?message=BEGIN"),
        status=400,
        says=("no status",),
    ),
    Case(
        "A start has an exit code, since one script builds all requests.",
        "",
        sent(b"status=start&runId=7&exitCode=0", FORM),
        status=400,
        says=("exitCode", "only with"),
    ),
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return replayed(CASES, tmp_path_factory.mktemp("field"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_fields_of_a_run_are_read_or_refused(
    case: Case, outcomes: Mapping[str, Outcome]
) -> None:
    check(case, outcomes[case.sentence])


@dataclass(frozen=True)
class History:
    """Pushes to one monitor that is good for 300 s and has 60 s of grace, and its state after them.

    Attributes:
        pushes: moments in seconds, with the body of the push; empty for a message-less up.
        at: the moment of the judgement.
        limit: the maximum runtime in seconds; None: there is none.
    """

    sentence: str
    source: str
    pushes: tuple[tuple[float, str], ...]
    at: float
    expected: tuple[State, Reason]
    limit: int | None = 100
    open_runs: int = 0

    def __str__(self) -> str:
        return self.sentence


UP = (State.UP, Reason.REPORTED_UP)
OVERRAN = (State.DOWN, Reason.OVERRAN)
OVERDUE = (State.DOWN, Reason.OVERDUE)

HISTORIES = [
    History(
        "A stuck run is told although another run beside it succeeds again and again.",
        "healthchecks/healthchecks#268",
        (
            (1000, "status=start&runId=stuck"),
            (1030, "status=start&runId=b"),
            (1040, "status=up&runId=b"),
            (1060, "status=start&runId=c"),
            (1070, "status=up&runId=c"),
        ),
        1100,
        OVERRAN,
        open_runs=1,
    ),
    History(
        "Starts each five minutes without an end do not keep a timeout of ten minutes away.",
        "getsentry/sentry#93492",
        ((1000, "status=start"), (1300, "status=start"), (1600, "status=start")),
        1601,
        OVERRAN,
        limit=600,
        open_runs=1,
    ),
    History(
        "A run that never ends leaves progress for down without any further push.",
        "getsentry/sentry#52118",
        ((1000, "status=start"),),
        1100,
        OVERRAN,
        open_runs=1,
    ),
    History(
        "A run that sleeps for longer than its maximum is down while it still sleeps.",
        "getsentry/sentry#103632",
        ((1000, ""), (1200, "status=start")),
        1310,
        OVERRAN,
        open_runs=1,
    ),
    History(
        "A long run needs no long grace: lateness of the start and length of the run are two limits.",
        "healthchecks/healthchecks#1135",
        ((1000, ""),),
        1361,
        OVERDUE,
        limit=36_000,
    ),
    History(
        "A long run that began in time is up until its own limit.",
        "healthchecks/healthchecks#547",
        ((1000, ""), (1299, "status=start")),
        5000,
        UP,
        limit=36_000,
        open_runs=1,
    ),
    History(
        "A start that came and no end: the process was killed, and the limit tells it.",
        "healthchecks/healthchecks#1296",
        ((1000, ""), (1050, "status=start&runId=1")),
        1150,
        OVERRAN,
        open_runs=1,
    ),
    History(
        "A job that starts twice by mistake is not refused, and is one run.",
        "healthchecks/healthchecks#265",
        ((1000, "status=start"), (1001, "status=start"), (1050, "status=up")),
        1060,
        UP,
    ),
    History(
        "An end without a start is a push like any other.",
        "",
        ((1000, "status=up&runId=lost-start&durationSeconds=12"),),
        1100,
        UP,
    ),
    History(
        "Runs that overlap end in another order than they began.",
        "healthchecks/healthchecks#461",
        (
            (1000, "status=start&runId=a"),
            (1010, "status=start&runId=b"),
            (1020, "status=up&runId=a"),
            (1030, "status=up&runId=b"),
        ),
        1150,
        UP,
    ),
    History(
        "A daily job that says begin and end fails if no end follows its begin.",
        "louislam/uptime-kuma#4484",
        ((1000, "status=start"), (1090, "status=up"), (1290, "status=start")),
        1390,
        OVERRAN,
        open_runs=1,
    ),
    History(
        "The machine died in a run; the next run succeeds, and the alert ends.",
        "",
        (
            (1000, "status=start&runId=1"),
            (1150, "status=start&runId=2"),
            (1160, "status=up&runId=2"),
        ),
        1170,
        UP,
    ),
    History(
        "A run id in another case is another run, and the first stays open.",
        "",
        ((1000, "status=start&runId=ab"), (1010, "status=up&runId=AB")),
        1101,
        OVERRAN,
        open_runs=1,
    ),
    History(
        "A start after the deadline does not clear the alert that is ringing.",
        "",
        ((1000, ""), (1400, "status=start")),
        1410,
        OVERDUE,
        limit=3600,
        open_runs=1,
    ),
    History(
        "A message during a run proves nothing about its end.",
        "",
        ((1000, "status=start"), (1090, "status=log&message=still+here")),
        1100,
        OVERRAN,
        open_runs=1,
    ),
]


@pytest.mark.parametrize("history", HISTORIES, ids=str)
def test_a_history_of_runs_is_judged_as_its_owner_expects(history: History) -> None:
    life = Life(monitor(max_runtime_seconds=history.limit), at=1000)
    for at, body in history.pushes:
        push = parse_report(body.encode())
        life.push(push.kind, at=at, run_id=push.run_id, duration_seconds=push.duration_seconds)

    verdict = life.verdict(at=history.at)

    assert (verdict.state, verdict.reason) == history.expected
    row = life.table.row(KEY)
    assert row is not None
    assert row.last_push is not None
    assert len(row.last_push.runs.open) == history.open_runs
