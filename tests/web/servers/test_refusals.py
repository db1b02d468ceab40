"""The words for what the parser refuses."""

import pytest
from aiohttp.http_exceptions import BadHttpMessage, BadHttpMethod, InvalidURLError, LineTooLong

from yuptime_exporter.web.servers.refusals import refusal

CLIENT = "Content-Length HTTP version chunk PRI secret"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LineTooLong(b"Bearer secret..."), 431),
        (BadHttpMethod(error=f"Invalid method encountered:\n\n  b'{CLIENT}'\n  ^"), 400),
        (BadHttpMessage(f"Invalid header token:\n\n  b'{CLIENT}'\n  ^"), 400),
        (InvalidURLError(f"Invalid url:\n\n  b'{CLIENT}'\n  ^"), 400),
        (BadHttpMessage(f"unforeseen:\n\n  b'{CLIENT}'\n  ^"), 400),
    ],
)
def test_a_refusal_depends_on_the_parser_and_never_on_the_bytes_of_the_client(
    error: BadHttpMessage, status: int
) -> None:
    found, detail = refusal(error)

    assert found == status
    assert "secret" not in detail
    assert "version" not in detail
