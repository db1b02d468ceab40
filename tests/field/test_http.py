"""Requests as devices, libraries, proxies and scanners send them: headers, framing, and the rest.

Every case is sent as literal bytes to one running exporter. The answer is the exporter's
own, repeats nothing of the request, and leaves no error in the log.
"""

import base64
import re
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.field.running import (
    AUTHORIZATION,
    FORM,
    JSON,
    RunningExporter,
    recorded,
    running_exporter,
)
from tests.manifests import TOKEN

Parts = list[bytes]

KEY = TOKEN.encode()
BODY = b'{"status":"down"}'
H2C = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
)
CHUNKED = b"Transfer-Encoding: chunked\r\n"

# Bytes of the requests below that no answer may have, and names of the software behind it.
NEVER = (b"aiohttp", b"Python", KEY, b"xxxxxxxx", b"192.168", b"QUIT", b"X-Job", b"disk", b"unexp")


def push(
    headers: bytes = b"",
    body: bytes = b"status=down",
    content_type: bytes = FORM,
    *,
    authorization: bytes = AUTHORIZATION,
    with_length: bool = True,
    line: bytes = b"POST /api/push/field/NAME HTTP/1.1",
    host: bytes = b"Host: exporter.example\r\n",
) -> bytes:
    """Return a request that keeps its connection; `NAME` stands for its monitor."""
    length = b"Content-Length: %d\r\n" % len(body) if with_length else b""
    media = b"Content-Type: " + content_type + b"\r\n" if content_type else b""
    return line + b"\r\n" + host + authorization + media + length + headers + b"\r\n" + body


def by(authorization: bytes) -> bytes:
    """Return a push with this value of Authorization."""
    return push(authorization=b"Authorization: " + authorization + b"\r\n")


@dataclass(frozen=True)
class Case:
    """One exchange of a public report, or a sibling of one.

    Attributes:
        sentence: the special part of it; names the test.
        source: the public report, as `owner/repo#number`; empty: a sibling of one.
        parts: sent with a pause between, so that they do not share a segment.
        statuses: of all answers, in their order.
        status: the last recorded one of the monitor; None: none.
        leaves: the client resets the connection instead of waiting for answers.
        says: a part of the last answer.
    """

    sentence: str
    source: str
    parts: Parts
    statuses: tuple[int, ...] = (200,)
    status: str | None = "down"
    leaves: bool = False
    says: bytes = b""

    def __str__(self) -> str:
        return self.sentence


def refused(sentence: str, source: str, sent: bytes, status: int = 400, says: bytes = b"") -> Case:
    return Case(sentence, source, [sent], (status,), None, says=says)


AUTHORIZED = [
    Case(
        "The token is a password of Basic authentication.",
        "usememos/memos#4202",
        [by(b"Basic " + base64.b64encode(b"x:" + KEY))],
    ),
    Case(
        "The scheme is written bearer in lower case.", "divviup/janus#3107", [by(b"bearer " + KEY)]
    ),
    Case(
        "The scheme is BEARER with two spaces after it.",
        "jetkvm/cloud-api#85",
        [by(b"BEARER  " + KEY)],
    ),
    Case(
        "A space stands behind the token, where tr put it in the place of a newline.",
        "MicrosoftDocs/azure-docs#96591",
        [by(b"Bearer " + KEY + b" ")],
    ),
    Case(
        "The header's name is written in capitals, without a space after the colon.",
        "",
        [push(authorization=b"AUTHORIZATION:Bearer " + KEY + b"\r\n")],
    ),
]

UNAUTHORIZED = [
    refused(sentence, source, sent, 401, b"WWW-Authenticate: Bearer")
    for sentence, source, sent in (
        ("The scheme is Token.", "vippsas/vipps-developers#299", by(b"Token " + KEY)),
        ("The word Bearer is forgotten.", "vippsas/vipps-developers#299", by(KEY)),
        ("The token stands in quotes.", "rudderlabs/rudder-server#2345", by(b'Bearer "%s"' % KEY)),
        (
            "Single quotes of the shell keep the variable's name.",
            "digitalocean/openapi#588",
            by(b"Bearer $YUPTIME_TOKEN"),
        ),
        (
            "The token is in base64, as kubectl prints it.",
            "Cornutum/tcases#243",
            by(b"Bearer " + base64.b64encode(KEY)),
        ),
        (
            "A backslash and an n stand at the end of the token.",
            "kiali/kiali#3021",
            by(b"Bearer " + KEY + b"\\n"),
        ),
        (
            "The token is the user name of Basic authentication, and the password is empty.",
            "",
            by(b"Basic " + base64.b64encode(KEY + b":")),
        ),
        (
            "A proxy adds its own Authorization.",
            "coollabsio/openclaw#38",
            push(b"Authorization: Basic Zm9vOmJhcg==\r\n"),
        ),
        (
            "The token comes in X-Authorization.",
            "ansible/aap-mcp-server#156",
            push(authorization=b"X-" + AUTHORIZATION),
        ),
        (
            "The same token comes twice, joined by a comma.",
            "",
            by(b"Bearer " + KEY + b", Bearer " + KEY),
        ),
        (
            "No space stands between the scheme and the token.",
            "allegro/allegro-api#3967",
            by(b"Bearer" + KEY),
        ),
        (
            "Two schemes with their values share one header.",
            "allegro/allegro-api#3967",
            by(b"Bearer " + KEY + b", Basic YXNkZnNhdGZzYWzm"),
        ),
        (
            "Two headers name two tokens.",
            "allegro/allegro-api#3967",
            push(b"Authorization: Bearer other\r\n"),
        ),
        (
            "The name of the user stands before the token, as in a file of htpasswd.",
            "khairul169/garage-webui#15",
            by(b"Bearer job:" + KEY),
        ),
        ("There is no Authorization.", "postmanlabs/httpbin#385", push(authorization=b"")),
        ("The token is empty.", "", by(b"Bearer ")),
        (
            "The token has bytes that are not ASCII.",
            "aio-libs/aiohttp#5838",
            by(b"Bearer caf\xe9\xff"),
        ),
        (
            "The monitor does not exist.",
            "TwiN/gatus#1011",
            push(line=b"POST /api/push/field/nosuch HTTP/1.1"),
        ),
    )
]

MALFORMED = [
    refused(
        "A newline stands at the end of the token, from a file that echo wrote, and further headers follow.",
        "cooperspencer/gickup#94",
        by(b"Bearer " + KEY + b"\n\r"),
    ),
    refused(
        "A carriage return stands at the end of the token, from a file with CRLF.",
        "OpenCTI-Platform/opencti#2482",
        by(b"Bearer " + KEY + b"\r"),
    ),
    refused("A token has 9,000 bytes.", "", by(b"Bearer " + b"x" * 9000), 431, b"8190 bytes"),
    refused("A cookie has 20 kB.", "", push(b"Cookie: a=" + b"x" * 20_000 + b"\r\n"), 431),
    refused(
        "There are 300 headers.",
        "",
        push(b"".join(b"X-H%d: y\r\n" % n for n in range(300))),
        431,
        b"128 headers",
    ),
    refused(
        "A query has 20 kB.",
        "auanasgheps/snapraid-aio-script#98",
        push(line=b"POST /api/push/field/NAME?status=down&message=" + b"x" * 20_000 + b" HTTP/1.1"),
        431,
    ),
    refused(
        "A space stands in the URL as it is.",
        "auanasgheps/snapraid-aio-script#98",
        push(line=b"POST /api/push/field/NAME?status=down&message=disk full HTTP/1.1"),
        says=b"%20",
    ),
    refused(
        "The method is in lower case.",
        "",
        push(line=b"post /api/push/field/NAME HTTP/1.1"),
        says=b"capitals",
    ),
    refused("There is no Host header.", "netty/netty#9115", push(host=b""), says=b"Host"),
    refused("A header has a NUL byte.", "", push(b"X-Job: a\x00b\r\n")),
    refused(
        "A space stands before the colon of a header.",
        "stephenberry/glaze#2661",
        push(b"X-Job : backup\r\n"),
        says=b"header",
    ),
    refused("A header is folded.", "boazsegev/iodine#113", push(b"X-Job: a\r\n b\r\n")),
    refused(
        "Lines end in LF alone.",
        "pistacheio/pistache#497",
        push().replace(b"\r\n", b"\n"),
        says=b"CR and LF",
    ),
    refused(
        "No empty line stands before the body.",
        "vshymanskyy/TinyGSM#392",
        push(b"Content-Length: 17\r\n", b"", JSON, with_length=False)[:-2] + BODY + b"\r\n",
        says=b"empty line",
    ),
    refused(
        "TLS is spoken to the plain port.",
        "home-assistant/core#126831",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)),
        says=b"TLS",
    ),
    refused(
        "A load balancer puts a PROXY line in front.",
        "hashicorp/consul#3926",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n" + push(),
    ),
    refused(
        "A load balancer speaks version 2 of the PROXY protocol.",
        "kubernetes/kubernetes#57250",
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\x0a\x00\x00\x01" * 3 + push(),
    ),
    refused(
        "A client opens with the preface of HTTP/2.",
        "OpenLiberty/open-liberty#25279",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        505,
    ),
    refused(
        "HTTP/2.0 stands in the request line.",
        "nmap/nmap#2430",
        push(line=b"POST /api/push/field/NAME HTTP/2.0"),
        505,
        b"HTTP/1.1 or HTTP/1.0",
    ),
    refused("HTTP/3 stands in the request line.", "", push(line=b"GET /-/healthy HTTP/3.0"), 505),
    refused(
        "An expectation is unknown.",
        "curl/curl#4949",
        push(b"Expect: the unexpected\r\n"),
        417,
        b"100-continue",
    ),
    refused(
        "An expectation has a byte that is not ASCII, without a token.",
        "aio-libs/aiohttp#5838",
        push(b"Expect: 100-c\xf6ntinue\r\n", authorization=b""),
        417,
    ),
]

PATHS = [
    Case(
        "The target is a whole URL, as through a forward proxy.",
        "",
        [push(line=b"POST http://exporter.example/api/push/field/NAME HTTP/1.1")],
    ),
    refused(
        "The slash between namespace and name is encoded.",
        "",
        push(line=b"POST /api/push/field%2FNAME HTTP/1.1"),
        404,
        b"/api/push/",
    ),
    refused(
        "The base URL ends in a slash, and the path begins with one.",
        "home-assistant/core#20295",
        push(line=b"POST //api/push/field/NAME HTTP/1.1"),
        404,
        b"/api/push/",
    ),
    refused("The path is in capitals.", "", push(line=b"POST /API/Push/field/NAME HTTP/1.1"), 404),
]

FRAMING = [
    Case(
        "JSON has no length and comes in a later packet.",
        "esphome/issues#3539",
        [push(b"Connection: close\r\n", b"", JSON, with_length=False), BODY],
        (411,),
        None,
    ),
    refused(
        "JSON has no length and comes in the same packet.",
        "esphome/issues#3539",
        push(b"Connection: close\r\n", b"", JSON, with_length=False) + BODY,
        411,
    ),
    refused(
        "A form has no length under HTTP/1.0.",
        "httpwg/http-core#22",
        push(line=b"POST /api/push/field/NAME HTTP/1.0", with_length=False),
        411,
    ),
    Case(
        "A body has neither length nor type: its status is not read as up.",
        "nmap/nmap#2430",
        [push(content_type=b"", with_length=False)],
        (411,),
        None,
    ),
    Case(
        "A length of 0 stands before JSON.",
        "espressif/esp-idf#2638",
        [push(body=b"", content_type=JSON) + BODY],
        (411,),
        None,
    ),
    Case(
        "A stray line end follows a complete push.",
        "",
        [push() + b"\r\n"],
    ),
    Case(
        "Garbage follows a complete push in the same packet.",
        "customerio/customerio-node#69",
        [push() + b"\x00\x00"],
        (200, 400),
    ),
    Case(
        "Garbage follows a complete push in the next packet.",
        "customerio/customerio-node#69",
        [push(), b"\x00\x00"],
        (200, 400),
    ),
    Case("Java offers h2c with JSON.", "reactor/reactor-netty#1071", [push(H2C, BODY, JSON)]),
    Case("curl --http2 offers h2c with a form.", "helidon-io/helidon#9354", [push(H2C)]),
    Case(
        "A proxy adds Upgrade: websocket.",
        "",
        [push(b"Connection: Upgrade\r\nUpgrade: websocket\r\n", BODY, JSON)],
    ),
    Case("A proxy adds an empty Upgrade.", "", [push(b"Connection: upgrade\r\nUpgrade: \r\n")]),
    Case(
        "A client waits for 100 Continue before its body.",
        "jbaldwin/liblifthttp#45",
        [
            push(b"Content-Length: 11\r\nExpect: 100-continue\r\n", b"", with_length=False),
            b"status=down",
        ],
        (100, 200),
    ),
    Case(
        "A body is shorter than its length, and its client ends.",
        "httpwg/http-core#22",
        [push(b"Content-Length: 40\r\n", b"status=up", with_length=False)],
        (400,),
        None,
        says=b"expected all of it",
    ),
    Case(
        "Chunks end in the middle, and their client ends.",
        "golang/go#16264",
        [push(CHUNKED, b'a\r\n{"status":\r\n', JSON, with_length=False)],
        (400,),
        None,
    ),
    refused(
        "A request has a length and chunks.",
        "mantidproject/mantid#15685",
        push(CHUNKED, b"11\r\n" + BODY + b"\r\n0\r\n\r\n", JSON),
        says=b"got both",
    ),
    refused("Two lengths agree.", "apache/trafficserver#3231", push(b"Content-Length: 11\r\n")),
    refused("Two lengths differ.", "apache/trafficserver#3231", push(b"Content-Length: 5\r\n")),
    refused(
        "A length is no number.",
        "nodejs/http-parser#456",
        push(b"Content-Length: 11 ANY\r\n", with_length=False),
        says=b"a number",
    ),
    refused(
        "A coding of transfer is unknown.",
        "",
        push(b"Transfer-Encoding: rot13\r\n", with_length=False),
        501,
    ),
    refused(
        "The size of a chunk is wrong, in one packet.",
        "",
        push(CHUNKED, b"5\r\n" + BODY + b"\r\n0\r\n\r\n", JSON, with_length=False),
        says=b"chunks",
    ),
    Case(
        "The size of a chunk is wrong, in packets of their own.",
        "",
        [push(CHUNKED, b"", JSON, with_length=False), b"5\r\n" + BODY, b"\r\n0\r\n\r\n"],
        (400,),
        None,
        says=b"chunks",
    ),
    Case(
        "A slow sensor sends its body byte by byte.",
        "espressif/esp-idf#3736",
        [
            push(b"Content-Length: 11\r\n", b"", with_length=False),
            *(b"%c" % c for c in b"status=down"),
        ],
    ),
    Case("Two pushes come in one packet.", "", [push(body=b"status=up") + push()], (200, 200)),
    Case(
        "Two pushes come one after the other on one connection.",
        "urllib3/urllib3#1911",
        [push(body=b"status=up"), push()],
        (200, 200),
    ),
    Case(
        "A connection closes after HTTP/1.0.",
        "ZigzagAK/ngx_dynamic_healthcheck#5",
        [push(line=b"POST /api/push/field/NAME HTTP/1.0") + push()],
        (200,),
    ),
    Case(
        "Ten ups are followed by a down: a change of status is not held back.",
        "",
        [push(body=b"status=up") * 10 + push()],
        (200,) * 11,
    ),
    Case(
        "A runaway loop pushes up 40 times in one packet.",
        "",
        [push(body=b"status=up") * 40],
        (200,) * 10 + (429,) * 30,
        "up",
        says=b"Retry-After",
    ),
]

LEAVING = [
    Case(sentence, source, parts, (), None, leaves=True)
    for sentence, source, parts in (
        (
            "A client leaves instead of waiting for 100 Continue.",
            "postmanlabs/httpbin#429",
            [push(b"Content-Length: 11\r\nExpect: 100-continue\r\n", b"", with_length=False)],
        ),
        (
            "A client leaves in the middle of its body.",
            "psf/requests#3458",
            [push(b"Content-Length: 40\r\n", b"status=up", with_length=False)],
        ),
        (
            "A client leaves in the middle of its chunks.",
            "golang/go#16264",
            [push(CHUNKED, b'a\r\n{"status":\r\n', JSON, with_length=False)],
        ),
        ("A client leaves in the middle of its head.", "", [push()[:50]]),
        ("A client leaves without a word.", "", [b""]),
        (
            "A client leaves before the answer to a scrape.",
            "",
            [b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"],
        ),
    )
]

CASES = [*AUTHORIZED, *UNAUTHORIZED, *MALFORMED, *PATHS, *FRAMING, *LEAVING]


@dataclass(frozen=True)
class Outcome:
    """The answers to an exchange, and the state after it."""

    received: bytes
    recorded: str | None

    @property
    def statuses(self) -> tuple[int, ...]:
        return tuple(int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", self.received))


@dataclass
class Replayed:
    """All outcomes, and the metrics and the log of the exporter at the end."""

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    metrics: str = ""
    log: str = ""


def leave(running: RunningExporter, part: bytes) -> bytes:
    """Send bytes, and reset the connection."""
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(part)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return b""


def exchange(running: RunningExporter, case: Case, name: str) -> bytes:
    parts = [part.replace(b"NAME", name.encode()) for part in case.parts]
    if case.leaves:
        return leave(running, parts[0])
    return running.send(*parts, pause_seconds=0.05, half_close=True).received


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    folder: Path = tmp_path_factory.mktemp("http")
    names = [f"m{number:03}" for number in range(len(CASES))]
    with running_exporter(folder, names, "--log.level=debug") as running:
        answers = {
            name: exchange(running, case, name) for case, name in zip(CASES, names, strict=True)
        }
        scrape = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        metrics = running.send(scrape).body.decode()
    stored = recorded(folder)
    return Replayed(
        {
            case.sentence: Outcome(answers[name], stored.get(name, (None,))[0])
            for case, name in zip(CASES, names, strict=True)
        },
        metrics,
        running.log.read_text(),
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_request_from_the_field_gets_the_right_answer(case: Case, replayed: Replayed) -> None:
    outcome = replayed.outcomes[case.sentence]

    assert outcome.statuses == case.statuses, outcome.received
    assert outcome.recorded == case.status
    assert case.says in outcome.received


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_answer_is_the_exporters_own_and_repeats_nothing(case: Case, replayed: Replayed) -> None:
    received = replayed.outcomes[case.sentence].received

    assert not [never for never in NEVER if never in received]
    final = [status for status in case.statuses if status >= 200]
    assert received.count(b"Server: yuptime-exporter\r\n") == len(final)
    refusals = [status for status in final if status >= 400]
    assert received.count(b"application/problem+json") == len(refusals)


def test_no_request_leaves_an_error_or_a_secret_in_the_log(
    replayed: Replayed,
) -> None:
    assert "level=ERROR" not in replayed.log
    assert "Traceback" not in replayed.log
    assert TOKEN not in replayed.log


def count(replayed: Replayed, name: str) -> float:
    match = re.search(rf"^{re.escape(name)} (\S+)$", replayed.metrics, re.MULTILINE)
    assert match
    return float(match[1])


def test_every_refusal_is_counted_by_its_reason(replayed: Replayed) -> None:
    unauthorized = count(replayed, 'yuptime_pushes_rejected_total{reason="unauthorized"}')
    malformed = count(replayed, 'yuptime_pushes_rejected_total{reason="malformed_http"}')
    refusals = [
        status
        for case in CASES
        for status in case.statuses
        if status >= 400 and not (case in UNAUTHORIZED or case in PATHS)
    ]

    assert unauthorized == len(UNAUTHORIZED)
    assert len(MALFORMED) <= malformed <= len(refusals)
    assert count(replayed, "yuptime_http_clients_left_total") > 0


def test_the_log_says_which_job_is_refused_and_why(replayed: Replayed) -> None:
    lines = [line for line in replayed.log.splitlines() if 'msg="push rejected' in line]

    refused_first = f"monitor=field/m{len(AUTHORIZED):03}"

    assert any("reason=unauthorized" in line and refused_first in line for line in lines)
    assert 'msg="request is no HTTP"' in replayed.log


@pytest.mark.peer  # starts a process
def test_a_device_that_speaks_tls_to_the_port_all_day_does_not_fill_the_log(
    tmp_path: Path,
) -> None:
    # home-assistant/core#126831
    with running_exporter(tmp_path, ["m000"]) as running:
        for _ in range(200):
            assert running.send(b"\x16\x03\x01garbage\r\n\r\n").status == 400
        lines = [line for line in running.log.read_text().splitlines() if "no HTTP" in line]

    assert 1 <= len(lines) <= 10
