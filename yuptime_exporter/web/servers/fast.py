"""The fast way: the common push is answered without aiohttp, by the same rules.

A connection begins in `bare`, without a transport, and goes on here. A request that
`plain.plain_request` reads, and whose route can be answered without waiting, is answered in both. At
the first other request, the connection and all its bytes from there on are aiohttp's.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from yuptime_exporter.web.failures import failed
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Answered
from yuptime_exporter.web.servers.connection import KEEPALIVE_SECONDS
from yuptime_exporter.web.servers.plain import PlainRequest, answer_bytes, plain_request
from yuptime_exporter.web.servers.traffic import Traffic
from yuptime_exporter.web.site import Site


def begin_plain(
    site: Site, plain: PlainRequest, scheme: str, client_address: str, answered: Answered
) -> bool:
    """Begin to answer a request that `plain_request` read, as `Site.begin` does."""
    match = site.match(plain.method, plain.path)
    request = Request(
        plain.method,
        match.parameters,
        plain.query,
        plain.headers,
        plain.body,
        scheme,
        client_address,
    )
    return site.begin(match, request, answered)


def end_plain(traffic: Traffic, outcome: Answer | Exception) -> Answer:
    """Note that the handling of such a request ended; return its answer, after a bug, too."""
    traffic.ended()
    if isinstance(outcome, Exception):
        traffic.failed(outcome)
        return failed()
    return outcome


class FastConnection(asyncio.Protocol):
    """Answers pushes one by one; needs no task, no stream and no timer for each of them."""

    __slots__ = (
        "_client_address",
        "_client_ended",
        "_closes",
        "_is_answering",
        "_is_congested",
        "_last_used_seconds",
        "_loop",
        "_make_other",
        "_open",
        "_scheme",
        "_site",
        "_timer",
        "_traffic",
        "_transport",
        "_unread",
        "_was_used",
    )

    def __init__(
        self,
        site: Site,
        traffic: Traffic,
        make_other: Callable[[], asyncio.Protocol],
        open_connections: "set[FastConnection]",
        arrived: bytes = b"",
    ) -> None:
        """Have no connection yet.

        Args:
            site: answers the requests.
            traffic: all connections.
            make_other: returns the protocol that takes over at the first other request.
            open_connections: contains this one while it is open and not handed over.
            arrived: what was read from the connection already.
        """
        self._site = site
        self._traffic = traffic
        self._make_other = make_other
        self._open = open_connections
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._client_address = ""
        self._scheme = "http"
        self._is_answering = False
        self._is_congested = False  # the client does not read its answers
        self._closes = False  # after the answer
        self._client_ended = False
        self._unread = arrived  # what arrived before the answer, which comes first
        self._was_used = False
        self._last_used_seconds = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is being handled, and none is waiting to be."""
        return not self._is_answering and not self._unread

    def force_close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        # uvloop's transport is none of asyncio's classes.
        self._transport = transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._client_address = peer[0] if isinstance(peer, tuple) else str(peer or "")
        if transport.get_extra_info("sslcontext") is not None:
            self._scheme = "https"
        self._open.add(self)
        self._traffic.connected(self)
        self._last_used_seconds = self._loop.time()
        self._wait_for_request(self._traffic.head_timeout_seconds)
        self._read_unread()

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002
        """End; a push that is being saved is saved, and its answer is dropped."""
        self._leave()
        self._traffic.closed(self)

    def data_received(self, data: bytes) -> None:
        """Answer a push, or hand the connection over."""
        if self._is_answering or self._is_congested:
            self._unread += data
            self._pause()
        elif not self._begin(data):
            self._hand_over(data)

    def eof_received(self) -> bool:
        """Note that the client sends nothing more; return whether it waits for an answer."""
        self._client_ended = True
        return not self.is_idle

    def pause_writing(self) -> None:
        """Read no more requests of a client that does not read their answers."""
        self._is_congested = True
        self._pause()

    def resume_writing(self) -> None:
        """Read the next request."""
        self._is_congested = False
        self._resume()

    def _begin(self, data: bytes) -> bool:
        """Begin to answer the request that these bytes are; return whether they are one."""
        plain = plain_request(data)
        if plain is None:
            return False
        self._is_answering, self._closes = True, plain.closes
        self._traffic.began(self)
        if begin_plain(self._site, plain, self._scheme, self._client_address, self._answer):
            return True
        self._traffic.ended()
        self._is_answering = False
        return False

    def _answer(self, outcome: Answer | Exception) -> None:
        """Send an answer, and go on with what arrived in the meantime."""
        answer = end_plain(self._traffic, outcome)
        self._is_answering, self._was_used = False, True
        transport = self._transport
        if transport is None or transport.is_closing():  # then uvloop's `write` would raise
            self._traffic.client_left()
            return
        closes = self._closes or answer.close
        transport.write(answer_bytes(answer, closes=closes))
        if closes or (self._client_ended and not self._unread):
            transport.close()
            return
        self._last_used_seconds = self._loop.time()
        self._traffic.answered(self)
        if self._unread:
            self._resume()

    def _pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def _resume(self) -> None:
        transport = self._transport
        if transport is None or self._is_answering or self._is_congested:
            return
        if not transport.is_reading():
            transport.resume_reading()
        self._read_unread()

    def _read_unread(self) -> None:
        if self._unread:
            data, self._unread = self._unread, b""
            self.data_received(data)

    def _hand_over(self, data: bytes) -> None:
        """Leave the connection to aiohttp, which sees it as new and these bytes as its first."""
        transport = self._transport
        assert transport is not None  # noqa: S101  bytes arrived
        self._leave()
        other = self._make_other()
        self._traffic.handed_over(self)
        transport.set_protocol(other)
        other.connection_made(transport)
        other.data_received(data)
        if self._client_ended and not other.eof_received():
            transport.close()

    def _leave(self) -> None:
        """Be no part of the connection any more."""
        self._transport = None
        self._open.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_for_request(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._overdue)

    def _overdue(self) -> None:
        """Close the connection if it waits for too long; otherwise look again later.

        So a push costs no timer.
        """
        if not self._was_used and self.is_idle:
            self._traffic.head_overdue(self)
            return
        idle_seconds = self._loop.time() - self._last_used_seconds
        if self.is_idle and idle_seconds >= KEEPALIVE_SECONDS:
            self.force_close()
        elif self.is_idle:
            self._wait_for_request(KEEPALIVE_SECONDS - idle_seconds)
        else:
            self._wait_for_request(KEEPALIVE_SECONDS)
