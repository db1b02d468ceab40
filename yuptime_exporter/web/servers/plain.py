"""Requests and answers as plain bytes: the common push read, and any answer written.

Only a request about which no two servers can disagree is read here: everything in one piece, a
known length, and headers that clients, proxies and tracers send. All else is left to aiohttp's parser.
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
_REQUEST_LINE = re.compile(
    r"(GET|POST) (/[A-Za-z0-9._~/-]*)(?:\?([A-Za-z0-9._~%&=+-]*))? HTTP/1\.1"
)

# Without its first letter: some clients write every name in lower case.
_AUTHORIZATION = "uthorization:"

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?")

# Headers that clients and proxies send with a push beside `Authorization`, and that do not change how
# it is read, apart from `Content-Length` and `Connection`, whose values are checked.
_KNOWN_HEADERS = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "cdn-loop",
        "cf-ipcountry",
        "cf-visitor",
        "connection",
        "content-length",
        "content-type",
        "dnt",
        "forwarded",
        "host",
        "origin",
        "pragma",
        "priority",
        "referer",
        "sec-ch-ua",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "user-agent",
        "via",
    }
)

# Headers of proxies and tracers that are another in each request, and change nothing either. Every
# header that begins with X- is one of them.
_PASSED_ON = frozenset(
    {
        "b3",
        "baggage",
        "cf-connecting-ip",
        "cf-ray",
        "sentry-trace",
        "traceparent",
        "tracestate",
        "true-client-ip",
        "uber-trace-id",
    }
)

# As many as several proxies add; aiohttp's parser takes more.
_MAX_PASSED_ON = 32

_MAX_REMEMBERED = 1024


@final
class PlainRequest:
    """A request whose body, if it has one, arrived with its head.

    Attributes:
        method: GET or POST.
        query: everything after the question mark, not decoded.
        closes: whether the client asks for the end of the connection.
    """

    __slots__ = ("body", "closes", "headers", "method", "path", "query")

    def __init__(
        self,
        method: str,
        path: str,
        query: str,
        headers: CIMultiDict[str],
        body: bytes,
        *,
        closes: bool,
    ) -> None:
        self.method: Final = method
        self.path: Final = path
        self.query: Final = query
        self.headers: Final = headers
        self.body: Final = body
        self.closes: Final = closes


class _Headers(NamedTuple):
    """The headers of a head that is plain, except the token.

    Attributes:
        fields: names and values, as the client wrote them; to be copied.
        length: the value of Content-Length; 0 without one.
        closes: whether the client asks for the end of the connection.
    """

    fields: CIMultiDict[str]
    length: str
    closes: bool


# By their lines, without those that are passed on. Most pushes of a job have the same ones.
_remembered: Final[dict[str, _Headers]] = {}


def plain_request(data: bytes) -> PlainRequest | None:
    """Return the request that these bytes are; None: they are more, less, or another request."""
    end = data.find(_HEAD_END, 0, _MAX_HEAD_BYTES)
    if end < 0:
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
    block = f"{before}\r\n{after}"
    headers = _remembered.get(block) or _headers(block)
    body = data[end + len(_HEAD_END) :]
    if matched is None or headers is None or headers.length != str(len(body)):
        return None
    fields = headers.fields.copy()
    if found:
        fields.add("Authorization", token.strip(" "))
    method, path, query = matched.groups("")
    return PlainRequest(method, path, query, fields, body, closes=headers.closes)


def _headers(block: str) -> _Headers | None:
    """Return the headers in these lines; None unless each is plain, and stands there once.

    Lines may be empty where a header was taken out.
    """
    rest: list[str] = []
    passed_on: list[tuple[str, str]] = []
    for line in block.split("\r\n"):
        name, colon, value = line.partition(":")
        if not name.startswith(("X-", "x-")) and name.lower() not in _PASSED_ON:
            rest.append(line)
        elif colon and line.isprintable():
            passed_on.append((name, value))
        else:
            return None
    known = "\r\n".join(rest)
    headers = _remembered.get(known) or _known_headers(known)
    if headers is None or not passed_on:
        return headers
    if len(passed_on) > _MAX_PASSED_ON:
        return None
    fields = headers.fields.copy()
    for name, value in passed_on:
        if name in fields or not name.replace("-", "").isalnum():
            return None
        fields.add(name, value.strip(" "))
    return _Headers(fields, headers.length, headers.closes)


def _known_headers(block: str) -> _Headers | None:
    """Return and remember the headers in these lines, each of which is to be known."""
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
    length = values.get("content-length", "0")
    headers = _Headers(CIMultiDict(found.values()), length, connection == "close")
    if len(_remembered) >= _MAX_REMEMBERED:
        _remembered.clear()
    _remembered[block] = headers
    return headers


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
