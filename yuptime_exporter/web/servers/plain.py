"""Requests and answers as plain bytes: the common push read, and any answer written.

Only a request about which no two servers can disagree is read here: everything in one piece, a
known length, and headers that every client sends. All else is left to aiohttp's parser.
"""

import re
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict

from yuptime_exporter.web.http import Answer

_HEAD_END = b"\r\n\r\n"

# Longer than the head of any usual client, and shorter than every limit of aiohttp's parser.
_MAX_HEAD_BYTES = 4096

# A path and a query that mean the same to everybody: without escapes of the path, without a
# fragment.
_REQUEST_LINE = re.compile(r"POST (/[A-Za-z0-9._~/-]*)(?:\?([A-Za-z0-9._~%&=+-]*))? HTTP/1\.1")

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?")

# Headers that clients and proxies send with a push, and that do not change how it is read, apart
# from `Content-Length` and `Connection`, whose values are checked.
_KNOWN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
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


class PlainPost(NamedTuple):
    """A POST whose body arrived with its head.

    Attributes:
        query: everything after the question mark, not decoded.
        closes: whether the client asks for the end of the connection.
    """

    path: str
    query: str
    headers: CIMultiDict[str]
    body: bytes
    closes: bool


class _Header(NamedTuple):
    """One line of a head.

    Attributes:
        name: in lower case.
        pair: name and value, as the client wrote them.
    """

    name: str
    pair: tuple[str, str]


def plain_post(data: bytes) -> PlainPost | None:
    """Return the request that these bytes are; None: they are more, less, or another request."""
    end = data.find(_HEAD_END, 0, _MAX_HEAD_BYTES)
    if end < 0 or not data.startswith(b"POST /"):
        return None
    head = data[:end]
    if not head.isascii():
        return None
    request_line, *lines = head.decode("ascii").split("\r\n")
    matched = _REQUEST_LINE.fullmatch(request_line)
    headers = _headers(lines)
    if matched is None or headers is None:
        return None
    body = data[end + len(_HEAD_END) :]
    if "Host" not in headers or headers.get("Content-Length") != str(len(body)):
        return None
    closes = headers.get("Connection", "").lower() == "close"
    return PlainPost(matched[1], matched[2] or "", headers, body, closes)


def _headers(lines: list[str]) -> CIMultiDict[str] | None:
    """Return the headers of a head; None unless each is known, plain, and stands there once."""
    pairs, names = [], set()
    for line in lines:
        # Tokens stay out of the cache, and do not displace the lines that many clients send.
        header = _read(line) if line.startswith("Authorization:") else _known(line)
        if header is None:
            return None
        names.add(header.name)
        pairs.append(header.pair)
    return CIMultiDict(pairs) if len(names) == len(pairs) else None


def _read(line: str) -> _Header | None:
    """Return a header; None if another server could read it in another way."""
    written, _, value = line.partition(":")
    name, value = written.lower(), value.strip(" ")
    if name not in _KNOWN_HEADERS or not line.isprintable():
        return None
    if name == "host" and _HOST.fullmatch(value) is None:
        return None
    if name == "connection" and value.lower() not in ("keep-alive", "close"):
        return None
    return _Header(name, (written, value))


# Almost every line of a head is the same in each push of a client, and in those of other clients.
_known = lru_cache(maxsize=1024)(_read)


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
