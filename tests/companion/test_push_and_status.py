"""`yuptime push` and `yuptime status`."""

import json

import pytest

from tests.companion.conftest import Companion

pytestmark = pytest.mark.peer  # processes of their own

MONITOR = "jobs/backup"


def monitor(name: str, state: str = "up", **fields: object) -> dict[str, object]:
    return {
        "namespace": "jobs",
        "name": name,
        "state": state,
        "since": "2026-11-26T10:00:00.000Z",
        "due": "2026-11-26T12:00:00.000Z",
        "explanation": "It said up.",
        "lastPush": {"receivedAt": "2026-11-26T11:00:00.000Z"},
        **fields,
    }


def test_a_push_says_the_state_and_when_the_next_is_due(yuptime: Companion) -> None:
    ended = yuptime("push", MONITOR)

    assert ended.returncode == 0
    assert ended.stdout == b"jobs/backup: up, next due 2026-11-26T12:00:00.000Z\n"
    assert yuptime.reports.bodies == [{"status": "up"}]


def test_every_field_of_a_push_can_be_given(yuptime: Companion) -> None:
    yuptime(
        *("push", MONITOR, "--status=down", "--message-file=-", "--run-id=a1"),
        *("--duration=2m", "--exit-code=3"),
        stdin="zu späte Sicherung".encode(),
    )

    assert yuptime.reports.bodies == [
        {
            "status": "down",
            "message": "zu späte Sicherung",
            "runId": "a1",
            "durationSeconds": 120.0,
            "exitCode": 3,
        }
    ]


def test_a_message_that_cannot_be_read_does_not_cost_the_status(yuptime: Companion) -> None:
    ended = yuptime("push", MONITOR, "--status=down", "--message-file=/no/such/file")

    assert ended.returncode == 0
    assert b"/no/such/file: No such file" in ended.stderr
    assert yuptime.reports.bodies == [{"status": "down"}]


def test_a_rejected_push_exits_with_1_and_the_reason(yuptime: Companion) -> None:
    yuptime.reports.answers = [(400, {"detail": "status: expected up"}, {})]

    ended = yuptime("push", MONITOR)

    assert ended.returncode == 1
    assert ended.stderr == b"yuptime push: jobs/backup: 400: status: expected up\n"


def test_another_server_is_not_taken_for_the_exporter(yuptime: Companion) -> None:
    yuptime.reports.answers = [(404, b"<html>nginx</html>", {})]

    ended = yuptime("push", MONITOR)

    assert ended.returncode == 1
    assert b"404: the answer is not from yuptime-exporter" in ended.stderr


def test_the_status_lists_all_pages_and_exits_with_1_when_a_monitor_is_down(
    yuptime: Companion,
) -> None:
    first = {"monitors": [monitor("a")], "nextPage": "?page=2"}
    second = {"monitors": [monitor("b", "down", lastPush=None, due=None)], "nextPage": None}
    yuptime.reports.answers = [(200, first, {}), (200, second, {})]

    ended = yuptime("status", "--namespace=jobs", "--state=up", "--state=down")

    assert ended.returncode == 1
    header, up, down = ended.stdout.decode().splitlines()
    assert header.split()[:2] == ["STATE", "MONITOR"]
    assert up.split()[:2] == ["up", "jobs/a"]
    assert down.split()[:2] == ["down", "jobs/b"]
    assert "never again" in down
    assert yuptime.reports.paths == [
        "/api/v1/monitors?namespace=jobs&state=up&state=down&limit=1000",
        "/api/v1/monitors?page=2",
    ]


def test_the_status_is_json_on_request_and_exits_with_0_when_none_is_down(
    yuptime: Companion,
) -> None:
    yuptime.reports.answers = [(200, {"monitors": [monitor("a")], "nextPage": None}, {})]

    ended = yuptime("status", "--output=json")

    assert ended.returncode == 0
    assert json.loads(ended.stdout) == [monitor("a")]


def test_the_status_sends_the_user_of_the_web_configuration(yuptime: Companion) -> None:
    yuptime.environment |= {"YUPTIME_USERNAME": "ops", "YUPTIME_PASSWORD": "pä:ss"}
    yuptime.reports.answers = [(200, {"monitors": [], "nextPage": None}, {})]

    assert yuptime("status").returncode == 0
    assert yuptime.reports.headers[0]["Authorization"] == "Basic b3BzOnDDpDpzcw=="


@pytest.mark.parametrize("answer", [[], {"status": "success"}, b"<html>"])
def test_a_status_that_is_not_known_exits_with_2(yuptime: Companion, answer: object) -> None:
    yuptime.reports.answers = [(200, answer, {})]

    assert yuptime("status").returncode == 2


def test_a_text_of_a_job_cannot_move_the_cursor_of_a_terminal(yuptime: Companion) -> None:
    hostile = monitor("a", explanation="\x1b[2J\u202egone")
    yuptime.reports.answers = [(200, {"monitors": [hostile], "nextPage": None}, {})]

    ended = yuptime("status")

    assert b"\x1b" not in ended.stdout
    assert "\u202e" not in ended.stdout.decode()


def test_a_reader_that_leaves_early_ends_a_command_without_a_traceback(yuptime: Companion) -> None:
    monitors = [monitor(f"m{number}") for number in range(2000)]
    yuptime.reports.answers = [(200, {"monitors": monitors, "nextPage": None}, {})]
    ended = yuptime.start("status")
    assert ended.stdout is not None
    assert ended.stderr is not None
    ended.stdout.close()

    said = ended.stderr.read()
    ended.stderr.close()
    assert (ended.wait(), said) == (141, b"")
