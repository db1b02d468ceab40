"""How wrappers of jobs go wrong elsewhere, tried on `yuptime run`."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.companion.conftest import Companion
from tests.companion.server import reports

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
