"""Requests and answers as plain bytes: the common push read, and any answer written.

Only a request about which no two servers can disagree is read here: everything in one piece, a
known length, and headers that every client sends. All else is left to aiohttp's parser.
"""

import re
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple, final

from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict

from yuptime_exporter.web.http import Answer

_HEAD_END = b"\r\n\r\n"

# Longer than the head of any usual client, and shorter than every limit of aiohttp's parser.
_MAX_HEAD_BYTES = 4096

# A path and a query that mean the same to everybody: without escapes of the path, without a
# fragment.
_REQUEST_LINE = re.compile(r"POST (/[A-Za-z0-9._~/-]*)(?:\?([A-Za-z0-9._~%&=+-]*))? HTTP/1\.1")

# Without its first letter: some clients write every name in lower case.
_AUTHORIZATION = "uthorization:"

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?")

# Headers that clients and proxies send with a push beside `Authorization`, and that do not change how
# it is read, apart from `Content-Length` and `Connection`, whose values are checked.
_KNOWN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "forwarded",
        "host",
        "pragma",
        "traceparent",
        "tracestate",
        "user-agent",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-forwarded-scheme",
        "x-real-ip",
        "x-request-id",
        "x-scheme",
    }
)


@final
class PlainPost:
    """A POST whose body arrived with its head.

    Attributes:
        query: everything after the question mark, not decoded.
        closes: whether the client asks for the end of the connection.
    """

    __slots__ = ("body", "closes", "headers", "path", "query")

    def __init__(
        self, path: str, query: str, headers: CIMultiDict[str], body: bytes, *, closes: bool
    ) -> None:
        self.path: Final = path
        self.query: Final = query
        self.headers: Final = headers
        self.body: Final = body
        self.closes: Final = closes


class _Headers(NamedTuple):
    """The headers of a head that is plain, except the token.

    Attributes:
        fields: names and values, as the client wrote them; to be copied.
        length: the value of Content-Length.
        closes: whether the client asks for the end of the connection.
    """

    fields: CIMultiDict[str]
    length: str
    closes: bool


def plain_post(data: bytes) -> PlainPost | None:
    """Return the request that these bytes are; None: they are more, less, or another request."""
    end = data.find(_HEAD_END, 0, _MAX_HEAD_BYTES)
    if end < 0 or not data.startswith(b"POST /"):
        return None
    try:
        head = data[:end].decode("ascii")
    except UnicodeDecodeError:
        return None
    begin = head.find("\r\n")
    matched = _REQUEST_LINE.fullmatch(head, 0, begin)
    # Tokens stay out of the memory for headers, so that the headers of most pushes are equal.
    before, found, token_and_after = head[begin:].partition(_AUTHORIZATION)
    token, _, after = token_and_after.partition("\r\n")
    if found:
        if not before.endswith(("\r\nA", "\r\na")) or not token.isprintable():
            return None
        before = before[:-1]
    headers = _headers(f"{before}\r\n{after}")
    body = data[end + len(_HEAD_END) :]
    if matched is None or headers is None or headers.length != str(len(body)):
        return None
    fields = headers.fields.copy()
    if found:
        fields.add("Authorization", token.strip(" "))
    path, query = matched.groups("")
    return PlainPost(path, query, fields, body, closes=headers.closes)


@lru_cache(maxsize=1024)
def _headers(block: str) -> _Headers | None:
    """Return the headers in these lines; None unless each is known, plain, and stands there once.

    Lines may be empty where a header was taken out.
    """
    found: dict[str, tuple[str, str]] = {}
    for line in filter(None, block.split("\r\n")):
        name, _, value = line.partition(":")
        known = name.lower()
        if known in found or known not in _KNOWN_HEADERS or not line.isprintable():
            return None
        found[known] = (name, value.strip(" "))
    values = {known: value for known, (_, value) in found.items()}
    connection = values.get("connection", "keep-alive").lower()
    if _HOST.fullmatch(values.get("host", "")) is None or connection not in ("keep-alive", "close"):
        return None
    length = values.get("content-length", "")
    return _Headers(CIMultiDict(found.values()), length, connection == "close")


def answer_bytes(answer: Answer, *, closes: bool) -> bytes:
    """Return an answer with a body as aiohttp sends it.

    Args:
        answer: its body is not in parts.
        closes: whether the connection ends after it.
    """
    head = _head(answer.status, answer.content_type, tuple(answer.headers.items()))
    closing = b"Connection: close\r\n" if closes else b""
    date = rfc822_formatted_time().encode("ascii")
    body = answer.body
    return b"%b%d\r\nDate: %b\r\n%b\r\n%b" % (head, len(body), date, closing, body)


@lru_cache(maxsize=64)
def _head(status: int, content_type: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Return the head of an answer up to its length."""
    named = Answer(status, content_type=content_type, headers=dict(headers)).all_headers()
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join([*lines, "Content-Length: "]).encode("ascii")
