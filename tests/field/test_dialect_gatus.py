"""Results for Gatus' external endpoints."""

from collections.abc import Mapping

import pytest

from tests.field.pinging import Outcome, Ping, check, replayed

TESTS = "TwiN/gatus api/external_endpoint_test.go"
BEARER = "Authorization: Bearer {own}"
URL = "POST /api/v1/endpoints/{namespace}_{name}/external"
EMPTY = b"Content-Length: 0\r\n"

PINGS = [
    Ping("Without a token a result is refused.", TESTS, f"{URL}?success=true", status=401),
    Ping("With a wrong token a result is refused.", TESTS, f"{URL}?success=true", ("Authorization: Bearer bad-token",), status=401),
    Ping("A key of no endpoint is answered as a wrong token is.", TESTS, "POST /api/v1/endpoints/bad_key/external?success=true", (BEARER,), status=401),
    Ping("A success that is neither true nor false is refused.", TESTS, f"{URL}?success=invalid", (BEARER,), status=400, answers=b"success: expected"),
    Ping("A success that is missing is refused.", TESTS, URL, (BEARER,), status=400),
    Ping("A duration that is none is refused.", TESTS, f"{URL}?success=true&duration=invalid", (BEARER,), status=400, answers=b"duration: expected"),
    Ping("A success is answered with nothing.", TESTS, f"{URL}?success=true", (BEARER,), recorded=("up", ""), answers=EMPTY),
    Ping("An error beside a success is no failure.", TESTS, f"{URL}?success=true&error=failed", (BEARER,), recorded=("up", "failed")),
    Ping("A duration as Go writes it.", TESTS, f"{URL}?success=true&duration=10s", (BEARER,), recorded=("up", "")),
    Ping("A failure.", TESTS, f"{URL}?success=false", (BEARER,), recorded=("down", "")),
    Ping("A failure with its error.", TESTS, f"{URL}?success=false&error=failed", (BEARER,), recorded=("down", "failed")),
    Ping("An error in the body.", TESTS, f"{URL}?success=false", (BEARER, "Content-Type: application/json"), b'{"error": "failed"}', recorded=("down", "failed")),
    Ping("A success in the body only is none.", "TwiN/gatus#1234", URL, (BEARER, "Content-Type: application/json"), b'{"success": true}', status=400),
    Ping("A slash and a space in a name are no part of a key.", "TwiN/gatus#1234", "POST /api/v1/endpoints/my%20group_a%2Fb/external?success=true", (BEARER,), status=401),
    Ping("A program without bearer tokens sends the token as a password.", "", f"{URL}?success=true", ("Authorization: Basic Z2F0dXM6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ==",), recorded=("up", "")),
    Ping("A GET from the address bar of a browser changes nothing.", "", "GET /api/v1/endpoints/{namespace}_{name}/external?success=true", (BEARER,), status=405),
    Ping("A success given twice says nothing.", "", f"{URL}?success=true&success=false", (BEARER,), status=400),
    Ping("An error with characters that are not encoded.", "", f"{URL}?success=false&error=exit=2;%20see%20log%", (BEARER,), recorded=("down", "exit=2; see log%")),
    Ping("A second question mark makes the rest of the query a part of the success.", "TwiN/gatus#840", f"{URL}?success=false?message=event%20X%20has%20failed", (BEARER,), status=400, answers=b"success: expected"),
    Ping("A message under a name that does not exist costs no status.", "TwiN/gatus#840", f"{URL}?success=false&message=event%20X%20has%20failed", (BEARER,), recorded=("down", "")),
    Ping("A log is too long for a URL, so it comes in the body.", "TwiN/gatus#1591", f"{URL}?success=false", (BEARER, "Content-Type: text/plain"), b"line 1\nline 2", recorded=("down", "line 1\nline 2")),
    Ping("A name may end in a digit, and another digit is another name.", "TwiN/gatus#1751", "POST /api/v1/endpoints/{namespace}_{name}9/external?success=true", (BEARER,), status=401),
    Ping("A response time is the duration of the job.", "TwiN/gatus#1060", f"{URL}?success=true&error=&duration=250ms", (BEARER,), recorded=("up", "")),
]  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return replayed(PINGS, tmp_path_factory.mktemp("field"))


@pytest.mark.parametrize("ping", PINGS, ids=str)
def test_a_result_is_true_or_false(ping: Ping, outcomes: Mapping[str, Outcome]) -> None:
    check(ping, outcomes[ping.sentence])
