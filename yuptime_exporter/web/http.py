"""Requests and answers as plain values, so that no handler depends on the server that serves it."""

import json
import re
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, final
from urllib.parse import parse_qsl

from multidict import MultiMapping

from yuptime_exporter.core.values import Value

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"

# A name or an IPv4 address, or an IPv6 address, with any port (RFC 3986, section 3.2.2).
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

# Of every answer. The name of the server carries no version: strangers need none.
_COMMON_HEADERS = {
    "Server": "yuptime-exporter",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@final
class Request:
    """One request, as its server read it.

    Attributes:
        method: in capitals.
        parameters: the decoded parts of the path that its route names.
        query: everything after the question mark, not decoded.
        headers: looked up without regard to case; a name may have several values.
        body: all of it when it arrived together with the head; otherwise the parts that are still
            arriving, to be iterated once.
        scheme: `http` or `https`.
        client_address: the IP address of the connection; empty where it is not known.
    """

    __slots__ = ("body", "client_address", "headers", "method", "parameters", "query", "scheme")

    def __init__(  # noqa: PLR0913, PLR0917  as many as a request has parts
        self,
        method: str,
        parameters: Mapping[str, str],
        query: str,
        headers: MultiMapping[str],
        body: bytes | AsyncIterator[bytes],
        scheme: str = "http",
        client_address: str = "",
    ) -> None:
        self.method: Final = method
        self.parameters: Final = parameters
        self.query: Final = query
        self.headers: Final = headers
        self.body: Final = body
        self.scheme: Final = scheme
        self.client_address: Final = client_address

    @property
    def origin(self) -> str:
        """The address that the client used, such as `http://exporter.example:10091`.

        A Host that no host has is left out: readers paste commands with this address into shells.
        """
        host = self.headers.get("Host", "")
        if not _HOST.fullmatch(host):  # HTTP/1.0 has none
            host = socket.gethostname()
        return f"{self.scheme}://{host}"

    def with_parameters(self, parameters: Mapping[str, str]) -> "Request":
        """Return the same request with other parameters."""
        return Request(
            self.method,
            parameters,
            self.query,
            self.headers,
            self.body,
            self.scheme,
            self.client_address,
        )

    def header_list(self, name: str) -> str:
        """Return all values of a header, separated by commas; empty when there is none."""
        return ",".join(self.headers.getall(name, ()))

    def query_pairs(self) -> list[tuple[str, str]]:
        """Return the decoded names and values of the query, in their order."""
        return parse_qsl(self.query, keep_blank_values=True)

    def query_values(self, name: str) -> list[str]:
        """Return the decoded values of a query parameter, in their order."""
        return [value for key, value in self.query_pairs() if key == name]


@final
class Answer(Value):
    """The answer to one request.

    Attributes:
        parts: the body where it is too large to be held at once, to be iterated once. The pieces of
            a part are written together, and are gone when the next part is asked for.
        headers: in addition to those that every answer has.
        close: whether the connection ends after the answer, because the body was not read.
    """

    __slots__ = ("body", "close", "content_type", "headers", "parts", "status")

    def __init__(
        self,
        status: int = HTTPStatus.OK,
        body: bytes = b"",
        content_type: str = TEXT,
        headers: Mapping[str, str] = _NO_HEADERS,
        *,
        close: bool = False,
        parts: AsyncIterator[Sequence[bytes]] | None = None,
    ) -> None:
        self.status: Final = status
        self.body: Final = body
        self.content_type: Final = content_type
        self.headers: Final = headers
        self.close: Final = close
        self.parts: Final = parts

    def all_headers(self) -> dict[str, str]:
        """Return every header but those that only a server knows, such as Date."""
        return {**_COMMON_HEADERS, "Content-Type": self.content_type, **self.headers}


def text_answer(text: str, *, status: int = HTTPStatus.OK) -> Answer:
    """Return an answer in plain text."""
    return Answer(status, text.encode())


def json_answer(value: Mapping[str, object]) -> Answer:
    """Return an answer in JSON."""
    return Answer(body=json.dumps(value).encode(), content_type=JSON)
