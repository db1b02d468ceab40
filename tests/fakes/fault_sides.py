"""The two sides of the fault proxy: the listener for clients, and the client of upstream."""

import asyncio
import io
import socket
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from tests.fakes.faults import Answer, How

# Headers of one connection (RFC 9110 §7.6.1); each side has its own.
_HOP_BY_HOP = ("Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade")

# Headers that aiohttp adds unless the client sent them.
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")

# An API server on this machine accepts at once, or is gone.
_CONNECT_LIMIT_SECONDS = 10.0

# struct linger: on, with 0 seconds for unsent data; closing then sends RST (socket(7)).
_LINGER_NOT = struct.pack("ii", 1, 0)

_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer for the client."""

    status: int
    reason: str | None
    headers: CIMultiDict[str]
    body: AsyncIterator[bytes]

    @classmethod
    def told(cls, answer: Answer) -> "Incoming":
        """Return the answer of a test."""
        headers = CIMultiDict(answer.headers)
        headers.setdefault(hdrs.CONTENT_LENGTH, str(len(answer.body)))
        return cls(answer.status, None, headers, _once(answer.body))


async def _once(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body


class Upstream:
    """The upstream server."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url.rstrip("/")
        self._session = session

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, ca_file: Path | None) -> AsyncIterator["Upstream"]:
        """Keep a session until the end of the block."""
        trust = ssl.create_default_context(cafile=ca_file)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_LIMIT_SECONDS),
            skip_auto_headers=_NOT_ADDED,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session:
            yield cls(url, session)
        await asyncio.sleep(0)  # for the loop to close aborted connections

    @asynccontextmanager
    async def asked(self, request: web.BaseRequest, body: bytes) -> AsyncIterator[Incoming]:
        """Send the request unchanged, and return the unchanged answer."""
        async with self._session.request(
            request.method,
            URL(self._url + request.raw_path, encoded=True),
            headers=_end_to_end(request.headers, "Host", "Expect"),
            data=io.BytesIO(body) if body else None,
            allow_redirects=False,
        ) as response:
            incoming = Incoming(
                status=response.status,
                reason=response.reason,
                headers=_end_to_end(response.headers),
                body=response.content.iter_any(),
            )
            try:
                yield incoming
            finally:
                # A watch without a client need not close its upstream connection by TLS: the
                # would wait for upstream's word, longer than the loop of a test may live.
                if response.connection is not None and response.connection.transport is not None:
                    response.connection.transport.abort()


def _end_to_end(headers: Mapping[str, str], *but: str) -> CIMultiDict[str]:
    """Return the headers that are not of one connection only."""
    kept = CIMultiDict(headers)
    for name in (*_HOP_BY_HOP, *but):
        kept.popall(name, None)
    return kept


class Listener:
    """The listener for clients, which can refuse connections and accept again on the same address.

    Attributes:
        accepted: the connections so far, with those on which TLS failed.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.accepted: list[object] = []
        self.port = 0
        self._tls = tls
        self._server: web.Server | None = None
        self._listening: asyncio.Server | None = None
        self._reserved: socket.socket | None = None

    async def open(
        self, handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
    ) -> None:
        """Start to listen."""
        # A client that disconnects ends its upstream request too.
        self._server = web.Server(handle, handler_cancellation=True, access_log=None)
        self._reserve()
        await self.listen()

    async def listen(self) -> None:
        """Accept connections again."""
        reserved, self._reserved = self._reserved, None
        if reserved is not None:
            self._listening = await asyncio.get_running_loop().create_server(
                self._accept, sock=reserved, ssl=self._tls, backlog=_BACKLOG
            )

    async def refuse(self) -> None:
        """Refuse connections, and keep the port."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
            self._reserve()

    def drop(self) -> None:
        """End all connections with RST."""
        for connection in self._server.connections if self._server else ():
            reset(connection.transport)

    async def close(self) -> None:
        """End everything."""
        await self.refuse()
        if self._reserved is not None:
            self._reserved.close()
        self.drop()
        if self._server is not None:
            await self._server.shutdown(0)

    def number_of(self, request: web.BaseRequest) -> int:
        """Return the number of the connection of a request, counted from 1."""
        return self.accepted.index(request.protocol) + 1

    def _accept(self) -> asyncio.Protocol:
        assert self._server is not None
        connection = self._server()
        self.accepted.append(connection)
        return connection

    def _reserve(self) -> None:
        """Bind the port without listening: connections are refused, and the port stays reserved."""
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", self.port))
        self._reserved.setblocking(False)
        self.port = self._reserved.getsockname()[1]


async def cut_short(
    request: web.BaseRequest, response: web.StreamResponse, how: How
) -> web.StreamResponse:
    """End the connection, or only the body, before its regular end."""
    match how:
        case How.RESET:
            reset(request.transport)
        case How.HALF_CLOSE:
            half_close(request.transport)
            await asyncio.Event().wait()  # cancelled when the client closes its side
        case How.END:
            if response.content_length is not None and request.transport is not None:
                request.transport.close()  # the announced rest is missing
    return response


def reset(transport: asyncio.BaseTransport | None) -> None:
    """End a connection with RST; unsent data is lost."""
    own = transport.get_extra_info("socket") if transport else None
    if isinstance(transport, asyncio.Transport) and own is not None:  # else it is closed already
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()


def half_close(transport: asyncio.BaseTransport | None) -> None:
    """End this side of a connection with FIN, below TLS, and leave the other side open."""
    own = transport.get_extra_info("socket") if transport else None
    if own is not None:
        own.shutdown(socket.SHUT_WR)


def make_certificates(folder: Path) -> ssl.SSLContext:
    """Make a certificate authority (`ca.crt`) and a certificate for 127.0.0.1; return a TLS context."""
    folder.mkdir(parents=True, exist_ok=True)
    _openssl(
        folder,
        *("req", "-x509", "-subj", "/CN=fault proxy CA", "-keyout", "ca.key", "-out", "ca.crt"),
        # Without it, VERIFY_X509_STRICT (Python 3.13's default) refuses the CA.
        *("-addext", "keyUsage=critical,keyCertSign"),
    )
    _openssl(
        folder,
        *("req", "-x509", "-subj", "/CN=fault proxy", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.crt", "-CAkey", "ca.key"),
        *("-keyout", "server.key", "-out", "server.crt"),
    )
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "server.crt", folder / "server.key")
    return tls


def _openssl(folder: Path, *arguments: str) -> None:
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2")
    subprocess.run(["openssl", *arguments, *new_key], cwd=folder, check=True, capture_output=True)
