"""`yuptime run`: the job comes first, and its report says how it went."""

import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

import yuptime_exporter
from tests.companion.conftest import Companion
from tests.waiting import eventually

pytestmark = pytest.mark.peer  # processes of their own

MONITOR = "jobs/backup"


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


def test_a_job_that_succeeds_is_reported_with_its_start_and_its_end(yuptime: Companion) -> None:
    ended = yuptime("run", MONITOR, "--", "sh", "-c", "echo done")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"done\n", b"")
    (start,), (end,) = yuptime.reports.of("start"), yuptime.reports.of("up")
    assert start["runId"] == end["runId"]
    assert end["message"] == "done"
    assert end["exitCode"] == 0
    assert end["durationSeconds"] >= 0
    assert set(yuptime.reports.paths) == {"/api/push/jobs/backup"}
    assert yuptime.reports.headers[0]["Authorization"] == "Bearer secret-token"


def test_a_job_that_fails_is_down_and_its_exit_code_is_the_exit_code(yuptime: Companion) -> None:
    ended = yuptime("run", MONITOR, "--", "sh", "-c", "echo oops >&2; exit 3")

    assert (ended.returncode, ended.stdout, ended.stderr) == (3, b"", b"oops\n")
    (end,) = yuptime.reports.of("down")
    assert (end["exitCode"], end["message"]) == (3, "oops")


def test_output_passes_through_byte_by_byte_and_streams_stay_apart(yuptime: Companion) -> None:
    code = "import sys; sys.stdout.buffer.write(bytes(range(256))); sys.stderr.write('error')"

    ended = yuptime("run", MONITOR, "--", *python(code))

    assert ended.stdout == bytes(range(256))
    assert ended.stderr == b"error"


def test_the_message_is_the_end_of_a_long_output(yuptime: Companion) -> None:
    ended = yuptime("run", MONITOR, "--", *python("print('x' * 3_000_000); print('FATAL: disk')"))

    (end,) = yuptime.reports.of("up")
    assert len(ended.stdout) == 3_000_013
    assert len(end["message"]) == 9_999, "the line break at the end is left out"
    assert end["message"].endswith("FATAL: disk")


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [("no-such-command-here", 127, "command not found"), ("/etc/passwd", 126, "ermission denied")],
)
def test_a_command_that_cannot_start_is_down_with_the_code_of_a_shell(
    yuptime: Companion, command: str, code: int, words: str
) -> None:
    ended = yuptime("run", MONITOR, "--", command)

    assert ended.returncode == code
    (end,) = yuptime.reports.of("down")
    assert words in end["message"]
    assert words.encode() in ended.stderr


def test_a_job_that_a_signal_kills_is_down_with_the_name_of_the_signal(yuptime: Companion) -> None:
    ended = yuptime("run", MONITOR, "--", "sh", "-c", "echo begun; kill -KILL $$")

    assert ended.returncode == 128 + signal.SIGKILL
    (end,) = yuptime.reports.of("down")
    assert end["message"] == "begun\nkilled by SIGKILL"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_a_signal_reaches_the_job_which_decides_what_to_do(yuptime: Companion, name: str) -> None:
    code = f"""
import signal, sys, time
def end(*_):
    print("got it", flush=True)
    sys.exit(5)
signal.signal(signal.{name}, end)
print("ready", flush=True)
time.sleep(30)
"""
    process = yuptime.start("run", MONITOR, "--", *python(code))
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"

    process.send_signal(getattr(signal, name))
    written, _ = process.communicate(timeout=60)

    assert (process.returncode, written) == (5, b"got it\n")
    assert yuptime.reports.of("down")[0]["exitCode"] == 5


def test_a_job_beyond_its_timeout_is_ended_and_down(yuptime: Companion) -> None:
    ended = yuptime("run", "--timeout", "200ms", MONITOR, "--", "sleep", "30")

    assert ended.returncode == 124
    (end,) = yuptime.reports.of("down")
    assert end["message"] == "ended after 0.2 s by --timeout"
    assert end["durationSeconds"] < 20


@pytest.mark.parametrize("order", [("--no-start", MONITOR), (MONITOR, "--no-start")])
def test_without_a_start_only_the_end_is_reported(
    yuptime: Companion, order: tuple[str, ...]
) -> None:
    assert yuptime("run", *order, "--", "true").returncode == 0

    assert [body["status"] for body in yuptime.reports.bodies] == ["up"]


def test_quiet_output_sends_no_word_of_the_job(yuptime: Companion) -> None:
    ended = yuptime("run", "--quiet-output", MONITOR, "--", "sh", "-c", "echo secret; exit 1")

    assert ended.stdout == b"secret\n"
    (end,) = yuptime.reports.of("down")
    assert "message" not in end


def test_an_exporter_that_is_away_changes_nothing_about_the_job(yuptime: Companion) -> None:
    yuptime.environment["YUPTIME_URL"] = "http://127.0.0.1:9"

    ended = yuptime("run", "--give-up-after", "0s", MONITOR, "--", "sh", "-c", "echo done; exit 4")

    assert (ended.returncode, ended.stdout) == (4, b"done\n")
    assert b"down not reported: http://127.0.0.1:9: " in ended.stderr


def test_a_start_that_is_not_answered_does_not_hold_up_the_job(
    yuptime: Companion, tmp_path: Path
) -> None:
    yuptime.reports.held.clear()
    mark = tmp_path / "ran"
    process = yuptime.start("run", MONITOR, "--", "touch", str(mark))

    limit = time.monotonic() + 20
    while not mark.exists():
        assert time.monotonic() < limit
        time.sleep(0.01)
    yuptime.reports.held.set()

    process.communicate(timeout=60)
    assert process.returncode == 0
    assert [body["status"] for body in yuptime.reports.bodies] == ["start", "up"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_temporary_failure_is_tried_again(yuptime: Companion, status: int) -> None:
    yuptime.reports.answers = [(status, {"detail": "later"}, {"Retry-After": "0"})]

    ended = yuptime("run", "--no-start", MONITOR, "--", "true")

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert len(yuptime.reports.of("up")) == 2


def test_a_rejection_is_not_repeated_and_its_reason_is_shown(yuptime: Companion) -> None:
    yuptime.reports.answers = [(401, {"detail": "wrong token or unknown monitor"}, {})]

    ended = yuptime("run", "--no-start", MONITOR, "--", "true")

    assert ended.returncode == 0
    assert ended.stderr == (
        b"yuptime run: jobs/backup: up not reported: 401: wrong token or unknown monitor\n"
    )
    assert len(yuptime.reports.bodies) == 1


def test_a_redirect_is_not_followed_as_a_get(yuptime: Companion) -> None:
    elsewhere = {"Location": f"{yuptime.reports.url}/elsewhere"}
    yuptime.reports.answers = [(302, b"", elsewhere)]

    ended = yuptime("run", "--no-start", MONITOR, "--", "true")

    assert ended.returncode == 0
    assert b"302" in ended.stderr
    assert yuptime.reports.paths == ["/api/push/jobs/backup"]


@pytest.mark.parametrize(
    "flags", [("--no-such-flag", MONITOR), ("--timeout", "soon", MONITOR), ("UPPER/CASE",), ()]
)
def test_a_wrong_flag_does_not_keep_the_job_from_running(
    yuptime: Companion, flags: tuple[str, ...]
) -> None:
    ended = yuptime("run", *flags, "--", "sh", "-c", "echo done; exit 6")

    assert (ended.returncode, ended.stdout) == (6, b"done\n")
    assert b"the job runs without a report" in ended.stderr
    assert yuptime.reports.bodies == []


def test_without_a_command_nothing_is_reported(yuptime: Companion) -> None:
    ended = yuptime("run", MONITOR)

    assert ended.returncode == 2
    assert b"expected a command after --" in ended.stderr
    assert yuptime.reports.bodies == []


def test_a_program_that_the_job_leaves_behind_does_not_hold_up_the_end(yuptime: Companion) -> None:
    process = yuptime.start("run", MONITOR, "--", "sh", "-c", "sleep 45 & echo done")

    assert process.wait(30) == 0
    assert process.stdout is not None
    assert process.stdout.readline() == b"done\n"
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()
    assert yuptime.reports.of("up")[0]["message"] == "done"


def test_a_reader_that_leaves_is_seen_by_the_job(yuptime: Companion) -> None:
    code = "import sys\ntry:\n  while True: print('x' * 1000)\nexcept BrokenPipeError: sys.exit(7)"
    process = yuptime.start("run", MONITOR, "--", *python(code))
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()

    assert process.wait(30) in {7, 120}
    assert process.stderr is not None
    process.stderr.close()


def test_the_job_knows_its_run_and_its_arguments_hold_no_token(yuptime: Companion) -> None:
    code = (
        "import os; print(os.environ['YUPTIME_RUN_ID']); print(open('/proc/self/cmdline').read())"
    )

    ended = yuptime("run", MONITOR, "--", *python(code))

    run_id, arguments = ended.stdout.decode().split("\n", 1)
    assert yuptime.reports.of("up")[0]["runId"] == run_id
    assert "secret-token" not in arguments


def test_a_token_comes_from_a_file_or_from_a_command(yuptime: Companion, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\nold\n")
    yuptime("run", "--no-start", "--token-file", str(tmp_path / "token"), MONITOR, "--", "true")
    yuptime("run", "--no-start", "--token-command", "echo from-command", MONITOR, "--", "true")

    sent = [headers["Authorization"] for headers in yuptime.reports.headers]
    assert sent == ["Bearer from-file", "Bearer from-command"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--token-file", "/no/such/file"), "--token-file /no/such/file: No such file"),
        (("--token-command", "exit 3"), "--token-command: expected exit code 0, got 3"),
    ],
)
def test_a_token_that_cannot_be_had_is_said_and_the_job_runs(
    yuptime: Companion, flags: tuple[str, str], words: str
) -> None:
    ended = yuptime("run", "--no-start", *flags, MONITOR, "--", "sh", "-c", "exit 9")

    assert ended.returncode == 9
    assert words.encode() in ended.stderr


def test_a_job_begins_before_the_libraries_for_requests_are_imported(yuptime: Companion) -> None:
    code = (
        "import sys; from yuptime_exporter.companion import command_line, run; "
        "print(sorted({'asyncio', 'email', 'http.client', 'ssl', 'urllib.request'} "
        "& sys.modules.keys()), len(sys.modules))"
    )

    ended = yuptime("run", MONITOR, "--", sys.executable, "-S", "-c", code)

    imported, _, count = ended.stdout.decode().rpartition(" ")
    assert imported == "[]"
    assert int(count) < 100, "Python itself imports about 30"


async def test_the_end_of_a_job_is_reported_even_if_the_companion_is_removed_before(
    yuptime: Companion, tmp_path: Path
) -> None:
    package = shutil.copytree(Path(yuptime_exporter.__file__).parent, tmp_path / "yuptime_exporter")
    yuptime.environment |= {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"}
    job = "while test -d yuptime_exporter; do sleep 0.01; done; echo replaced"
    process = yuptime.start("run", MONITOR, "--", "sh", "-c", f"cd {tmp_path}; {job}")

    async def started() -> object:
        return yuptime.reports.of("start")

    await eventually(started)

    shutil.rmtree(package)
    _, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, b"")
    assert yuptime.reports.of("up")[0]["message"] == "replaced"


def test_a_job_loads_no_library_but_the_standard_one(yuptime: Companion) -> None:
    code = (
        "import sys; from yuptime_exporter.companion import command_line, run, push, status; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )

    ended = yuptime("run", MONITOR, "--", *python(code))

    assert b"aiohttp" not in ended.stdout
    assert eval(ended.stdout) in (  # noqa: S307
        ["yuptime_exporter"],
        ["__main__", "yuptime_exporter"],
        ["__main__", "_distutils_hack", "yuptime_exporter"],
    )
