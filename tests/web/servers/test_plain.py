"""The requests that the fast way reads, and those that it leaves to aiohttp."""

import pytest

from yuptime_exporter.web.http import Answer
from yuptime_exporter.web.servers.plain import answer_bytes, plain_post

HEADERS = b"Host: x\r\nAuthorization: Bearer t\r\n"


def post(
    body: bytes = b"status=up",
    *,
    line: bytes = b"POST /api/push/jobs/backup HTTP/1.1",
    headers: bytes = HEADERS,
    length: bytes | None = None,
) -> bytes:
    sized = b"Content-Length: %s\r\n" % (b"%d" % len(body) if length is None else length)
    return line + b"\r\n" + headers + sized + b"\r\n" + body


def test_a_common_push_is_read() -> None:
    found = plain_post(post(line=b"POST /api/push/jobs/backup?message=a%20b HTTP/1.1"))

    assert found is not None
    assert (found.path, found.query) == ("/api/push/jobs/backup", "message=a%20b")
    assert found.headers["authorization"] == "Bearer t"
    assert (found.body, found.closes) == (b"status=up", False)


@pytest.mark.parametrize(
    "headers",
    [
        b"Authorization: Bearer t\r\nHost: x\r\n",
        b"Host: x\r\nAuthorization:Bearer t  \r\nAccept: */*\r\n",
        b"host: x\r\nauthorization:  Bearer t\r\n",
    ],
)
def test_the_token_may_stand_in_any_line_of_the_head(headers: bytes) -> None:
    found = plain_post(post(headers=headers))

    assert found is not None
    assert found.headers.getall("Authorization") == ["Bearer t"]
    assert found.headers["Host"] == "x"


def test_each_token_stays_with_its_own_request() -> None:
    tokens = [b"a", b"b", b"a"]
    found = [plain_post(post(headers=b"Host: x\r\nAuthorization: %b\r\n" % one)) for one in tokens]

    assert [one and one.headers["Authorization"] for one in found] == ["a", "b", "a"]


@pytest.mark.parametrize("value", [b"close", b"Close", b"keep-alive"])
def test_a_client_may_ask_for_the_end_of_the_connection(value: bytes) -> None:
    found = plain_post(post(headers=HEADERS + b"Connection: " + value + b"\r\n"))

    assert found is not None
    assert found.closes is (value.lower() == b"close")


@pytest.mark.parametrize(
    "data",
    [
        post()[:-1],
        post() + b"x",
        post() * 2,
        post(length=b"09"),
        post(length=b"+9"),
        post(b""[:0], length=b""),
        post(line=b"GET /api/push/jobs/backup HTTP/1.1"),
        post(line=b"POST /api/push/jobs/backup HTTP/1.0"),
        post(line=b"POST /api/push/jobs/back%75p HTTP/1.1"),
        post(line=b"POST /a#b HTTP/1.1"),
        post(line=b"POST  /a HTTP/1.1"),
        post(line=b"POST http://x/a HTTP/1.1"),
        post(headers=b"Authorization: Bearer t\r\n"),
        post(headers=HEADERS + b"Host: x\r\n"),
        post(headers=HEADERS + b"Authorization: Bearer u\r\n"),
        post(headers=HEADERS + b"authorization: Bearer u\r\n"),
        post(headers=b"Host: x\r\nProxy-Authorization: Bearer t\r\n"),
        post(headers=b"Host: x\r\nVia: authorization: Bearer t\r\n"),
        post(headers=b"Host: x\r\nAuthorization: Bearer t\tu\r\n"),
        post(headers=b"Host: x\r\nAuthorization: Bearer t\nVia: u\r\n"),
        post(headers=b"Host: x\r\nAuthorization: Bearer \xe4\r\n"),
        post(headers=b"Host: x\r\nAuthorization: Bearer t\r\n folded\r\n"),
        post(headers=b"Host: x\r\nAuthorization : Bearer t\r\n"),
        post(headers=HEADERS + b"Content-Length: 9\r\n"),
        post(headers=HEADERS + b"Transfer-Encoding: chunked\r\n"),
        post(headers=HEADERS + b"Expect: 100-continue\r\n"),
        post(headers=HEADERS + b"Connection: upgrade\r\n"),
        post(headers=HEADERS + b"Connection: close, x\r\n"),
        post(headers=HEADERS + b"Accept: a\r\n b\r\n"),
        post(headers=HEADERS + b"Accept : a\r\n"),
        post(headers=HEADERS + b"Accept: a\tb\r\n"),
        post(headers=HEADERS + b"Accept: a\nVia: b\r\n"),
        post(headers=HEADERS + b"Accept: \xe4\r\n"),
        post(headers=HEADERS + b"Unknown: a\r\n"),
        post(headers=HEADERS + b"User-Agent: " + b"x" * 4096 + b"\r\n"),
    ],
)
def test_a_request_that_needs_a_judgement_is_left_to_aiohttp(data: bytes) -> None:
    assert plain_post(data) is None


def test_an_answer_ends_the_connection_only_where_it_says_so() -> None:
    kept = answer_bytes(Answer(body=b"<>"), closes=False)
    closed = answer_bytes(Answer(body=b"<>"), closes=True)

    assert closed == kept.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert kept.startswith(b"HTTP/1.1 200 OK\r\n")
    assert kept.endswith(b"\r\n\r\n<>")
