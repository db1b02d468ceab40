"""Results of Gatus' external endpoints: true, false, or an error."""

import pytest

from tests.web.requests import request
from yuptime_exporter.core.errors import MalformedPush
from yuptime_exporter.core.model import MonitorKey, Push, PushKind
from yuptime_exporter.web.pushes.gatus import GATUS

NOW = 1000.0


def parsed(query: str, body: bytes = b"") -> Push:
    headers = [("Content-Type", "application/json")] if body else []
    return GATUS.parse(request("POST", headers=headers, query=query), body, NOW)


@pytest.mark.parametrize(
    ("query", "body", "push"),
    [
        ("success=true", b"", Push(PushKind.UP, NOW)),
        ("success=false", b"", Push(PushKind.DOWN, NOW)),
        ("success=false&error=disk%20full", b"", Push(PushKind.DOWN, NOW, "disk full")),
        ("success=false", b'{"error": "disk full"}', Push(PushKind.DOWN, NOW, "disk full")),
        ("success=false&error=a", b'{"error": "b"}', Push(PushKind.DOWN, NOW, "a")),
        ("success=false", b"no JSON", Push(PushKind.DOWN, NOW, "no JSON")),
        ("success=false", b"log=a&b", Push(PushKind.DOWN, NOW, "log=a&b")),
        (
            "success=false",
            b'{"error": ' + b"[" * 5000,
            Push(PushKind.DOWN, NOW, '{"error": ' + "[" * 5000),
        ),
        ("success=true&duration=10s", b"", Push(PushKind.UP, NOW, duration_seconds=10.0)),
        ("success=true&duration=", b"", Push(PushKind.UP, NOW)),
        ("success=true&duration=1h2m3.5s", b"", Push(PushKind.UP, NOW, duration_seconds=3723.5)),
        ("success=true&duration=250ms", b"", Push(PushKind.UP, NOW, duration_seconds=0.25)),
        ("success=true&duration=0", b"", Push(PushKind.UP, NOW, duration_seconds=0.0)),
    ],
)
def test_a_result_is_a_push(query: str, body: bytes, push: Push) -> None:
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
