"""How wrappers of jobs go wrong elsewhere, tried on `yuptime run`."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.companion.conftest import Companion
from tests.companion.server import reports
from tests.waiting import eventually

pytestmark = pytest.mark.peer  # processes of their own

MONITOR = "jobs/backup"


@pytest.fixture
def yuptime() -> Iterator[Companion]:
    with reports() as found:
        yield Companion(found)


def test_the_exit_status_is_that_of_the_job_and_no_raw_status_of_wait(yuptime: Companion) -> None:
    """pushcx/lockrun#2."""
    ended = yuptime("run", MONITOR, "--", "ls", "/doesnotexist")

    assert ended.returncode == 2
    assert yuptime.reports.of("down")[0]["exitCode"] == 2


def test_a_pipe_behind_the_wrapper_ends_with_the_job(yuptime: Companion) -> None:
    """tsz-org/tsz#15439."""
    process = yuptime.start(
        "run", MONITOR, "--", "sh", "-c", "sleep 45 >/dev/null 2>&1 & echo done"
    )

    written, _ = process.communicate(timeout=60)

    assert written == b"done\n"
    assert process.returncode == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGQUIT"])
def test_a_signal_for_the_whole_group_does_not_cost_the_report(
    yuptime: Companion, name: str
) -> None:
    """DataDog/dd-trace-go#5026."""
    process = subprocess.Popen(
        yuptime.command("run", MONITOR, "--", "sh", "-c", "echo ready; sleep 30"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=yuptime.variables(),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"

    os.killpg(process.pid, getattr(signal, name))
    process.communicate(timeout=60)

    number = getattr(signal, name)
    assert process.returncode == 128 + number
    assert yuptime.reports.of("down")[0]["exitCode"] == 128 + number


def test_a_report_that_fails_does_not_keep_the_command_from_running(yuptime: Companion) -> None:
    """getsentry/cli#1069."""
    yuptime.reports.answers = [(401, {"detail": "no"}, {}), (401, {"detail": "no"}, {})]

    ended = yuptime("run", MONITOR, "--", sys.executable, "-c", "print('ran')")

    assert (ended.returncode, ended.stdout) == (0, b"ran\n")


def test_a_job_without_a_word_of_output_is_reported_at_its_end(yuptime: Companion) -> None:
    """bdd/runitor#29."""
    ended = yuptime("run", MONITOR, "--", "sh", "-c", "bar=$(ls /)")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert [body["status"] for body in yuptime.reports.bodies] == ["start", "up"]
    assert "message" not in yuptime.reports.of("up")[0]


def test_a_job_runs_while_the_exporter_is_away_and_its_exit_code_stays(yuptime: Companion) -> None:
    """getsentry/sentry-cli#735."""
    yuptime.environment["YUPTIME_URL"] = "http://127.0.0.1:1"

    ended = yuptime("run", "--give-up-after", "0s", MONITOR, "--", "sh", "-c", "echo ran; exit 3")

    assert (ended.returncode, ended.stdout) == (3, b"ran\n")
    assert b"jobs/backup: down not reported: http://127.0.0.1:1: " in ended.stderr


async def is_running(process_id: int) -> bool:
    """Whether a process has not ended; one that waits for its parent to notice has."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


# A program of the job, which prints its own number.
PROGRAM = "sh -c 'echo $$; exec sleep 999'"


@pytest.mark.parametrize("command", [f"{PROGRAM}; true", f"{PROGRAM} & wait"])
async def test_a_timeout_ends_the_programs_that_a_shell_has_started(
    yuptime: Companion, command: str
) -> None:
    """gjcarneiro/yacron#70."""
    process = yuptime.start("run", "--timeout", "1s", MONITOR, "--", "sh", "-c", command)
    assert process.stdout is not None
    program = int(process.stdout.readline())

    process.communicate(timeout=60)

    assert process.returncode == 124
    assert yuptime.reports.of("down")[0]["exitCode"] == 124
    await eventually(partial(is_running, program), lambda running: not running)


async def test_a_stopping_service_with_a_timeout_ends_the_whole_job(yuptime: Companion) -> None:
    """kevinjosethomas/py-mon#34."""
    process = yuptime.start("run", "--timeout", "1h", MONITOR, "--", "sh", "-c", f"{PROGRAM}; true")
    assert process.stdout is not None
    program = int(process.stdout.readline())

    process.terminate()
    process.communicate(timeout=60)

    assert process.returncode == 128 + signal.SIGTERM
    assert yuptime.reports.of("down")[0]["message"] == f"{program}\nkilled by SIGTERM"
    await eventually(partial(is_running, program), lambda running: not running)


def test_a_job_that_exchanges_its_streams_does_not_hang(yuptime: Companion) -> None:
    """alseambusher/crontab-ui#212."""
    job = "{ echo out; echo err >&2; } 3>&1 1>&2 2>&3"

    ended = yuptime("run", MONITOR, "--", "sh", "-c", job)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"err\n", b"out\n")


def test_the_wrapper_ends_with_the_job_while_its_standard_input_stays_open(
    yuptime: Companion,
) -> None:
    """elixir-lang/elixir#9171."""
    process = subprocess.Popen(
        yuptime.command("run", MONITOR, "--", "true"),
        stdin=subprocess.PIPE,
        env=yuptime.variables(),
    )

    assert process.wait(60) == 0
    assert process.stdin is not None
    process.stdin.close()


def test_standard_input_reaches_the_job(yuptime: Companion) -> None:
    """getsentry/cli#1052."""
    ended = yuptime("run", MONITOR, "--", "cat", stdin=b"a dump\xff")

    assert ended.stdout == b"a dump\xff"


def test_output_that_is_no_utf_8_costs_neither_the_job_nor_the_report(yuptime: Companion) -> None:
    """dsh-plugins/dsh-launcher#42."""
    ended = yuptime("run", MONITOR, "--", "printf", r"\326\320\316\304\nstill here\n")

    assert ended.stdout == b"\xd6\xd0\xce\xc4\nstill here\n"
    assert yuptime.reports.of("up")[0]["message"].endswith("\nstill here")


@pytest.mark.parametrize(
    "flags", [("--status", "in_progress"), ("status=in_progress",), ("--max-runtime=10",)]
)
def test_a_guessed_flag_does_not_keep_the_job_from_running(
    yuptime: Companion, flags: tuple[str, ...]
) -> None:
    """getsentry/sentry#43717."""
    ended = yuptime("run", MONITOR, *flags, "--", "sh", "-c", "echo ran; exit 4")

    assert (ended.returncode, ended.stdout) == (4, b"ran\n")
    assert b"the job runs without a report" in ended.stderr
    assert yuptime.reports.bodies == []


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full"])
def test_a_daemon_without_standard_streams_gets_the_exit_code_and_the_report(
    yuptime: Companion, closed: str
) -> None:
    """wp-cli/wp-cli#1281."""
    command = shlex.join(yuptime.command("run", MONITOR, "--", "sh", "-c", "exit 3"))
    ended = subprocess.run(
        ["sh", "-c", f"{command} {closed}"], env=yuptime.variables(), check=False, timeout=50
    )

    assert ended.returncode == 3
    assert yuptime.reports.of("down")[0]["exitCode"] == 3


def test_a_full_disk_below_the_output_of_a_command_is_named(yuptime: Companion) -> None:
    """wp-cli/wp-cli#1281."""
    command = shlex.join(yuptime.command("push", MONITOR))
    ended = subprocess.run(
        ["sh", "-c", f"{command} >/dev/full"],
        env=yuptime.variables(),
        stderr=subprocess.PIPE,
        check=False,
        timeout=50,
    )

    assert ended.returncode == 1
    assert ended.stderr == b"yuptime: the output cannot be written: No space left on device\n"
    assert len(yuptime.reports.of("up")) == 1
