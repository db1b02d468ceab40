"""Listen, and at the end answer what is in flight before anything is closed."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from aiohttp import web

from yuptime_exporter.core.errors import ConfigInvalid

log = logging.getLogger(__name__)

# A shutdown is to take less than 10 s, whatever hangs: 2 s for alerts (sinks/alertmanagers), these
# two for requests that are being handled and for their connections, 2 s for the store.
DRAIN_SECONDS = 4.0
CLOSE_SECONDS = 1.0

# An idle connection is kept for longer than a scrape interval of one minute, so that Prometheus
# need not connect anew for each scrape.
KEEPALIVE_SECONDS = 75.0

# For how long the rest of a refused body is read and dropped, so that a client which is still
# sending gets to read why.
LINGER_SECONDS = 2.0

# Who has connected and not asked anything by then is not going to: without a limit, strangers
# could hold all connections that the system allows (slowloris). A head is one packet of curl's.
HEAD_TIMEOUT_SECONDS = 10.0

# Jobs of a whole company may start at the same second; Linux cuts this to net.core.somaxconn.
_BACKLOG = 4096


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen: `host` None means every interface, port 0 any free port."""

    flag: str
    host: str | None
    port: int


class Traffic:
    """Which connections have not asked anything yet, and how many requests are being handled."""

    def __init__(self) -> None:
        self._silent: set[object] = set()
        self._requests = 0
        self._none = asyncio.Event()
        self._none.set()

    def connected(self, connection: web.RequestHandler) -> None:
        """Give a new connection its time to ask something, and close it if it does not."""
        self._silent.add(connection)
        loop = asyncio.get_running_loop()
        loop.call_later(HEAD_TIMEOUT_SECONDS, self._close_if_silent, connection)

    @contextmanager
    def handling(self, request: web.Request) -> Iterator[None]:
        """Count a request while it is handled."""
        self._silent.discard(request.protocol)
        self._requests += 1
        self._none.clear()
        try:
            yield
        finally:
            self._requests -= 1
            if not self._requests:
                self._none.set()

    async def drained(self) -> None:
        """Return when no request is being handled, or after `DRAIN_SECONDS`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._none.wait()

    def _close_if_silent(self, connection: web.RequestHandler) -> None:
        if connection in self._silent:
            self._silent.discard(connection)
            connection.force_close()


@asynccontextmanager
async def serving(
    applications: Mapping[Listener, web.Application], traffic: Traffic
) -> AsyncIterator[dict[str, list[str]]]:
    """Serve until the block ends; give the addresses that are bound, by their flags.

    Raises:
        ConfigInvalid: an address cannot be listened on.
    """
    async with AsyncExitStack() as stack:
        runners: dict[web.Application, web.AppRunner] = {}
        for app in dict.fromkeys(applications.values()):
            runners[app] = web.AppRunner(
                app,
                access_log=None,
                keepalive_timeout=KEEPALIVE_SECONDS,
                shutdown_timeout=CLOSE_SECONDS,
                lingering_time=LINGER_SECONDS,
                auto_decompress=False,  # a push is never compressed, so it cannot be a bomb
            )
            await runners[app].setup()
            stack.push_async_callback(runners[app].cleanup)
        bound: dict[str, list[str]] = {}
        servers = []
        for listener, app in applications.items():
            servers.append(await _listen(listener, runners[app], traffic))
            stack.callback(servers[-1].close)
            for socket in servers[-1].sockets:
                address = _address(socket.getsockname())
                bound.setdefault(listener.flag, []).append(address)
                log.info("listening", extra={"flag": listener.flag, "address": address})
        yield bound
        for server in servers:
            server.close()
        # aiohttp's own shutdown drops what is left of a body that is still arriving.
        await traffic.drained()


async def _listen(listener: Listener, runner: web.AppRunner, traffic: Traffic) -> asyncio.Server:
    def connection() -> web.RequestHandler:
        assert runner.server is not None  # noqa: S101  it is set up
        made = runner.server()
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
