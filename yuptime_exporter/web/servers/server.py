"""The maker of connections, and of the requests that a handler sees."""

import asyncio

from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from yuptime_exporter.web.servers.bare import BareConnections
from yuptime_exporter.web.servers.connection import HttpConnection
from yuptime_exporter.web.servers.fast import FastConnection
from yuptime_exporter.web.servers.tls import has_name
from yuptime_exporter.web.servers.traffic import Traffic
from yuptime_exporter.web.site import Site

_VERSIONS = (HttpVersion11, HttpVersion10)


class OtherVersion(web.BaseRequest):
    """A request in a version of HTTP that is not served; its answer is HTTP/1.1."""


class NamedClientConnection(HttpConnection):
    """A connection that ends unless the client's certificate has one of these names."""

    __slots__ = ("_names",)

    def __init__(
        self,
        server: web.Server,
        traffic: Traffic,
        loop: asyncio.AbstractEventLoop,
        names: frozenset[str],
    ) -> None:
        super().__init__(server, traffic, loop)
        self._names = names

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request, or end."""
        super().connection_made(transport)
        if not has_name(transport, self._names):
            self._traffic.stranger()
            self.force_close()


class HttpServer(web.Server):
    """Makes a connection of ours for each connection that is accepted."""

    def __init__(self, handler: object, traffic: Traffic, *, fast: Site | None = None) -> None:
        """Serve with this handler.

        `bare` has the connections without a transport; None: each needs one.

        Args:
            handler: a coroutine function that returns the response to a request.
            traffic: all connections, those of other servers included.
            fast: the site whose pushes are answered in the fast way; None: none are.
        """
        super().__init__(handler, request_factory=self._incoming)  # type: ignore[arg-type]
        self._traffic = traffic
        self._fast = fast
        self._fast_connections: set[FastConnection] = set()
        self.bare = None if fast is None else BareConnections(fast, traffic)

    def __call__(  # type: ignore[override]
        self, client_names: frozenset[str] = frozenset(), arrived: bytes = b""
    ) -> asyncio.Protocol:
        """Return the protocol of a new connection.

        Args:
            client_names: names of which the client's certificate must have one; empty: any client.
            arrived: what was read from the connection already, if it was one of `bare`.
        """
        if self._fast is None or client_names:
            return self._http_connection(client_names)
        return FastConnection(
            self._fast, self._traffic, self._http_connection, self._fast_connections, arrived
        )

    def close_bare(self) -> None:
        """Close the connections that have no transport."""
        if self.bare is not None:
            self.bare.force_close()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Close all connections that have a transport."""
        for connection in self._fast_connections:
            connection.force_close()
        await super().shutdown(timeout)

    def _http_connection(self, client_names: frozenset[str] = frozenset()) -> HttpConnection:
        loop = asyncio.get_running_loop()
        if client_names:
            return NamedClientConnection(self, self._traffic, loop, client_names)
        return HttpConnection(self, self._traffic, loop)

    def _incoming(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        kind = web.BaseRequest
        if message.version not in _VERSIONS:
            kind, message = OtherVersion, message._replace(version=HttpVersion11)
        elif message.method == "UNKNOWN":  # what aiohttp makes of an error; it is of HTTP/1.0
            message = message._replace(version=HttpVersion11)
        return kind(message, payload, protocol, writer, task, self._loop)
