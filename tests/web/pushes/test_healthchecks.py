"""Pings of healthchecks.io: the path says the status, and nothing else can."""

from typing import Any

import pytest

from tests.web.requests import request
from yuptime_exporter.core.errors import MalformedPush
from yuptime_exporter.core.messages import STORED_CHARS
from yuptime_exporter.core.model import PushKind
from yuptime_exporter.web.pushes.exchange import Report
from yuptime_exporter.web.pushes.healthchecks import HEALTHCHECKS

RUN = "0e7d0b4e-7c2f-4b6b-9a70-5f5b2e0a1c3d"


def parsed(word: str = "", body: bytes = b"", *, query: str = "", **more: Any) -> Report:
    parameters = {"token": "secret", **({"word": word} if word else {}), **more}
    return HEALTHCHECKS.parse(request(query=query, parameters=parameters), body)


@pytest.mark.parametrize(
    ("word", "kind", "exit_code"),
    [
        ("", PushKind.UP, None),
        ("start", PushKind.START, None),
        ("fail", PushKind.DOWN, None),
        ("log", PushKind.LOG, None),
        ("0", PushKind.UP, 0),
        ("000", PushKind.UP, 0),
        ("1", PushKind.DOWN, 1),
        ("255", PushKind.DOWN, 255),
    ],
)
def test_the_end_of_the_path_is_a_word_or_an_exit_code(
    word: str, kind: PushKind, exit_code: int | None
) -> None:
    assert parsed(word) == Report(kind, exit_code=exit_code)
    assert parsed(word, name="backup") == Report(kind, exit_code=exit_code)


@pytest.mark.parametrize("code", ["256", "1000", "9" * 5000])
def test_an_exit_code_above_255_is_refused(code: str) -> None:
    with pytest.raises(MalformedPush, match=r"^invalid url format: expected an exit code"):
        parsed(code)


@pytest.mark.parametrize("word", ["failed", "FAIL", "-1", "1.5", "success"])
def test_another_word_behind_a_name_is_refused_and_not_read_as_up(word: str) -> None:
    with pytest.raises(MalformedPush, match=r"^invalid url format: expected start"):
        parsed(word, name="backup")


def test_a_body_is_the_message_whatever_its_type_and_never_the_status() -> None:
    assert parsed(body=b'{"status": "down"}') == Report(PushKind.UP, '{"status": "down"}')
    assert parsed("fail", b"no space\r\nleft\r\n").message == "no space\nleft\n"
    assert parsed(body=b"\xff\x00a\x00").message == "\ufffd\ufffda\ufffd"
    assert parsed(body="\ufefffull".encode("utf-16-le")).message == "full"
    assert parsed(body=b"\xef\xbb\xbffull").message == "full"


def test_a_long_body_keeps_its_beginning_and_its_end() -> None:
    push = parsed("1", b"first" + b"." * STORED_CHARS + b"last")

    assert push.message_truncated
    assert push.message.startswith("first")
    assert push.message.endswith("last")


def test_one_uuid_is_one_run_in_capitals_too() -> None:
    assert parsed("start", query=f"rid={RUN}").run_id == RUN
    assert parsed(query=f"create=1&rid={RUN.upper()}&rid={RUN.upper()}").run_id == RUN


@pytest.mark.parametrize("query", ["rid=", "rid=7", f"rid={RUN[:-1]}", f"rid={RUN}&rid=7"])
def test_a_run_id_that_is_no_uuid_is_refused(query: str) -> None:
    with pytest.raises(MalformedPush, match=r"^invalid uuid format"):
        parsed(query=query)
