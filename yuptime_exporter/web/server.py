"""Listen, and at the end answer what is in flight before anything is closed."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
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

# Jobs of a whole company may start at the same second; Linux cuts this to net.core.somaxconn.
_BACKLOG = 4096


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen: `host` None means every interface, port 0 any free port."""

    flag: str
    host: str | None
    port: int


class InFlight:
    """How many requests are being handled."""

    def __init__(self) -> None:
        self._requests = 0
        self._none = asyncio.Event()
        self._none.set()

    def __enter__(self) -> None:
        self._requests += 1
        self._none.clear()

    def __exit__(self, *_: object) -> None:
        self._requests -= 1
        if not self._requests:
            self._none.set()

    async def drained(self) -> None:
        """Return when no request is being handled, or after `DRAIN_SECONDS`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._none.wait()


@asynccontextmanager
async def serving(
    applications: Mapping[Listener, web.Application], in_flight: InFlight
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
        sites = [await _listen(runners[app], listener) for listener, app in applications.items()]
        yield _bound(applications, runners)
        for site in sites:
            await site.stop()
        # aiohttp's own shutdown drops what is left of a body that is still arriving.
        await in_flight.drained()


async def _listen(runner: web.AppRunner, listener: Listener) -> web.TCPSite:
    site = web.TCPSite(runner, listener.host, listener.port, backlog=_BACKLOG)
    try:
        await site.start()
    except OSError as error:
        # asyncio's own text repeats the address.
        why = os.strerror(error.errno) if error.errno else str(error)
        address = f"{listener.host or ''}:{listener.port}"
        raise ConfigInvalid(f"{listener.flag}={address}: {why}") from error
    return site


def _bound(
    applications: Mapping[Listener, web.Application],
    runners: Mapping[web.Application, web.AppRunner],
) -> dict[str, list[str]]:
    bound: dict[str, list[str]] = {}
    for flag, runner in {
        listener.flag: runners[app] for listener, app in applications.items()
    }.items():
        bound[flag] = [_address(socket_name) for socket_name in runner.addresses]
        for address in bound[flag]:
            log.info("listening", extra={"flag": flag, "address": address})
    return bound


def _address(socket_name: Sequence[object]) -> str:
    """Return a bound address as a URL has it."""
    host, port = socket_name[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
