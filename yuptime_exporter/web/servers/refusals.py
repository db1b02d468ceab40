"""What the HTTP parser refuses, in words of ours: the parser's own repeat the client's bytes."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, LineTooLong

Refusal = tuple[HTTPStatus, str]
"""Status and text of an answer."""

MAX_LINE_BYTES = 8190
MAX_HEADERS = 128

_TOO_LONG = (
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"head: expected a request line and headers of at most {MAX_LINE_BYTES} bytes each, got more",
)
_TLS = (HTTPStatus.BAD_REQUEST, "expected HTTP, got TLS; the URL of this port begins with http://")
_METHOD = (
    HTTPStatus.BAD_REQUEST,
    (
        "expected a request line such as 'POST /api/push/NAMESPACE/NAME HTTP/1.1', got another; "
        "methods are in capitals, and a body is as long as its Content-Length"
    ),
)
_OTHER = (HTTPStatus.BAD_REQUEST, "expected a request of HTTP/1.1 (RFC 9112), got another")
VERSION = (
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
    "expected HTTP/1.1 or HTTP/1.0, got another version",
)
EXPECTATION = (HTTPStatus.EXPECTATION_FAILED, "Expect: expected 100-continue, got another")
STRAY_BYTES = (
    HTTPStatus.LENGTH_REQUIRED,
    "body: expected a Content-Length with its size, got bytes after a request without a body",
)

# By words of the parser's own description, which holds none of the client's. The first that fits
# counts.
_BY_DESCRIPTION: Mapping[str, Refusal] = {
    "HTTP version": VERSION,
    "PRI": VERSION,
    "Expected HTTP/": (
        HTTPStatus.BAD_REQUEST,
        "request line: expected 'METHOD PATH HTTP/1.1', got another; a space in the path is %20",
    ),
    "CRLF after version": (
        HTTPStatus.BAD_REQUEST,
        "request line: expected CR and LF at its end, got another",
    ),
    "can't be present with": (
        HTTPStatus.BAD_REQUEST,
        "expected Content-Length or Transfer-Encoding, got both",
    ),
    "Duplicate": (HTTPStatus.BAD_REQUEST, "expected each header of framing once, got one twice"),
    "Content-Length": (HTTPStatus.BAD_REQUEST, "Content-Length: expected a number, got another"),
    "Transfer-Encoding": (
        HTTPStatus.NOT_IMPLEMENTED,
        "Transfer-Encoding: expected chunked, got another",
    ),
    "Too many headers": (
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        f"head: expected at most {MAX_HEADERS} headers, got more",
    ),
    "'Host'": (HTTPStatus.BAD_REQUEST, "Host: expected with HTTP/1.1, got none"),
    "chunk": (HTTPStatus.BAD_REQUEST, "body: expected chunks as in RFC 9112, got others"),
    "Connection: close": (
        HTTPStatus.BAD_REQUEST,
        "expected nothing after a request with 'Connection: close', got more bytes",
    ),
    "header": (
        HTTPStatus.BAD_REQUEST,
        "header: expected 'Name: value', CR and LF, and an empty line before the body, got another",
    ),
    "url": (HTTPStatus.BAD_REQUEST, "path: expected a percent-encoded URL, got another"),
}


def refusal(error: HttpProcessingError) -> Refusal:
    """Return status and text for an error of the parser."""
    if isinstance(error, LineTooLong):
        return _TOO_LONG
    # llhttp's own description ends where the line that it met begins.
    described = error.message.partition(":\n\n")[0]
    if isinstance(error, BadHttpMethod):
        return _TLS if "HTTPS" in described else _METHOD
    for words, answer in _BY_DESCRIPTION.items():
        if words in described:
            return answer
    return _OTHER
