"""Results of Gatus' external endpoints: true, false, or an error."""

import pytest

from tests.web.requests import request
from yuptime_exporter.core.errors import MalformedPush
from yuptime_exporter.core.model import MonitorKey, PushKind
from yuptime_exporter.web.pushes.exchange import Report
from yuptime_exporter.web.pushes.gatus import GATUS


def parsed(query: str, body: bytes = b"") -> Report:
    headers = [("Content-Type", "application/json")] if body else []
    return GATUS.parse(request("POST", headers=headers, query=query), body)


@pytest.mark.parametrize(
    ("query", "body", "push"),
    [
        ("success=true", b"", Report(PushKind.UP)),
        ("success=false", b"", Report(PushKind.DOWN)),
        ("success=false&error=disk%20full", b"", Report(PushKind.DOWN, "disk full")),
        ("success=false", b'{"error": "disk full"}', Report(PushKind.DOWN, "disk full")),
        ("success=false&error=a", b'{"error": "b"}', Report(PushKind.DOWN, "a")),
        ("success=false", b"no JSON", Report(PushKind.DOWN, "no JSON")),
        ("success=false", b"log=a&b", Report(PushKind.DOWN, "log=a&b")),
        (
            "success=false",
            b'{"error": ' + b"[" * 5000,
            Report(PushKind.DOWN, '{"error": ' + "[" * 5000),
        ),
        ("success=true&duration=10s", b"", Report(PushKind.UP, duration_seconds=10.0)),
        ("success=true&duration=", b"", Report(PushKind.UP)),
        ("success=true&duration=1h2m3.5s", b"", Report(PushKind.UP, duration_seconds=3723.5)),
        ("success=true&duration=250ms", b"", Report(PushKind.UP, duration_seconds=0.25)),
        ("success=true&duration=0", b"", Report(PushKind.UP, duration_seconds=0.0)),
    ],
)
def test_a_result_is_a_push(query: str, body: bytes, push: Report) -> None:
    assert parsed(query, body) == push


@pytest.mark.parametrize(
    "query",
    ["", "success=", "success=True", "success=1", "error=x", "success=true&success=false"],
)
def test_every_other_result_is_refused(query: str) -> None:
    with pytest.raises(MalformedPush, match=r"^success: expected"):
        parsed(query, b'{"success": true}')


@pytest.mark.parametrize("duration", ["10", "-1s", "1 s", "1d", "inf", "9999999h", "1s" * 100])
def test_a_duration_that_go_does_not_write_is_refused(duration: str) -> None:
    with pytest.raises(MalformedPush, match=r"^duration: expected"):
        parsed(f"success=true&duration={duration}")


@pytest.mark.parametrize(
    ("endpoint", "key"),
    [
        ("jobs_backup", MonitorKey("jobs", "backup")),
        ("jobs_db.backup", MonitorKey("jobs", "db.backup")),
        ("_backup", MonitorKey("", "backup")),
        ("backup", MonitorKey("backup", "")),
    ],
)
def test_the_first_underscore_ends_the_namespace(endpoint: str, key: MonitorKey) -> None:
    assert GATUS.monitor(request(parameters={"endpoint": endpoint}), None, None) == key
