"""Serve sites with aiohttp. At the end, requests in flight are answered before anything closes."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import HttpVersion11, StreamReader, web

from yuptime_exporter.core.errors import BodyIncomplete, ConfigInvalid
from yuptime_exporter.web.http import Request
from yuptime_exporter.web.servers.accepting import Acceptor
from yuptime_exporter.web.servers.binding import bound_sockets
from yuptime_exporter.web.servers.connection import HttpConnection, response
from yuptime_exporter.web.servers.refusals import EXPECTATION, STRAY_BYTES, VERSION, Refusal
from yuptime_exporter.web.servers.server import HttpServer, OtherVersion
from yuptime_exporter.web.servers.tls import CurrentTls, ListenerTls
from yuptime_exporter.web.servers.traffic import Traffic
from yuptime_exporter.web.site import Site

log = logging.getLogger(__name__)

# After the time for requests in flight (`traffic.DRAIN_SECONDS`), the time for their connections.
CLOSE_SECONDS = 1.0

_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen: `host` None means every interface, port 0 any free port.

    Attributes:
        tls: gives the TLS of a connection that begins.
    """

    flag: str
    host: str | None
    port: int
    tls: CurrentTls = ListenerTls


@asynccontextmanager
async def serving(
    sites: Mapping[Listener, Site], traffic: Traffic, *, fast_pushes: bool = True
) -> AsyncIterator[dict[str, list[str]]]:
    """Serve until the block ends; give the addresses that are bound, by their flags.

    Args:
        sites: by the addresses on which they are served.
        traffic: counts and limits all connections.
        fast_pushes: whether common pushes are answered in the fast way, see `servers.fast`.

    Raises:
        ConfigInvalid: an address cannot be listened on.
    """
    async with AsyncExitStack() as stack:
        servers = {}
        for site in dict.fromkeys(sites.values()):
            fast = site if fast_pushes else None
            servers[site] = HttpServer(site_handler(site, traffic), traffic, fast=fast)
            runner = web.ServerRunner(servers[site], shutdown_timeout=CLOSE_SECONDS)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
        bound: dict[str, list[str]] = {}
        acceptors = []
        for listener, site in sites.items():
            for bound_socket in await _bound(listener):
                acceptors.append(Acceptor(bound_socket, servers[site], traffic, tls=listener.tls))
                stack.callback(acceptors[-1].close)
                address = _address(bound_socket.getsockname())
                bound.setdefault(listener.flag, []).append(address)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for server in servers.values():
            stack.callback(server.close_bare)  # before the end of the tasks, which give transports
        for acceptor in acceptors:
            acceptor.start(tasks)
        _log_addresses(bound)
        yield bound
        for acceptor in acceptors:
            acceptor.close()
        # aiohttp's own shutdown drops the rest of a body that is still arriving.
        await traffic.drained()


def site_handler(site: Site, traffic: Traffic) -> _Handler:
    """Return the coroutine function that answers each request of a site."""

    async def handle(incoming: web.BaseRequest) -> web.StreamResponse:
        connection = incoming.protocol
        assert isinstance(connection, HttpConnection)  # noqa: S101  our server makes no others
        traffic.began(connection)
        try:
            body = _body(incoming)
            refused = _refused(incoming, connection, body)
            if refused is None and "Expect" in incoming.headers and not await _continued(incoming):
                refused = EXPECTATION
            if refused is not None:
                return response(connection.refused(*refused))
            url = incoming.rel_url
            match = site.match(incoming.method, url.raw_path)
            request = Request(
                incoming.method,
                match.parameters,
                _query(incoming),
                incoming.headers,
                body,
                incoming.scheme,
                incoming.remote or "",
            )
            return response(await site.answer(match, request))
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


def _refused(
    incoming: web.BaseRequest, connection: HttpConnection, body: bytes | AsyncIterator[bytes]
) -> Refusal | None:
    """Return why no handler sees this request; None if one does."""
    if isinstance(incoming, OtherVersion):
        return VERSION
    if not body and connection.is_followed_by_garbage:
        return STRAY_BYTES  # most often a body, whose status must not be read as up
    return None


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
    return _arriving(content)


async def _arriving(content: StreamReader) -> AsyncIterator[bytes]:
    try:
        async for part in content.iter_any():
            yield part
    except ConnectionError:
        raise BodyIncomplete("body: expected all of it, but the client left") from None


async def _bound(listener: Listener) -> list[socket.socket]:
    try:
        return await bound_sockets(listener.host, listener.port)
    except OSError as error:
        # asyncio's own text repeats the address.
        why = os.strerror(error.errno) if error.errno else str(error)
        address = f"{listener.host or ''}:{listener.port}"
        raise ConfigInvalid(f"{listener.flag}={address}: {why}") from error


def _log_addresses(bound: Mapping[str, Sequence[str]]) -> None:
    for flag, addresses in bound.items():
        for address in addresses:
            log.info("listening", extra={"flag": flag, "address": address})


def _address(socket_name: Sequence[object]) -> str:
    """Return a bound address as a URL has it."""
    host, port = socket_name[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
