"""An upstream of the fault proxy with scripted answers, and a client that reads them."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

WATCH = "/apis/monitors?watch=1&fieldSelector=spec.type%3Dpush"
LIST = "/apis/monitors"
ADDED = '{"type":"ADDED","object":{"name":"täglich 🙂"}}\n'.encode()
MODIFIED = b'{"type":"MODIFIED","object":{"name":"backup"}}\n'
MARK = b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}\n'
ALL = ADDED + MODIFIED + MARK


@dataclass
class Upstream:
    """An API server that sends each watch the same frames and then waits.

    Attributes:
        asked: method, target, headers and body of each request.
        frames: of each watch.
        listed: the answer to other requests without a body; a body is sent back unchanged.
        headers: of the answer `listed`.
        ends: whether a watch ends after its frames, or continues with `more`.
        breaks_off: whether a watch ends without its regular end.
        compresses: whether watches are compressed.
        leaving: the number of ended watches.
    """

    url: str = ""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    frames: tuple[bytes, ...] = (ADDED, MODIFIED, MARK)
    listed: bytes = ALL
    headers: dict[str, str] = field(default_factory=lambda: {"X-Kind": "list"})
    ends: bool = True
    breaks_off: bool = False
    compresses: bool = False
    more: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    leaving: int = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        self.asked.append((request.method, request.raw_path, dict(request.headers), body))
        if "watch=" not in request.raw_path:
            return web.Response(body=body or self.listed, headers=self.headers, status=201)
        response = web.StreamResponse()
        if self.compresses:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        for frame in self.frames:
            await response.write(frame)
        try:
            while not self.ends:
                await response.write(await self.more.get())
        finally:
            self.leaving += 1
        if self.breaks_off and request.transport is not None:
            request.transport.abort()
        return response


@asynccontextmanager
async def upstream_at(
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Upstream]:
    upstream = Upstream()
    server = web.Server(upstream.handle, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    scheme = "https" if tls else "http"
    upstream.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    yield upstream
    await runner.cleanup()


async def got(client: aiohttp.ClientSession, target: str = WATCH) -> bytes:
    """Return the whole body, which must be complete."""
    async with client.get(target) as response:
        return await response.read()


async def chunks_of(client: aiohttp.ClientSession, target: str = WATCH) -> list[bytes]:
    """Return the body in its HTTP chunks."""
    chunks = [b""]
    async with client.get(target) as response:
        async for data, ended in response.content.iter_chunks():
            chunks[-1] += data
            if ended:
                chunks.append(b"")
    return [chunk for chunk in chunks if chunk]


async def broken_off(client: aiohttp.ClientSession, target: str = WATCH) -> tuple[str, bytes]:
    """Send one request; return the error that ends the answer, and the data before the error.

    The request is no GET, since aiohttp repeats a GET without an answer.
    """
    data = b""
    try:
        async with client.post(target) as response:
            async for piece in response.content.iter_any():
                data += piece
    except (aiohttp.ClientError, OSError) as error:
        return type(error).__name__, data
    return "", data
