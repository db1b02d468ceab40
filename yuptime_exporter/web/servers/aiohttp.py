"""Serve sites with aiohttp. At the end, requests in flight are answered before anything closes."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import HttpVersion11, web

from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.web.failures import problem
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.site import Site

log = logging.getLogger(__name__)

# A shutdown takes less than 10 s: 2 s for alerts (sinks/alertmanager), these two for requests that
# are being handled and for their connections, 2 s for the store.
DRAIN_SECONDS = 4.0
CLOSE_SECONDS = 1.0

# An idle connection outlives a scrape interval of one minute, so that Prometheus does not have to
# connect for each scrape.
KEEPALIVE_SECONDS = 75.0

# How long the rest of a rejected body is read and dropped, so that a client that is still sending
# can read the answer.
LINGER_SECONDS = 2.0

# A connection without a request by then is closed: without a limit, strangers could hold all
# connections that the system allows (slowloris). The head of a request is one packet of curl's.
HEAD_TIMEOUT_SECONDS = 10.0

# Jobs of a whole company may start at the same second; Linux cuts this to net.core.somaxconn.
_BACKLOG = 4096

_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen: `host` None means every interface, port 0 any free port."""

    flag: str
    host: str | None
    port: int


class Traffic:
    """Connections that have sent no request yet, and the number of requests in flight."""

    def __init__(self) -> None:
        self._silent: set[web.RequestHandler] = set()
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def connected(self, connection: web.RequestHandler) -> None:
        """Note a new connection; without a request it is closed after `HEAD_TIMEOUT_SECONDS`."""
        self._silent.add(connection)
        loop = asyncio.get_running_loop()
        loop.call_later(HEAD_TIMEOUT_SECONDS, self._close_if_silent, connection)

    def began(self, connection: web.RequestHandler) -> None:
        """Note that the handling of a request begins."""
        self._silent.discard(connection)
        self._in_flight += 1
        self._idle.clear()

    def ended(self) -> None:
        """Note that the handling of a request ended."""
        self._in_flight -= 1
        if not self._in_flight:
            self._idle.set()

    async def drained(self) -> None:
        """Return when no request is in flight, or after `DRAIN_SECONDS`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._idle.wait()

    def _close_if_silent(self, connection: web.RequestHandler) -> None:
        if connection in self._silent:
            self._silent.discard(connection)
            connection.force_close()


@asynccontextmanager
async def serving(
    sites: Mapping[Listener, Site], traffic: Traffic
) -> AsyncIterator[dict[str, list[str]]]:
    """Serve until the block ends; give the addresses that are bound, by their flags.

    Raises:
        ConfigInvalid: an address cannot be listened on.
    """
    async with AsyncExitStack() as stack:
        servers = {}
        for site in dict.fromkeys(sites.values()):
            servers[site] = web.Server(
                _handler(site, traffic),
                access_log=None,
                keepalive_timeout=KEEPALIVE_SECONDS,
                lingering_time=LINGER_SECONDS,
                auto_decompress=False,  # a compressed body is rejected unread: no zip bombs
            )
            runner = web.ServerRunner(servers[site], shutdown_timeout=CLOSE_SECONDS)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
        bound: dict[str, list[str]] = {}
        sockets = []
        for listener, site in sites.items():
            sockets.append(await _listen(listener, servers[site], traffic))
            stack.callback(sockets[-1].close)
            for socket in sockets[-1].sockets:
                address = _address(socket.getsockname())
                bound.setdefault(listener.flag, []).append(address)
                log.info("listening", extra={"flag": listener.flag, "address": address})
        yield bound
        for listening in sockets:
            listening.close()
        # aiohttp's own shutdown drops the rest of a body that is still arriving.
        await traffic.drained()


def _handler(site: Site, traffic: Traffic) -> _Handler:
    async def handle(incoming: web.BaseRequest) -> web.StreamResponse:
        traffic.began(incoming.protocol)
        try:
            if "Expect" in incoming.headers and not await _continued(incoming):
                detail = "Expect: expected 100-continue, got another"
                return _response(problem(HTTPStatus.EXPECTATION_FAILED, detail))
            url = incoming.rel_url
            match = site.match(incoming.method, url.raw_path)
            request = Request(
                incoming.method,
                match.parameters,
                _query(incoming),
                incoming.headers,
                _body(incoming),
                incoming.scheme,
            )
            return _response(await site.answer(match, request))
        finally:
            traffic.ended()

    return handle


def _query(incoming: web.BaseRequest) -> str:
    """Return everything after the question mark: a request has no fragment (RFC 9112, section 3.2).

    A `#` is then a character of the query; cutting it off could cut off the status of a push.
    """
    url = incoming.rel_url
    return (
        f"{url.raw_query_string}#{url.raw_fragment}" if url.raw_fragment else url.raw_query_string
    )


async def _continued(incoming: web.BaseRequest) -> bool:
    """Tell a waiting client to send its body (RFC 9110, section 10.1.1); False: unknown."""
    if incoming.version != HttpVersion11:
        return True
    if incoming.headers["Expect"].lower() != "100-continue":
        return False
    await incoming.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    incoming.writer.output_size = 0  # the answer itself has not begun
    return True


def _body(incoming: web.BaseRequest) -> bytes | AsyncIterator[bytes]:
    content = incoming.content
    if content.is_eof() and content.exception() is None:  # it came with the head, as from curl
        return content.read_nowait()
    return content.iter_any()


def _response(answer: Answer) -> web.Response:
    response = web.Response(body=answer.body, status=answer.status, headers=answer.all_headers())
    if answer.close:
        response.force_close()
    return response


async def _listen(listener: Listener, server: web.Server, traffic: Traffic) -> asyncio.Server:
    def connection() -> web.RequestHandler:
        made = server()
        traffic.connected(made)
        return made

    try:
        return await asyncio.get_running_loop().create_server(
            connection, listener.host, listener.port, backlog=_BACKLOG
        )
    except OSError as error:
        # asyncio's own text repeats the address.
        why = os.strerror(error.errno) if error.errno else str(error)
        address = f"{listener.host or ''}:{listener.port}"
        raise ConfigInvalid(f"{listener.flag}={address}: {why}") from error


def _address(socket_name: Sequence[object]) -> str:
    """Return a bound address as a URL has it."""
    host, port = socket_name[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
