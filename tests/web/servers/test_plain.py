"""The requests that the fast way reads, and those that it leaves to aiohttp."""

import pytest

from yuptime_exporter.web.http import Answer
from yuptime_exporter.web.servers import plain
from yuptime_exporter.web.servers.plain import answer_bytes, plain_request

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


EMPTY_LINE = b"POST /api/push/jobs/backup HTTP/1.1"
EMPTY = EMPTY_LINE + b"\r\n" + HEADERS + b"\r\n"


def test_a_common_push_is_read() -> None:
    found = plain_request(post(line=b"POST /api/push/jobs/backup?message=a%20b HTTP/1.1"))

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
    found = plain_request(post(headers=headers))

    assert found is not None
    assert found.headers.getall("Authorization") == ["Bearer t"]
    assert found.headers["Host"] == "x"


def test_each_token_stays_with_its_own_request() -> None:
    tokens = [b"a", b"b", b"a"]
    found = [
        plain_request(post(headers=b"Host: x\r\nAuthorization: %b\r\n" % one)) for one in tokens
    ]

    assert [one and one.headers["Authorization"] for one in found] == ["a", "b", "a"]


@pytest.mark.parametrize("line", [b"POST /api/push/jobs/backup HTTP/1.1", b"GET /ping/t HTTP/1.1"])
def test_a_push_may_have_no_body_and_no_length(line: bytes) -> None:
    found = plain_request(EMPTY.replace(EMPTY_LINE, line))

    assert found is not None
    assert (found.method, found.body) == (line.partition(b" ")[0].decode(), b"")


# Recorded, apart from host and token.
CLIENTS = {
    "curl -X POST": b"Host: x\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n",
    "curl --json": (
        b"Host: x\r\nUser-Agent: curl/7.88.1\r\nContent-Type: application/json\r\n"
        b"Accept: application/json\r\n"
    ),
    "wget --post-data": (
        b"Host: x\r\nUser-Agent: Wget/1.21.3\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        b"Connection: Keep-Alive\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    ),
    "urllib of Python": (
        b"Accept-Encoding: identity\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Host: x\r\nUser-Agent: Python-urllib/3.11\r\nConnection: close\r\n"
    ),
    "requests of Python": (
        b"Host: x\r\nUser-Agent: python-requests/2.34.2\r\nAccept-Encoding: gzip, deflate\r\n"
        b"Accept: */*\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n"
    ),
    "fetch of Node": (
        b"host: x\r\nconnection: keep-alive\r\nContent-Type: application/json\r\naccept: */*\r\n"
        b"accept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\n"
        b"accept-encoding: gzip, deflate\r\n"
    ),
    "net/http of Go": (b"Host: x\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n"),
    "HTTP::Tiny of Perl": (
        b"Host: x\r\nUser-Agent: HTTP-Tiny/0.080\r\nContent-Type: application/octet-stream\r\n"
    ),
}


@pytest.mark.parametrize("headers", CLIENTS.values(), ids=CLIENTS.keys())
def test_what_clients_of_jobs_send_is_read(headers: bytes) -> None:
    token = b"Authorization: Bearer t\r\n"

    assert plain_request(post(headers=headers + token)) is not None
    assert plain_request(EMPTY_LINE + b"\r\n" + headers + token + b"\r\n") is not None


# As ingress-nginx, Traefik, Envoy, the load balancer of AWS, Cloudflare and browsers add them.
PASSED_ON = {
    "X-Request-ID": "0123456789abcdef",
    "X-Forwarded-Server": "traefik-7f",
    "x-envoy-attempt-count": "1",
    "X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678",
    "CF-RAY": "230b030023ae2822-SJC",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "sec-fetch-mode": "cors",
    "X-Empty": "",
}


def test_headers_of_proxies_and_tracers_are_passed_on_and_not_remembered() -> None:
    for number in range(2):
        sent = {**PASSED_ON, "X-Request-ID": str(number)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        found = plain_request(post(headers=lines.encode() + HEADERS))

        assert found is not None
        assert {name: found.headers[name] for name in sent} == sent
        assert found.headers["Authorization"] == "Bearer t"
    found = plain_request(post())
    assert found is not None
    assert set(found.headers) == {"Host", "Content-Length", "Authorization"}


def test_the_memory_for_headers_has_a_bound() -> None:
    for number in range(3000):
        agent = b"User-Agent: job-%d\r\n" % number
        assert plain_request(post(headers=HEADERS + agent)) is not None

    assert 0 < len(plain._remembered) <= plain._MAX_REMEMBERED


@pytest.mark.parametrize("value", [b"close", b"Close", b"keep-alive"])
def test_a_client_may_ask_for_the_end_of_the_connection(value: bytes) -> None:
    found = plain_request(post(headers=HEADERS + b"Connection: " + value + b"\r\n"))

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
        post(b"", length=b""),
        post(line=b"PUT /api/push/jobs/backup HTTP/1.1"),
        post(line=b"HEAD /ping/t HTTP/1.1"),
        post(line=b"GET /ping/t?msg=<> HTTP/1.1"),
        EMPTY + b"status=up",
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
        post(headers=HEADERS + b"X-Request-ID: 1\r\nx-request-id: 2\r\n"),
        post(headers=HEADERS + b"X-Request-ID : 1\r\n"),
        post(headers=HEADERS + b"X-Request_ID: 1\r\n"),
        post(headers=HEADERS + b"X-Request-ID\r\n"),
        post(headers=HEADERS + b"X-Request-ID: a\tb\r\n"),
        post(headers=HEADERS + b"X-Request-ID: a\r\n folded\r\n"),
        post(headers=HEADERS + b"X-Request-ID: a\nTransfer-Encoding: chunked\r\n"),
        post(headers=HEADERS + b"X-Request-ID: a\rTransfer-Encoding: chunked\r\n"),
        post(headers=HEADERS + b"X-: a\r\nX\r\n"),
        post(headers=HEADERS + b"X-Request-ID: 1\r\nTransfer-Encoding: chunked\r\n"),
        post(headers=HEADERS + b"".join(b"X-%d: 1\r\n" % number for number in range(33))),
        post(headers=HEADERS + b"Sec-WebSocket-Key: a\r\n"),
        post(headers=HEADERS + b"User-Agent: " + b"x" * 4096 + b"\r\n"),
    ],
)
def test_a_request_that_needs_a_judgement_is_left_to_aiohttp(data: bytes) -> None:
    assert plain_request(data) is None


def test_an_answer_ends_the_connection_only_where_it_says_so() -> None:
    kept = answer_bytes(Answer(body=b"<>"), closes=False)
    closed = answer_bytes(Answer(body=b"<>"), closes=True)

    assert closed == kept.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert kept.startswith(b"HTTP/1.1 200 OK\r\n")
    assert kept.endswith(b"\r\n\r\n<>")
