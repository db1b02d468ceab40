"""Where a body begins and ends: no request that carries something is read as one without a body."""

from collections.abc import Mapping
from functools import partial

import pytest

from tests.field.replaying import Case, Outcome, check, replayed, sent
from tests.field.running import FORM, JSON, RawAnswer, recorded, request, running_exporter

DOWN = b'{"status":"down"}'
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


def framed(headers: bytes, body: bytes = b"", *, version: bytes = b"HTTP/1.1"):
    """Return a request in which the headers alone say where the body ends."""
    return lambda name: request(name, headers=headers, version=version) + body


CASES = [
    Case(
        "Node's http, Go with a pipe and Java's ofInputStream send chunks.",
        "",
        framed(CHUNKED, chunks(b'{"status":', b'"down"}')),
        recorded=("down", ""),
    ),
    Case(
        "Chunks arrive under HTTP/1.0, which has none.",
        "",
        framed(CHUNKED, chunks(DOWN), version=b"HTTP/1.0"),
        recorded=("down", ""),
    ),
    Case(
        "A trailer follows the last chunk.",
        "",
        framed(CHUNKED, b"11\r\n" + DOWN + b"\r\n0\r\nX-Checksum: 1\r\n\r\n"),
        recorded=("down", ""),
    ),
    Case(
        "Chunks without anything in them carry no more than no body.",
        "",
        framed(CHUNKED, chunks()),
        recorded=("up", ""),
    ),
    Case(
        "Chunks without anything in them come with a query.",
        "",
        lambda name: request(name, query=b"?status=down", headers=CHUNKED) + chunks(),
        recorded=("down", ""),
    ),
    Case(
        "A length of 0 comes with a query.",
        "",
        sent(query=b"?status=down", headers=b"Content-Length: 0\r\n"),
        recorded=("down", ""),
    ),
    Case(
        "A length of 0 and a media type carry no more than no body.",
        "",
        sent(b"", JSON, headers=b"Content-Length: 0\r\n"),
        recorded=("up", ""),
    ),
    Case(
        "An empty body claims to be compressed.",
        "",
        sent(b"", JSON, headers=b"Content-Length: 0\r\nContent-Encoding: gzip\r\n"),
        status=415,
        says=("Content-Encoding",),
    ),
    Case(
        "The second of two Content-Encoding headers compresses.",
        "",
        sent(DOWN, JSON, headers=b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n"),
        status=415,
        says=("Content-Encoding",),
    ),
    Case(
        "Chunks are compressed in transfer.",
        "",
        framed(b"Transfer-Encoding: gzip, chunked\r\n", chunks(DOWN)),
        status=415,
        says=("Transfer-Encoding",),
    ),
    Case("Length and chunks disagree.", "", framed(b"Content-Length: 0\r\n" + CHUNKED), status=400),
    Case(
        "The length is given twice, first as 0.",
        "",
        framed(b"Content-Length: 0\r\nContent-Length: 17\r\n", DOWN),
        status=400,
    ),
    Case("The length is negative.", "", framed(b"Content-Length: -1\r\n", DOWN), status=400),
    Case("The length has a sign.", "", framed(b"Content-Length: +17\r\n", DOWN), status=400),
    Case("The length is empty.", "", framed(b"Content-Length:\r\n", DOWN), status=400),
    Case("The length is a list.", "", framed(b"Content-Length: 17, 17\r\n", DOWN), status=400),
    Case(
        "A space stands before the colon of Content-Length.",
        "",
        framed(b"Content-Length : 17\r\n", DOWN),
        status=400,
    ),
    Case(
        "The media type is given twice.",
        "",
        sent(DOWN, JSON, headers=b"Content-Type: text/plain\r\n"),
        status=400,
    ),
    Case("The media type is empty.", "", sent(DOWN, b""), recorded=("down", "")),
    Case("Four NULs are all of the body.", "", sent(b"\0\0\0\0", JSON), status=400),
    Case("A byte order mark is all of the body.", "", sent(b"\xef\xbb\xbf", FORM), status=400),
    Case("A line end is all of the body.", "", sent(b"\r\n", FORM), status=400),
    Case("A body follows without any length, in one segment.", "", framed(b"", DOWN), status=411),
    Case(
        "The target is a whole URL.",
        "",
        lambda name: request(name, query=b"?status=down").replace(b" /", b" http://x/", 1),
        recorded=("down", ""),
    ),
    Case(
        "A fragment stands in the place of the query.",
        "",
        sent(query=b"#status=down"),
        status=400,
        says=('did you mean "status"',),
    ),
    Case(
        "A number sign in the message stands before the status.",
        "",
        sent(query=b"?message=job+#5&status=down"),
        recorded=("down", "job #5"),
    ),
    Case(
        "An upgrade of the protocol is offered together with the body.",
        "",
        sent(DOWN, JSON, headers=b"Upgrade: h2c\r\n"),
        recorded=("down", ""),
    ),
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return replayed(CASES, tmp_path_factory.mktemp("field"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_request_that_carries_something_is_not_read_as_empty(
    case: Case, outcomes: Mapping[str, Outcome]
) -> None:
    check(case, outcomes[case.sentence])


WITHOUT_LENGTH = {
    "a media type": b"Content-Type: application/json\r\n",
    "a media type under HTTP/1.0": b"Content-Type: application/x-www-form-urlencoded\r\n",
    "a language": b"Content-Language: de\r\n",
    "an expectation": b"Expect: 100-continue\r\n",
}


@pytest.fixture(scope="module")
def late_bodies(
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, tuple[RawAnswer, tuple[str, str] | None]]:
    folder = tmp_path_factory.mktemp("late")
    names = {case: f"m{number}" for number, case in enumerate(WITHOUT_LENGTH)}
    with running_exporter(folder, list(names.values())) as running:
        answers = {}
        for case, name in names.items():
            version = b"HTTP/1.0" if "1.0" in case else b"HTTP/1.1"
            head = request(name, headers=WITHOUT_LENGTH[case], version=version)
            answers[case] = running.send(head, DOWN)
    stored = recorded(folder)
    return {case: (answers[case], stored.get(name)) for case, name in names.items()}


@pytest.mark.parametrize("case", WITHOUT_LENGTH)
def test_a_late_body_without_a_length_is_asked_for_its_length(
    case: str, late_bodies: Mapping[str, tuple[RawAnswer, tuple[str, str] | None]]
) -> None:
    answer, stored = late_bodies[case]

    assert answer.status == 411, answer.received
    assert "expected a Content-Length or chunks" in answer.detail
    assert stored is None


TOO_SHORT = {
    "JSON": partial(request, body=b'{"status":"down","message":"\xc3\xa9"}', content_type=JSON),
    "a form": partial(request, body=b"status=down&message=Z\xc3\xbcrich", content_type=FORM),
}


@pytest.mark.peer  # starts a process
@pytest.mark.parametrize("kind", TOO_SHORT)
def test_a_length_in_characters_instead_of_bytes_is_never_read_as_up(kind: str, tmp_path) -> None:
    # psf/requests#6586: the length is that of the text, one less than that of its UTF-8.
    whole = TOO_SHORT[kind]("m")
    length = int(whole.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    short = whole.replace(b"Content-Length: %d" % length, b"Content-Length: %d" % (length - 1))
    with running_exporter(tmp_path, ["m"]) as running:
        answer = running.send(short)

    assert answer.status in (200, 400)
    assert recorded(tmp_path).get("m") in (None, ("down", "Züric"))
