"""The maker of connections, and of the requests that a handler sees."""

import asyncio

from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from yuptime_exporter.web.servers.connection import HttpConnection
from yuptime_exporter.web.servers.traffic import Traffic

_VERSIONS = (HttpVersion11, HttpVersion10)


class OtherVersion(web.BaseRequest):
    """A request in a version of HTTP that is not served; its answer is HTTP/1.1."""


class HttpServer(web.Server):
    """Makes a connection of ours for each connection that is accepted."""

    def __init__(self, handler: object, traffic: Traffic) -> None:
        """Serve with this handler.

        Args:
            handler: a coroutine function that returns the response to a request.
            traffic: all connections, those of other servers included.
        """
        super().__init__(handler, request_factory=self._incoming)  # type: ignore[arg-type]
        self._traffic = traffic

    def __call__(self) -> HttpConnection:
        """Return the protocol of a new connection."""
        return HttpConnection(self, self._traffic, asyncio.get_running_loop())

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
