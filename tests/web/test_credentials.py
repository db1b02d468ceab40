"""Tokens and passwords in the Authorization header."""

import base64

import pytest

from tests.web.requests import request
from yuptime_exporter.web.credentials import basic_credentials, sent_token


def basic(text: bytes) -> str:
    return f"Basic {base64.b64encode(text).decode()}"


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("Bearer secret", b"secret"),
        ("bearer  secret ", b"secret"),
        (basic(b"backup:secret"), b"secret"),
        (basic(b":se:cret"), b"se:cret"),
        (basic(b":\xff"), b"\xff"),
        ("bAsIc OnNlY3JldA==", b"secret"),
        (basic(b"secret"), None),
        (basic(b"backup:"), None),
        ("Basic !", None),
        ("Basic", None),
        ("Bearer", None),
        ("Digest secret", None),
        ("secret", None),
    ],
)
def test_a_token_is_a_bearer_token_or_a_password(value: str, token: bytes | None) -> None:
    assert sent_token(request(headers=[("Authorization", value)])) == token


def test_two_headers_are_no_credentials() -> None:
    twice = request(headers=[("Authorization", basic(b"a:b")), ("Authorization", "Bearer b")])

    assert sent_token(twice) is None
    assert basic_credentials(twice) is None
    assert sent_token(request()) is None
