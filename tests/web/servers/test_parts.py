"""A body in parts is made while it is sent, and no faster than its client reads."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from tests.waiting import eventually
from tests.web.servers.parts import traffic_of
from yuptime_exporter.metrics.http import HttpMetrics
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Route
from yuptime_exporter.web.servers.aiohttp import Listener, serving
from yuptime_exporter.web.site import Site

PARTS = 400
PIECES = (b"a" * 50_000, b"b", b"c" * 50_000)
SIZE_BYTES = PARTS * sum(map(len, PIECES))


class Parts:
    """Makes the body, and counts its parts."""

    def __init__(self) -> None:
        self.made = 0

    async def pieces(self) -> AsyncIterator[list[bytes]]:
        for _ in range(PARTS):
            self.made += 1
            yield list(PIECES)

    async def number(self) -> int:
        await asyncio.sleep(0.01)
        return self.made


@asynccontextmanager
async def asked(
    parts: Parts, headers: Mapping[str, str], request: bytes
) -> AsyncIterator[asyncio.StreamReader]:
    """Ask for the body; give the reader of the answer, which reads only on demand."""

    async def answer(_: Request) -> Answer:
        return Answer(headers=headers, parts=parts.pieces())

    site = Site((Route("GET", "/", answer),), HttpMetrics(CollectorRegistry()))
    async with serving({Listener("--web", "127.0.0.1", 0): site}, traffic_of()) as bound:
        host, port = bound["--web"][0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(request)
        try:
            yield reader
        finally:
            writer.transport.abort()


SIZED = {"Content-Length": str(SIZE_BYTES)}
HTTP_11 = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HTTP_10 = b"GET / HTTP/1.0\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "request_head"),
    [(SIZED, HTTP_11), (SIZED, HTTP_10), ({}, HTTP_10)],
    ids=["with a size", "with a size in HTTP/1.0", "until the connection ends"],
)
async def test_all_pieces_arrive_in_their_order(
    headers: Mapping[str, str], request_head: bytes
) -> None:
    async with asked(Parts(), headers, request_head) as reader:
        answer = await reader.read()

    assert answer.partition(b"\r\n\r\n")[2] == b"".join(PIECES) * PARTS


async def test_pieces_of_a_body_without_a_size_are_chunks() -> None:
    async with asked(Parts(), {}, HTTP_11) as reader:
        answer = await reader.read()

    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in PIECES)
    assert answer.partition(b"\r\n\r\n")[2] == chunks * PARTS + b"0\r\n\r\n"


@pytest.mark.parametrize("headers", [SIZED, {}], ids=["with a size", "in chunks"])
async def test_a_client_that_reads_nothing_gets_no_more_than_the_buffers_take(
    headers: Mapping[str, str],
) -> None:
    parts = Parts()
    async with asked(parts, headers, HTTP_11):
        await eventually(parts.number, until=lambda made: made > 1)
        known = -1
        while known != parts.made:
            known = parts.made
            await asyncio.sleep(0.05)

    assert known < PARTS / 2
