"""Readers as the field has them: proxies that remove a path, caches, bots, and hostile texts.

Every request is sent as literal bytes to a running exporter. The source of a case is the report about
another program in which it went wrong, or a find of our own.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.field.running import FORM, RawAnswer, RunningExporter, request, running_exporter

LONG = "a" + "-long" * 12  # as long as a label of DNS may be, less two
MONITORS = ["plain", "hostile", LONG]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"' \u05d0\u05d1 \U0001f41f"

OWN = "own find"

Holds = Callable[[RawAnswer], bool]


def get(path: str, *headers: str, method: str = "GET", host: str = "exporter.example") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


@dataclass(frozen=True)
class Case:
    """One request from the field.

    Attributes:
        source: the report, as `owner/repo#number`, or `OWN`.
        holds: whether the answer is right, beside its status.
    """

    sentence: str
    source: str
    sent: bytes
    status: int
    holds: Holds = lambda answer: True  # noqa: ARG005

    def __str__(self) -> str:
        return f"{self.sentence} ({self.source})"


def has(*texts: str) -> Holds:
    return lambda answer: all(text.encode() in answer.received for text in texts)


def lacks(*texts: str) -> Holds:
    return lambda answer: not any(text.encode() in answer.received for text in texts)


def has_relative_links(answer: RawAnswer) -> bool:
    """Whether no link or asset of the page begins with a slash."""
    links = re.findall(rb'(?:href|src|action|data-events)="([^"]*)"', answer.body)
    return len(links) > 5 and not any(link.startswith(b"/") for link in links)


def is_empty(answer: RawAnswer) -> bool:
    return answer.body == b""


BADGE = f"/api/v1/monitors/field/{MONITORS[0]}/badge.svg"
CASES = [
    Case(
        "behind a proxy that removes a path, every link of the list leads somewhere",
        "TwiN/gatus#613",
        get("/"),
        200,
        has_relative_links,
    ),
    Case(
        "behind a proxy that removes a path, every asset of a deep page is loaded",
        "prometheus/prometheus#4241",
        get("/monitors/field/plain"),
        200,
        has('href="../../static/style.css', 'src="../../static/live.js'),
    ),
    Case(
        "a path that is no page is not answered with the page at the root",
        "prometheus/prometheus#607",
        get("/foo/bar"),
        404,
    ),
    Case(
        "a probe that sends only HEAD gets the status and no body",
        "24eme/signaturepdf#191",
        get("/", method="HEAD"),
        200,
        is_empty,
    ),
    Case(
        "HEAD of the stream of events ends",
        "passbolt/passbolt_api#507",
        get("/api/v1/events", method="HEAD"),
        200,
        is_empty,
    ),
    Case(
        "a proxy is asked to pass on events at once",
        "owncloud/core#9924",
        get("/api/v1/events", method="HEAD"),
        200,
        has("X-Accel-Buffering: no", "text/event-stream"),
    ),
    Case(
        "a badge is not kept by the cache of a code forge",
        "pre-commit-ci/issues#4",
        get(BADGE),
        200,
        has("Cache-Control: no-cache, max-age=0", "Expires: 0", "ETag: "),
    ),
    Case(
        "a badge says its state to a screen reader",
        OWN,
        get(BADGE),
        200,
        has('role="img" aria-label="field/plain: pending"'),
    ),
    Case(
        "the badge of an unknown monitor is no picture of a healthy state",
        "alanshaw/david-www#404",
        get("/api/v1/monitors/field/nonesuch/badge.svg"),
        404,
        has("application/problem+json"),
    ),
    Case(
        "the label of a badge is text",
        OWN,
        get(f"{BADGE}?label=%3Cscript%3Ealert(1)%3C/script%3E%00"),
        200,
        lacks("<script>", "\x00"),
    ),
    Case(
        "the message of a job is text on the list",
        OWN,
        get("/"),
        200,
        lacks("<script>alert", "<img src=x"),
    ),
    Case(
        "the message of a job is text on the page of its monitor",
        OWN,
        get("/monitors/field/hostile"),
        200,
        lacks("<script>alert", "<img src=x"),
    ),
    Case(
        "a long name is shown whole",
        "louislam/uptime-kuma#6228",
        get(f"/?search={LONG}"),
        200,
        has(f"{LONG}</a>"),
    ),
    Case(
        "a search with HTML is shown as text",
        OWN,
        get("/?search=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"),
        200,
        lacks('"><script>'),
    ),
    Case(
        "a Host that is no host is in no command to paste",
        OWN,
        get("/monitors/field/plain", host='x";$(id)'),
        200,
        lacks("$(id)"),
    ),
    Case(
        "a Host with a bracket that never closes is no error",
        OWN,
        get("/monitors/field/plain", host="["),
        200,
    ),
    Case(
        "an encoded slash in a name separates nothing",
        OWN,
        get("/monitors/field/plain%2Fx"),
        404,
    ),
    Case(
        "an encoded name is the name",
        OWN,
        get("/monitors/field/%70lain"),
        200,
    ),
    Case(
        "a link with the parameter of a newsletter works",
        OWN,
        get("/?utm_source=mail&state=pending"),
        200,
        has("plain</a>"),
    ),
    Case(
        "an unknown parameter of the JSON is named, not ignored",
        OWN,
        get("/api/v1/monitors?stat=down"),
        400,
        has("expected only state, namespace, name, label, search, page, limit"),
    ),
    Case(
        "a query that is no UTF-8 is no error",
        OWN,
        get("/?search=%ff%fe"),
        200,
    ),
    Case(
        "a browser that prefers HTML gets JSON from the JSON route",
        OWN,
        get("/api/v1/monitors", "Accept: text/html,application/xhtml+xml;q=0.9"),
        200,
        has("Content-Type: application/json"),
    ),
    Case(
        "a client that accepts nothing gets the page all the same",
        OWN,
        get("/", "Accept: image/png"),
        200,
        has("text/html"),
    ),
    Case(
        "another site cannot show the pages in a frame",
        OWN,
        get("/"),
        200,
        has("frame-ancestors 'none'"),
    ),
    Case(
        "a write to a page is refused with the methods that it has",
        OWN,
        get("/", method="POST"),
        405,
        has("Allow: GET, HEAD"),
    ),
    Case(
        "a file outside the static files is not served",
        OWN,
        get("/static/..%2f..%2fapp.py"),
        404,
    ),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExporter]:
    folder: Path = tmp_path_factory.mktemp("pages")
    with running_exporter(folder, MONITORS) as exporter:
        body = b"status=down&message=" + HOSTILE.encode()
        assert exporter.send(request("hostile", body, FORM)).status == 200
        yield exporter
        assert " level=ERROR " not in exporter.log.read_text()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_reader_from_the_field_gets_the_right_answer(
    case: Case, running: RunningExporter
) -> None:
    answer = running.send(case.sent)

    assert answer.status == case.status
    assert case.holds(answer), answer.received[:3000]


@pytest.mark.parametrize("form", ["{0}", "W/{0}", '"other", {0}', '"other",W/{0} , "x"', "*"])
@pytest.mark.parametrize("path", ["/api/v1/monitors", BADGE, "/static/style.css"])
def test_a_client_with_the_newest_body_gets_304_in_every_form_of_the_header(
    running: RunningExporter, path: str, form: str
) -> None:
    known = running.send(get(path))
    (tag,) = re.findall(rb'ETag: ("[^"]+")', known.head)
    again = running.send(get(path, f"If-None-Match: {form.format(tag.decode())}"))
    other = running.send(get(path, 'If-None-Match: "other"'))

    assert (again.status, again.body) == (304, b"")
    assert (other.status, other.body) == (200, known.body)


@pytest.mark.peer  # starts a process
def test_the_listener_of_pushes_serves_no_page_and_no_json(tmp_path: Path) -> None:
    with running_exporter(tmp_path, ["plain"], "--push.listen-address=127.0.0.1:0") as exporter:
        log = exporter.log.read_text()
        (port,) = re.findall(r"flag=--push\.listen-address address=127\.0\.0\.1:(\d+)", log)
        pushes = RunningExporter(int(port), exporter.log)
        statuses = {
            path: pushes.send(get(path)).status
            for path in ("/", "/monitors/field/plain", "/api/v1/monitors", "/static/style.css")
        }

    assert set(statuses.values()) == {404}
