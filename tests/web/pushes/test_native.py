"""A native push: every form that a job may send, and every mistake."""

import json
from contextlib import suppress
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.errors import MalformedPush, UnsupportedBody
from yuptime_exporter.core.messages import STORED_CHARS
from yuptime_exporter.core.model import PushKind
from yuptime_exporter.web.pushes.exchange import Report
from yuptime_exporter.web.pushes.native import parse_report

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
UP = Report(PushKind.UP)
DONE = Report(PushKind.UP, "done")
DOWN = Report(PushKind.DOWN)
FAILED = Report(PushKind.DOWN, "disk full")

VALID = {
    "nothing": (b"", "", UP),
    "nothing, whatever its type": (b"", "text/xml", UP),
    "up": (b'{"status": "up"}', JSON, UP),
    "down": (b'{"status":"down"}', JSON, DOWN),
    "a message": (b'{"status":"up","message":"done"}', JSON, DONE),
    "white space around JSON": (b'\r\n\t {"status":"down"}\r\n', JSON, DOWN),
    "escapes in names and values": (b'{"st\\u0061tus":"d\\u006fwn"}', JSON, DOWN),
    "JSON without a content type": (b'{"status":"up","message":"done"}', "", DONE),
    "JSON with a charset": (b'{"status":"down"}', "Application/JSON; charset=utf-8", DOWN),
    "JSON as curl -d sends it": (b'{"status":"down"}', FORM, DOWN),
    "JSON after white space as a form": (b'\n {"status":"down"}', FORM, DOWN),
    "JSON as fetch sends it": (b'{"status":"down"}', "text/plain;charset=UTF-8", DOWN),
    "JSON as text/json": (b'{"status":"down"}', "text/json", DOWN),
    "JSON of a vendor": (b'{"status":"down"}', "application/vnd.acme.v3+json", DOWN),
    "a form": (b"status=up&message=done", FORM, DONE),
    "a form in another order": (b"message=disk+full&status=down", FORM, FAILED),
    "a form without a content type": (b"status=down&message=disk+full", "", FAILED),
    "a form as text": (b"status=down&message=disk+full", "text/plain", FAILED),
    "a form with escapes": (b"%73tatus=%64own&message=disk%20full", FORM, FAILED),
    "a form with an empty message": (b"status=up&message=", FORM, UP),
    "a form that ends in LF": (b"status=down\n", FORM, DOWN),
    "a form that ends in CR LF": (b"status=down\r\n", FORM, DOWN),
    "a form with empty pairs": (b"&status=down&&message=disk+full&", FORM, FAILED),
    "a message that is null": (b'{"status":"down","message":null}', JSON, DOWN),
    "a message that is a number": (
        b'{"status":"down","message":137}',
        JSON,
        Report(PushKind.DOWN, "137"),
    ),
    "a message that is a number of 5,000 digits": (
        b'{"status":"down","message":' + b"9" * 5000 + b"}",
        JSON,
        Report(PushKind.DOWN, "Infinity"),
    ),
    "a message that is an object": (
        b'{"status":"down","message":{"code":[1.5,true,null,{}],"code":"x"}}',
        JSON,
        Report(PushKind.DOWN, '{"code": "x"}'),
    ),
    "a message that is a list": (
        b'{"status":"down","message":[1.5,true,null,{"a":{}}]}',
        JSON,
        Report(PushKind.DOWN, '[1.5, true, null, {"a": {}}]'),
    ),
    "a message with raw control characters": (
        b'{"status":"down","message":"one\n\ttwo\x1b[0m"}',
        JSON,
        Report(PushKind.DOWN, "one\n\ttwo\ufffd[0m"),
    ),
    "a message with escaped control characters": (
        b'{"status":"down","message":"one\\ntwo\\u0000"}',
        JSON,
        Report(PushKind.DOWN, "one\ntwo\ufffd"),
    ),
}

QUERIES = {
    "down": ("status=down", b"", DOWN),
    "down with a message": ("status=down&message=disk%20full", b"", FAILED),
    "escaped bytes that are not UTF-8": (
        "status=down&message=%E9",
        b"",
        Report(PushKind.DOWN, "\ufffd"),
    ),
    "a percent sign that escapes nothing": (
        "status=down&message=93%&",
        b"",
        Report(PushKind.DOWN, "93%"),
    ),
    "the status in the query and the message in a form": (
        "status=down",
        b"message=disk+full",
        FAILED,
    ),
    "the message in the query and the status in JSON": (
        "message=disk+full",
        b'{"status":"down"}',
        FAILED,
    ),
}

STATUS = 'status: expected "up", "down", "start" or "log", got '

INVALID = {
    "an unknown status": (b'{"status":"OK"}', JSON, STATUS + "another value"),
    "a status in capitals": (b'{"status":"UP"}', JSON, STATUS + 'another spelling of "up"'),
    "a status with white space": (
        b'{"status":"down\\n"}',
        JSON,
        STATUS + 'another spelling of "down"',
    ),
    "an empty status": (b'{"status":""}', JSON, STATUS + "an empty one"),
    "a status that is true": (b'{"status":true}', JSON, STATUS + "a boolean"),
    "a status that is null": (b'{"status":null}', JSON, STATUS + "null"),
    "a status that is 0": (b'{"status":0}', JSON, STATUS + "a number"),
    "a status that is NaN": (b'{"status":NaN}', JSON, STATUS + "a number"),
    "a status that is a list": (b'{"status":["down"]}', JSON, STATUS + "a list"),
    "a status that is an object": (b'{"status":{"down":1}}', JSON, STATUS + "an object"),
    "no status": (b'{"message":"done"}', JSON, STATUS + "no status"),
    "no status in a form": (b"message=done", FORM, STATUS + "no status"),
    "an empty object": (b"{ }", JSON, STATUS + "no status"),
    "a form of empty pairs": (b"&&", FORM, STATUS + "no status"),
    "an empty status in a form": (b"status=", FORM, STATUS + "an empty one"),
    "semicolons between fields": (b"status=down;message=x", FORM, "fields are separated by &"),
    "lines between fields": (b"status=down\r\nmessage=x\r\n", FORM, "fields are separated by &"),
    "a status twice in JSON": (
        b'{"status":"down","status":"up"}',
        JSON,
        "status: expected once, got twice",
    ),
    "a status twice alike": (
        b'{"status":"up","status":"up"}',
        JSON,
        "status: expected once, got twice",
    ),
    "a status twice by an escape": (
        b'{"status":"down","st\\u0061tus":"up"}',
        JSON,
        "status: expected once, got twice",
    ),
    "a message twice in JSON": (
        b'{"status":"up","message":"a","message":"b"}',
        JSON,
        "message: expected once, got twice",
    ),
    "a field twice in a form": (b"status=up&status=down", FORM, "status: expected once, got twice"),
    "an unknown field": (
        b'{"status":"up","duration":3}',
        JSON,
        "body: expected the fields status, message, runId, durationSeconds, exitCode, got an unknown field",
    ),
    "a field in capitals": (b'{"Status":"down"}', JSON, 'did you mean "status"?'),
    "an unknown field in a form": (b"status=up&msg=3", FORM, 'did you mean "message"?'),
    "a field without a name": (b"status=up&=x", FORM, "got an unknown field"),
    "an & in a message": (b"status=down&message=a & b", FORM, "written %26"),
    "too many fields": (b"&".join(b"f%d=1" % n for n in range(1000)), FORM, "at most 20 fields"),
    "a list": (b'["up"]', JSON, "expected a JSON object"),
    "a list as a form": (b'[{"status":"up"}]', FORM, "got a list"),
    "a string": (b'"up"', JSON, "got a string"),
    "a string as a form": (b'"status=up"', FORM, "got a string"),
    "a number": (b"-1", JSON, "got a number"),
    "null": (b"null", JSON, "got null"),
    "true": (b"true", JSON, "got a boolean"),
    "a form as JSON": (b"status=up", JSON, "expected a JSON object"),
    "a bare word as JSON": (b"up", JSON, "expected a JSON object"),
    "a bare word as a form": (b"up", FORM, "got neither"),
    "a bare word as text": (b"up", "text/plain", "got neither"),
    "white space": (b" \r\n", JSON, "got white space"),
    "white space as a form": (b"\n", FORM, "got white space"),
    "a byte order mark": (b"\xef\xbb\xbf", JSON, "got white space"),
    "a NUL": (b"\0", "", "got neither"),
    "four NULs": (b"\0\0\0\0", JSON, "expected a JSON object"),
    "half an object": (b'{"status":', JSON, "line 1, column 11: expected a value, got the end"),
    "half a string": (b'{"status":"up', JSON, "line 1, column 11: expected that the string"),
    "no quotes": (b"{status:down}", JSON, "column 2: expected a field name in double quotes"),
    "no colon": (b'{"status" "up"}', JSON, "column 11: expected a colon"),
    "a quote inside a string": (
        b'{"status":"up",\n"message":"a "b""}',
        JSON,
        "line 2, column 15: expected a comma or a closing bracket",
    ),
    "a backslash inside a string": (
        b'{"status":"up",\n"message":"C:\\Users"}',
        JSON,
        "line 2, column 14: expected an escape",
    ),
    "half an escape": (b'{"status":"\\u12"}', JSON, "expected four hexadecimal digits"),
    "two objects": (
        b'{"status":"up"}\n{"status":"down"}',
        JSON,
        "line 2, column 1: expected nothing after the object",
    ),
    "ten thousand brackets": (
        b'{"status":"up","message":' + b"[" * 10_000,
        JSON,
        "nested too deeply",
    ),
}

INVALID_QUERIES = {
    "another status": ("status=fail", b"", STATUS + "another value"),
    "a status for another tool": ("status=true&msg=OK&ping=", b"", "query: expected the fields"),
    "a bare word": ("down", b"", "query: expected a form such as"),
    "a field without a value": ("status", b"", "query: expected a form such as"),
    "an unknown field": ("state=down", b"", 'did you mean "status"?'),
    "only the message": ("message=disk+full", b"", STATUS + "no status"),
    "nothing but a separator": ("&", b"", STATUS + "no status"),
    "the status twice": ("status=up&status=down", b"", "status: expected once, got twice"),
    "the status also in a form": ("status=up", b"status=down", "status: expected once, got twice"),
    "the status also in JSON": (
        "status=up",
        b'{"status":"down"}',
        "status: expected once, got twice",
    ),
    "the message also in JSON": (
        "message=a",
        b'{"status":"down","message":"b"}',
        "message: expected once, got twice",
    ),
}


def parsed(body: bytes, media_type: str = "", *, query: str = "") -> Report:
    return parse_report(body, media_type, query=query)


@pytest.mark.parametrize("case", VALID)
def test_a_valid_body_is_a_push(case: str) -> None:
    body, media_type, push = VALID[case]

    assert parsed(body, media_type) == push


@pytest.mark.parametrize("case", QUERIES)
def test_a_query_is_read_like_a_form(case: str) -> None:
    query, body, push = QUERIES[case]

    assert parsed(body, query=query) == push


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_body_is_rejected_with_the_expected_form(case: str) -> None:
    body, media_type, words = INVALID[case]

    with pytest.raises(MalformedPush) as rejection:
        parsed(body, media_type)

    assert words in str(rejection.value)


@pytest.mark.parametrize("case", INVALID_QUERIES)
def test_an_invalid_query_is_rejected_whatever_the_body_says(case: str) -> None:
    query, body, words = INVALID_QUERIES[case]

    with pytest.raises(MalformedPush) as rejection:
        parsed(body, query=query)

    assert words in str(rejection.value)


@pytest.mark.parametrize(
    "media_type", ["application/xml", "image/png", "applictaion/json", "json", "application/jsonx"]
)
def test_other_media_types_are_rejected_with_the_expected_types(media_type: str) -> None:
    with pytest.raises(UnsupportedBody, match=r"application/json or application/x-www-form.*other"):
        parsed(b'{"status":"up"}', media_type)


def test_fields_in_parts_are_rejected_with_what_to_send_instead() -> None:
    with pytest.raises(UnsupportedBody, match=r"got multipart/form-data \(use curl -d"):
        parsed(b"--x\r\n", "multipart/form-data; boundary=x")


FORMS_IN_CHARSETS = {
    "UTF-16 without a charset": ("status=down&message=磁盘+%31", "utf-16", FORM),
    "UTF-16 of one byte order": ("status=down&message=磁盘+%31", "utf-16-be", "text/plain"),
    "a byte order mark": ("status=down&message=磁盘+%31", "utf-8-sig", f"{FORM}; charset=gbk"),
    "GBK": ("status=down&message=磁盘+%31", "gbk", f"{FORM} ; charset=GBK"),
    "ISO 2022, where & is half a character": (
        "status=down&message=磁盘うう+%31",
        "iso2022_jp_2",
        f"{FORM}; charset=iso-2022-jp-2",
    ),
}


@pytest.mark.parametrize("case", FORMS_IN_CHARSETS)
def test_a_form_is_read_in_its_charset(case: str) -> None:
    form, encoding, media_type = FORMS_IN_CHARSETS[case]
    message = form.partition("message=")[2].replace("+%31", " 1")

    assert parsed(form.encode(encoding), media_type) == Report(PushKind.DOWN, message)


def test_escaped_bytes_of_a_form_belong_to_its_charset() -> None:
    # A browser escapes only the first of the two bytes of 碅, which are B4 41.
    body = b"status=down&message=%B4A"

    assert parsed(body, f"{FORM}; charset=gbk").message == b"\xb4A".decode("gbk")


def test_a_long_message_keeps_its_head_and_its_tail_and_the_push_says_so() -> None:
    body = json.dumps({"status": "up", "message": "H" * 10_000 + "T" * 10_000}).encode()

    push = parsed(body, JSON)

    assert push.message_truncated
    assert len(push.message) == STORED_CHARS
    assert push.message.startswith("H" * 995)
    assert push.message.endswith("T" * 9000)


def test_a_message_of_just_the_allowed_length_is_whole() -> None:
    body = json.dumps({"status": "up", "message": "x" * STORED_CHARS}).encode()

    assert parsed(body, JSON) == Report(PushKind.UP, "x" * STORED_CHARS)


MEDIA_TYPES = ["", JSON, FORM, "text/plain", "text/plain; charset=utf-16", f"{JSON}; charset=gbk"]


@given(body=st.binary(max_size=200), media_type=st.sampled_from(MEDIA_TYPES), query=st.text())
def test_any_bytes_are_a_push_or_a_clear_rejection(
    body: bytes, media_type: str, query: str
) -> None:
    push = UP
    with suppress(MalformedPush, UnsupportedBody):
        push = parsed(body, media_type, query=query)

    assert len(push.message) <= STORED_CHARS


@given(
    body=st.one_of(
        st.binary(min_size=1),
        st.text(min_size=1).map(lambda text: text.encode("utf-8", "replace")),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(
            lambda value: json.dumps(value).encode()
        ),
        st.dictionaries(st.text(), st.text()).map(lambda value: json.dumps(value).encode()),
    ).filter(lambda body: b"up" not in body and b"u\0p" not in body and b"\0u" not in body),
    media_type=st.sampled_from(MEDIA_TYPES),
)
def test_nothing_that_does_not_say_up_is_read_as_up(body: bytes, media_type: str) -> None:
    with suppress(MalformedPush, UnsupportedBody):
        assert parsed(body, media_type).kind is PushKind.DOWN


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]))


@given(status=st.sampled_from(["up", "down"]), message=TEXTS)
def test_every_message_arrives_as_it_was_sent_in_every_form(status: str, message: str) -> None:
    fields = {"status": status, "message": message}
    form = f"status={status}&message={quote_plus(message)}"
    push = Report(PushKind(status), message)

    assert parsed(json.dumps(fields).encode(), JSON) == push
    assert parsed(json.dumps(fields, ensure_ascii=False).encode("utf-16"), JSON) == push
    assert parsed(form.encode(), FORM) == push
    assert parsed(b"", query=form) == push


@given(message=st.binary(), charset=st.sampled_from(["", "utf-8", "gbk", "shift_jis", "utf-99"]))
def test_no_bytes_in_a_message_cost_the_status(message: bytes, charset: str) -> None:
    harmless = message.translate(None, b'"\\{}&=')
    body = b'{"status":"down","message":"' + harmless + b'"}'

    assert parsed(body, f"{JSON}; charset={charset}").kind is PushKind.DOWN
    assert parsed(b"status=down&message=" + harmless, f"{FORM}; charset={charset}").kind is (
        PushKind.DOWN
    )


@given(secret=st.text("abcdefghijklmnop", min_size=12))
def test_a_rejection_repeats_nothing_of_the_client(secret: str) -> None:
    for body, media_type, query in (
        (json.dumps({"status": secret, "message": [secret]}).encode(), JSON, ""),
        (json.dumps({secret: "up"}).encode(), JSON, ""),
        (secret.encode(), JSON, ""),
        (b'{"status": ' + secret.encode(), JSON, ""),
        (secret.encode(), FORM, ""),
        (f"{secret}=up".encode(), FORM, ""),
        (b"x", secret, ""),
        (b"", "", secret),
        (b"", "", f"status=up&{secret}=x"),
    ):
        with pytest.raises((MalformedPush, UnsupportedBody)) as rejection:
            parsed(body, media_type, query=query)

        assert secret not in str(rejection.value)
