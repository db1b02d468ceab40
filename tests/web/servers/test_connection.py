"""What happens on one connection, byte by byte."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from tests.waiting import eventually
from tests.web.servers.parts import Counted
from yuptime_exporter.metrics.http import HttpMetrics
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Route
from yuptime_exporter.web.servers.aiohttp import Listener, serving
from yuptime_exporter.web.site import Site

GET = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"


async def echo(request: Request) -> Answer:
    body = request.body
    if not isinstance(body, bytes):
        body = b"".join([part async for part in body])
    return Answer(body=b"<" + body + b">")


async def fail(_: Request) -> Answer:
    raise RuntimeError("a bug, with a secret")


class Client:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def rest(self) -> bytes:
        """Return everything until the server closes."""
        async with asyncio.timeout(10):
            return await self.reader.read()

    async def answer(self) -> bytes:
        """Return the next answer of `echo` to a request without a body."""
        async with asyncio.timeout(10):
            return await self.reader.readuntil(b"<>")

    def send(self, data: bytes, *, end: bool = False) -> None:
        self.writer.write(data)
        if end:
            self.writer.write_eof()


@asynccontextmanager
async def served(counted: Counted) -> AsyncIterator[Client]:
    routes = [
        Route("GET", "/echo", echo),
        Route("POST", "/echo", echo),
        Route("GET", "/fail", fail),
    ]
    site = Site(routes, HttpMetrics(CollectorRegistry()))
    async with serving({Listener("--web", "127.0.0.1", 0): site}, counted.traffic) as bound:
        host, _, port = bound["--web"][0].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield Client(reader, writer)
        finally:
            writer.close()


async def test_a_bug_is_answered_with_a_problem_and_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served(Counted()) as client:
        client.send(GET.replace(b"echo", b"fail"))
        answer = await client.rest()

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"application/problem+json" in answer
    assert b"secret" not in answer
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]


async def test_a_client_that_still_sends_can_read_why_it_is_refused() -> None:
    async with served(Counted()) as client:
        client.send(GET[:-2] + b"Cookie: a=" + b"x" * 100_000)
        await client.writer.drain()
        answer = await client.reader.readuntil(b"}")
        client.send(b"x" * 100_000 + b"\r\n\r\n")
        await client.writer.drain()
        client.send(b"", end=True)
        rest = await client.rest()

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert rest == b""


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_answers_do_not_depend_on_how_bytes_are_split(size: int) -> None:
    post = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    everything = GET + post + GET + b"\r\n" + post + b"garbage\x00"
    async with served(Counted()) as client:
        for start in range(0, len(everything), size):
            client.send(everything[start : start + size])
            await client.writer.drain()
            await asyncio.sleep(0)
        answers = await client.rest()

    assert answers.count(b"HTTP/1.1 200 OK") == 4
    assert answers.count(b"<abc>") == 2
    assert answers.count(b"HTTP/1.1 400 ") == 1


async def test_more_requests_than_are_queued_are_all_answered_to_a_client_that_ends() -> None:
    async with served(Counted()) as client:
        client.send(GET * 200, end=True)
        answers = await client.rest()

    assert answers.count(b"HTTP/1.1 200 OK") == 200


async def test_a_connection_without_a_whole_head_is_closed() -> None:
    counted = Counted(head_timeout_seconds=0.05)
    async with served(counted) as client:
        client.send(GET[:10])
        rest = await client.rest()

    assert rest == b""
    assert counted.value("yuptime_http_connections_closed_total", reason="head_timeout") == 1


async def test_a_kept_connection_without_a_whole_head_is_closed_too() -> None:
    counted = Counted(head_timeout_seconds=0.05)
    async with served(counted) as client:
        client.send(GET)
        await client.answer()
        await asyncio.sleep(0.1)  # an idle connection is kept for longer
        client.send(GET)
        await client.answer()
        client.send(GET[:10])
        rest = await client.rest()

    assert rest == b""


async def test_a_head_that_arrives_in_time_is_answered() -> None:
    async with served(Counted(head_timeout_seconds=5.0)) as client:
        for part in (GET[:10], GET[10:], GET[:10], GET[10:]):
            client.send(part)
            await client.writer.drain()
            await asyncio.sleep(0.01)

        assert await client.answer()
        assert await client.answer()


async def test_a_connection_is_counted_until_it_ends() -> None:
    counted = Counted()

    async def connections() -> float | None:
        return counted.value("yuptime_http_connections")

    async with served(counted) as client:
        client.send(GET)
        await client.answer()
        during = await connections()
        client.writer.close()
        after = await eventually(connections, lambda count: count == 0)

    assert (during, after) == (1, 0)


async def test_a_client_that_leaves_while_it_is_served_is_counted_and_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counted = Counted()

    async def left() -> float | None:
        return counted.value("yuptime_http_clients_left_total")

    async with served(counted) as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\npart")
        await asyncio.sleep(0.05)
        reset = struct.pack("ii", 1, 0)
        client.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, reset
        )
        client.writer.transport.abort()
        assert await eventually(left) == 1

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
