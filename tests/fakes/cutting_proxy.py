"""A TCP proxy that cuts every connection after a fixed life, as many load balancers do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass
class CuttingProxy:
    """A running proxy.

    Attributes:
        cuts: the number of connections that lived for too long.
    """

    port: int = 0
    cuts: int = 0


@asynccontextmanager
async def cutting_proxy(port: int, *, life_seconds: float) -> AsyncIterator[CuttingProxy]:
    """Pass bytes to a port of 127.0.0.1, and reset each connection after this time."""
    proxy = CuttingProxy()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(life_seconds), asyncio.TaskGroup() as tasks:
                tasks.create_task(pump(reader, upstream_writer))
                tasks.create_task(pump(upstream_reader, writer))
        except TimeoutError:
            proxy.cuts += 1
        finally:
            writer.transport.abort()
            upstream_writer.transport.abort()

    server = await asyncio.start_server(passed, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await asyncio.sleep(0)
