"""The body of a native push: every form that a job may send, and every mistake."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.errors import MalformedPush, UnsupportedBody
from yuptime_exporter.core.model import Push, PushKind
from yuptime_exporter.web.pushes.native import MAX_MESSAGE_CHARS, parse_push

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
NOW = 1000.0
UP = Push(PushKind.UP, NOW)
DONE = Push(PushKind.UP, NOW, "done")

VALID = {
    "nothing": (b"", "", UP),
    "nothing, whatever its type": (b"", "text/xml", UP),
    "white space": (b" \r\n", JSON, UP),
    "an empty object": (b"{ }", JSON, UP),
    "up": (b'{"status": "up"}', JSON, UP),
    "down": (b'{"status":"down"}', JSON, Push(PushKind.DOWN, NOW)),
    "a message": (b'{"status":"up","message":"done"}', JSON, DONE),
    "no content type": (b'{"status":"up","message":"done"}', "", DONE),
    "a charset": (b'{"status":"up","message":"done"}', "Application/JSON; charset=utf-8", DONE),
    "JSON as curl -d sends it": (b'{"status":"up","message":"done"}', FORM, DONE),
    "JSON after white space as a form": (b'\n {"status":"up","message":"done"}', FORM, DONE),
    "a form": (b"status=up&message=done", FORM, DONE),
    "a form with escapes": (
        b"status=down&message=disk+full%3A+%C3%BC",
        FORM,
        Push(PushKind.DOWN, NOW, "disk full: ü"),
    ),
    "a form with an empty message": (b"status=up&message=", FORM, UP),
    "a message of many lines": (
        b'{"status":"down","message":"one\\ntwo\\u0000"}',
        JSON,
        Push(PushKind.DOWN, NOW, "one\ntwo\0"),
    ),
}

INVALID = {
    "an unknown status": (b'{"status":"OK"}', JSON, ['status: expected "up" or "down"']),
    "a status in capitals": (b'{"status":"UP"}', JSON, ['expected "up" or "down"']),
    "a status that is true": (b'{"status":true}', JSON, ['status: expected "up" or "down"']),
    "a status that is null": (b'{"status":null}', JSON, ['status: expected "up" or "down"']),
    "no status": (b'{"message":"done"}', JSON, ['expected "up" or "down", got no status']),
    "no status in a form": (b"message=done", FORM, ["got no status"]),
    "an unknown field": (
        b'{"status":"up","duration":3}',
        JSON,
        ["expected status or message, got 'duration'"],
    ),
    "an unknown field in a form": (
        b"status=up&ping=3",
        FORM,
        ["expected status or message, got 'ping'"],
    ),
    "a field twice in a form": (b"status=up&status=down", FORM, ["twice"]),
    "a message that is a number": (
        b'{"status":"up","message":3}',
        JSON,
        ["message: expected a string"],
    ),
    "a message that is null": (
        b'{"status":"up","message":null}',
        JSON,
        ["message: expected a string"],
    ),
    "a list": (b'["up"]', JSON, ["expected a JSON object"]),
    "a string": (b'"up"', JSON, ["expected a JSON object"]),
    "a bare word": (b"up", JSON, ["expected JSON"]),
    "a bare word as a form": (b"up", FORM, ["expected JSON", "or a form", "got neither"]),
    "half an object": (b'{"status":', JSON, ["expected JSON"]),
    "bytes that are not UTF-8": (b'{"status":"up","message":"\xff"}', JSON, ["UTF-8"]),
    "a form that is not UTF-8": (
        b"status=up&message=%FF",
        FORM,
        ["expected JSON", "or a form", "got neither"],
    ),
    "a lone surrogate": (b'{"status":"up","message":"\\ud800"}', JSON, ["expected JSON"]),
    "ten thousand brackets": (b"[" * 10_000, JSON, ["expected JSON"]),
    "a thousand fields": (b"&".join(b"f%d=1" % n for n in range(1000)), FORM, ["neither"]),
}


def parsed(body: bytes, content_type: str) -> Push:
    return parse_push(body, content_type, received_timestamp=NOW)


@pytest.mark.parametrize("case", VALID)
def test_a_valid_body_is_a_push(case: str) -> None:
    body, content_type, push = VALID[case]

    assert parsed(body, content_type) == push


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_body_is_rejected_with_the_expected_form(case: str) -> None:
    body, content_type, words = INVALID[case]

    with pytest.raises(MalformedPush) as rejection:
        parsed(body, content_type)

    assert all(word in str(rejection.value) for word in words), str(rejection.value)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data"])
def test_other_media_types_are_rejected_with_the_expected_types(content_type: str) -> None:
    with pytest.raises(UnsupportedBody, match=r"application/json or application/x-www-form"):
        parsed(b'{"status":"up"}', content_type)


def test_a_long_message_is_cut_and_the_push_says_so() -> None:
    body = json.dumps({"status": "up", "message": "ü" * (MAX_MESSAGE_CHARS + 1)}).encode()

    push = parsed(body, JSON)

    assert push == Push(PushKind.UP, NOW, "ü" * MAX_MESSAGE_CHARS, message_truncated=True)


def test_a_message_of_just_the_allowed_length_is_whole() -> None:
    body = json.dumps({"status": "up", "message": "x" * MAX_MESSAGE_CHARS}).encode()

    assert not parsed(body, JSON).message_truncated


@given(body=st.binary(max_size=200), content_type=st.sampled_from(["", JSON, FORM, "text/plain"]))
def test_any_bytes_are_a_push_or_a_clear_rejection(body: bytes, content_type: str) -> None:
    push = UP
    with suppress(MalformedPush, UnsupportedBody):
        push = parsed(body, content_type)

    assert len(push.message) <= MAX_MESSAGE_CHARS


@given(status=st.sampled_from(PushKind), message=st.text(st.characters(exclude_categories=["Cs"])))
def test_every_message_arrives_as_it_was_sent(status: PushKind, message: str) -> None:
    body = json.dumps({"status": status, "message": message}).encode()

    assert parsed(body, JSON).message == message[:MAX_MESSAGE_CHARS]


@given(secret=st.text("abcdefghijklmnop", min_size=12))
def test_a_rejection_repeats_no_value_of_the_client(secret: str) -> None:
    body = json.dumps({"status": secret, "message": [secret]}).encode()

    with pytest.raises(MalformedPush) as rejection:
        parsed(body, JSON)

    assert secret not in str(rejection.value)
