"""Push URLs of Uptime Kuma: a query of three fields, where only up is up and only down is down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.requests import request
from yuptime_exporter.core.errors import MalformedPush
from yuptime_exporter.core.model import PushKind
from yuptime_exporter.web.pushes.exchange import Report
from yuptime_exporter.web.pushes.uptime_kuma import UPTIME_KUMA


def parsed(query: str = "", body: bytes = b"", content_type: str = "application/json") -> Report:
    headers = [("Content-Type", content_type)] if body else []
    return UPTIME_KUMA.parse(request("POST", headers=headers, query=query), body)


@pytest.mark.parametrize(
    ("query", "push"),
    [
        ("", Report(PushKind.UP)),
        ("status=up&msg=OK&ping=", Report(PushKind.UP, "OK")),
        ("msg=OK", Report(PushKind.UP, "OK")),
        ("status=down&msg=disk%20full", Report(PushKind.DOWN, "disk full")),
        ("status=down&msg=disk+93%", Report(PushKind.DOWN, "disk 93%")),
        ("status=up&ping=1500", Report(PushKind.UP, duration_seconds=1.5)),
        ("status=up&ping=0.5", Report(PushKind.UP, duration_seconds=0.0005)),
        ("status=up&measurement=21", Report(PushKind.UP)),
        ("msg=a&b&status=down", Report(PushKind.DOWN, "a")),
    ],
)
def test_the_query_says_status_message_and_time(query: str, push: Report) -> None:
    assert parsed(query) == push


@pytest.mark.parametrize("ping", ["fast", "-1", "inf", "nan", "1e300", "12ms"])
def test_a_time_that_is_none_costs_only_the_time(ping: str) -> None:
    assert parsed(f"status=down&ping={ping}") == Report(PushKind.DOWN)


@pytest.mark.parametrize(
    "query",
    ["status=", "status=true", "status=UP", "status=ok", "status=up%20", "status=up&status=up"],
)
def test_every_other_status_is_refused(query: str) -> None:
    with pytest.raises(MalformedPush, match=r"^status: expected"):
        parsed(query)


@pytest.mark.parametrize("query", ["Status=down", "state=down", "down=", "msg=a&statu=down"])
def test_no_status_beside_an_unknown_field_is_refused_and_not_read_as_up(query: str) -> None:
    with pytest.raises(MalformedPush, match="none beside an unknown field"):
        parsed(query)


def test_a_body_may_have_the_same_fields_and_is_never_ignored() -> None:
    assert parsed(body=b'{"status": "down", "msg": "full"}') == Report(PushKind.DOWN, "full")
    assert (
        parsed("msg=x", b"status=down", "application/x-www-form-urlencoded").kind is PushKind.DOWN
    )
    with pytest.raises(MalformedPush):
        parsed("status=up", b'{"status": "down"}')
    with pytest.raises(MalformedPush):
        parsed("", b"it failed", "text/plain")


@given(st.text())
def test_only_the_word_up_is_up(word: str) -> None:
    body = b"status=" + "".join(f"%{byte:02x}" for byte in word.encode("utf-8", "replace")).encode()
    try:
        push = parsed(body.decode())
    except MalformedPush:
        assert word not in ("up", "down")
    else:
        assert push.kind == word
