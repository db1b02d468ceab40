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
_TARGET = re.compile(r"(/[A-Za-z0-9._~/-]*)(?:\?([A-Za-z0-9._~%&=+-]*))?")

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


def plain_post(data: bytes) -> PlainPost | None:
    """Return the request that these bytes are; None: they are more, less, or another request."""
    end = data.find(_HEAD_END, 0, _MAX_HEAD_BYTES)
    head = data[:end]
    if end < 0 or not head.startswith(b"POST /") or not head.isascii():
        return None
    lines = head.decode("ascii").split("\r\n")
    target, space, version = lines[0][5:].partition(" ")
    matched = _TARGET.fullmatch(target)
    headers = _headers(lines)
    if not space or version != "HTTP/1.1" or matched is None or headers is None:
        return None
    connection = headers.get("Connection", "keep-alive").lower()
    if (
        headers.get("Content-Length") != str(len(data) - end - len(_HEAD_END))
        or _HOST.fullmatch(headers.get("Host", "")) is None
        or connection not in ("keep-alive", "close")
    ):
        return None
    return PlainPost(
        matched[1], matched[2] or "", headers, data[end + len(_HEAD_END) :], connection == "close"
    )


def _headers(lines: list[str]) -> CIMultiDict[str] | None:
    """Return the headers behind a request line; None unless each is known and stands there once."""
    pairs, names = [], set()
    for line in lines[1:]:
        name, _, value = line.partition(":")
        pairs.append((name, value.strip(" ")))
        names.add(name.lower())
    if len(names) != len(pairs) or not names <= _KNOWN_HEADERS or not "".join(lines).isprintable():
        return None
    return CIMultiDict(pairs)


def answer_bytes(answer: Answer, *, closes: bool) -> bytes:
    """Return an answer with a body as aiohttp sends it.

    Args:
        answer: its body is not in parts.
        closes: whether the connection ends after it.
    """
    head = _head(answer.status, answer.content_type, tuple(answer.headers.items()))
    closing = "Connection: close\r\n" if closes else ""
    rest = f"{len(answer.body)}\r\nDate: {rfc822_formatted_time()}\r\n{closing}\r\n"
    return head + rest.encode("ascii") + answer.body


@lru_cache(maxsize=64)
def _head(status: int, content_type: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Return the head of an answer up to its length."""
    named = Answer(status, content_type=content_type, headers=dict(headers)).all_headers()
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join([*lines, "Content-Length: "]).encode("ascii")
