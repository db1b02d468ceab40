"""One connection of aiohttp's, with rules of ours where aiohttp answers or logs by itself."""

import asyncio
import sys
from contextlib import suppress
from http import HTTPStatus

from aiohttp import EMPTY_PAYLOAD, StreamReader, web
from aiohttp.http import HttpRequestParser
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from yuptime_exporter.core.errors import (
    BodyIncomplete,
    MalformedPush,
    Rejection,
    RequestUnreadable,
)
from yuptime_exporter.web.failures import failed, problem
from yuptime_exporter.web.http import Answer
from yuptime_exporter.web.servers.parts import PartsPayload
from yuptime_exporter.web.servers.refusals import (
    MAX_HEADERS,
    MAX_LINE_BYTES,
    refusal,
)
from yuptime_exporter.web.servers.traffic import Traffic

# An idle connection outlives a scrape interval of one minute, so that Prometheus does not have to
# connect for each scrape.
KEEPALIVE_SECONDS = 75.0

# How long the rest of a rejected body is read and dropped, so that a client that is still sending
# can read the answer.
LINGER_SECONDS = 2.0

_READ_BUFFER_BYTES = 64 * 1024


class HttpConnection(RequestHandler):
    """Reads requests one by one, so that no answer depends on how bytes are split into packets.

    aiohttp drops complete requests when garbage follows them in the same packet; answers what its
    parser refuses with the client's own bytes and versions of Python and of itself; logs clients
    that leave as errors; and sends no answer to a client that closes its own side.
    """

    __slots__ = (
        "_arriving",
        "_client_ended",
        "_ended",
        "_head_timer",
        "_is_last",
        "_traffic",
        "_unreadable",
    )

    def __init__(
        self, server: web.Server, traffic: Traffic, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]
            keepalive_timeout=KEEPALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
        )
        self._parser = HttpRequestParser(
            self,
            loop,
            _READ_BUFFER_BYTES,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            payload_exception=web.RequestPayloadError,
            auto_decompress=False,  # a compressed body is rejected unread: no zip bombs
            max_msg_queue_size=1,  # the parser stops after each request
        )
        self._traffic = traffic
        self._arriving: StreamReader | None = None  # the body of the newest request
        self._client_ended = False  # whether the client has closed its own side
        self._ended: asyncio.Future[None] | None = None  # set while the client reads a refusal
        self._is_last = False  # whether the connection ends when all requests are answered
        self._unreadable = False
        self._head_timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is being handled, and none is waiting to be."""
        waiter = self._ended or self._waiter
        return waiter is not None and not waiter.done()

    @property
    def is_followed_by_garbage(self) -> bool:
        """Whether bytes that are no request stand behind the request that is being handled."""
        return bool(self._messages) and isinstance(self._messages[0][0], _ErrInfo)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._traffic.connected(self)
        self._expect_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End; a request that is being handled goes on, and its answer is dropped.

        Whatever the network reports, such as ETIMEDOUT, the client has left: a handler that still
        reads the body sees a ConnectionError.
        """
        if self._manager is not None:
            self._traffic.closed(self)
        self._forget_head()
        self._end_lingering()
        if isinstance(exc, OSError) and not isinstance(exc, ConnectionError):
            exc = ConnectionResetError(exc.errno, exc.strerror)
        arriving = self._arriving
        if arriving is not None and not arriving.is_eof():  # its handler may not have begun
            arriving.set_exception(exc or ConnectionResetError("the client left"))
        if self._messages and self._current_request is None and self._task_handler is not None:
            self._traffic.client_left()
            self._task_handler.cancel()  # or aiohttp fails to make the request
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read requests, each with a call of the parser of its own."""
        if self._unreadable:
            return
        known = self._request_count
        super().data_received(data)
        if self._request_count != known:
            self._forget_head()
            self._read_on()
        elif data and self._head_timer is None and self.is_idle:
            self._expect_head()

    def _read_on(self) -> None:
        """Read the requests behind the newest, until one is not complete or the queue is full."""
        while True:
            message, payload = self._messages[-1]
            if isinstance(message, _ErrInfo):
                self._stop_reading()
                return
            self._arriving = payload
            if not payload.is_eof() or self._upgraded:
                return
            if len(self._messages) >= self._max_msg_queue_size:
                if not self._buffer_paused:
                    self._pause_reading_for_buffer()
                return
            if not self._read_next():
                return

    def _read_next(self) -> bool:
        """Let the parser read one more request of what it has; return whether there was one."""
        assert self._parser is not None  # noqa: S101  the connection is open
        try:
            requests, self._upgraded, tail = self._parser.feed_data(b"")
        except HttpProcessingError as error:
            refused = _ErrInfo(status=400, exc=error, message=error.message)
            requests, tail = [(refused, EMPTY_PAYLOAD)], b""
        self._message_tail += tail
        self._messages.extend(requests)
        self._request_count += len(requests)
        return bool(requests)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Note that the client sends nothing more; it still gets the answers it waits for.

        Returns:
            Whether the connection stays open.
        """
        self._client_ended = True
        if self.is_idle:
            self._end_lingering()
            return False
        self._end_body(BodyIncomplete("body: expected all of it, got a part and then the end"))
        self._close_when_answered()
        # TLS has no half of a connection that stays open.
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is None

    def close(self) -> None:
        """Close the connection when its requests are answered."""
        self._end_lingering()
        super().close()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; return it with whether the client has left."""
        answered, left = await super().finish_response(request, resp, start_time)
        if left:
            self._traffic.client_left()
        elif not self._messages:
            if self._unreadable:
                await self._linger()
            if self._is_last:
                self.close()
            if self.transport is not None:  # a connection that has ended is idle no more
                self._traffic.answered(self)
        return answered, left

    async def _linger(self) -> None:
        """Drop what a client still sends: a reset would take the answer from it."""
        if self.transport is None or self._client_ended or self._force_close:
            return
        try:
            self.transport.write_eof()
        except OSError:  # ENOTCONN: the client has reset the connection in the meantime
            self._traffic.client_left()
            self.force_close()
            return
        self._ended = asyncio.get_running_loop().create_future()
        self._traffic.answered(self)
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await self._ended

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Return the answer to a request that the parser refused, or that failed."""
        exc = exc or sys.exception()  # aiohttp hands over no TimeoutError
        if isinstance(exc, ConnectionError):
            self._traffic.client_left()
            raise exc
        if isinstance(exc, HttpProcessingError):
            answer = self.refused(*refusal(exc))
        else:
            self._traffic.failed(exc)
            answer = failed()
        if request.writer.output_size > 0:  # of an answer that cannot be completed
            raise ConnectionError
        return response(answer)

    def refused(self, status: HTTPStatus, detail: str) -> Answer:
        """Count a request that no handler sees, and return its answer."""
        self._traffic.refused(RequestUnreadable(detail))
        return problem(status, detail, close=True)

    def log_exception(self, *_: object, **details: object) -> None:
        """Log an error of the server itself, and none of clients that leave."""
        error = details.get("exc_info")
        # A rejection ends a body whose rest is read and dropped after its answer.
        if not isinstance(error, ConnectionError | Rejection):
            self._traffic.failed(error if isinstance(error, BaseException) else None)

    def _stop_reading(self) -> None:
        """Read no more after bytes that are no request; a body that they end is malformed."""
        self._unreadable = True
        if self._end_body(MalformedPush("body: expected chunks as in RFC 9112, got others")):
            self._messages.pop()  # the answer to that body is the answer to these bytes, too
            self._close_when_answered()

    def _end_body(self, rejection: Rejection) -> bool:
        """End the newest body, if it is not complete; return whether it was not."""
        arriving = self._arriving
        if arriving is None or arriving.is_eof():
            return False
        arriving.set_exception(rejection)
        arriving.feed_eof()  # or aiohttp would wait for the rest
        return True

    def _close_when_answered(self) -> None:
        if self._messages:
            self._is_last = True
        else:
            self.close()

    def _end_lingering(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _expect_head(self) -> None:
        loop = asyncio.get_running_loop()
        self._head_timer = loop.call_later(self._traffic.head_timeout_seconds, self._head_overdue)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_overdue(self) -> None:
        self._head_timer = None
        if self.is_idle:
            self._traffic.head_overdue(self)


def response(answer: Answer) -> web.Response:
    """Return an answer as aiohttp sends it."""
    body = answer.body if answer.parts is None else PartsPayload(answer.parts)
    made = web.Response(body=body, status=answer.status, headers=answer.all_headers())
    if answer.close:
        made.force_close()
    return made
