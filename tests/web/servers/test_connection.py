"""What happens on one connection, byte by byte."""

import asyncio
import errno
import gc
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from tests.waiting import eventually
from tests.web.servers.parts import Counted
from yuptime_exporter.core.errors import BodyIncomplete
from yuptime_exporter.metrics.http import HttpMetrics
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Route
from yuptime_exporter.web.servers.aiohttp import Listener, serving
from yuptime_exporter.web.site import Site

GET = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"


NO_HTTP = b"\x16\x03\x01 is TLS\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: closing resets the connection


async def echo(request: Request) -> Answer:
    body = request.body
    if not isinstance(body, bytes):
        try:
            body = b"".join([part async for part in body])
        except BodyIncomplete:
            return Answer(status=400)
    return Answer(body=b"<" + body + b">")


async def fail(_: Request) -> Answer:
    raise RuntimeError("a bug, with a secret")


class Client:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def rest(self) -> bytes:
        """Return everything until the server closes."""
        async with asyncio.timeout(60):
            return await self.reader.read()

    async def answer(self) -> bytes:
        """Return the next answer of `echo` to a request without a body."""
        async with asyncio.timeout(60):
            return await self.reader.readuntil(b"<>")

    def send(self, data: bytes, *, end: bool = False) -> None:
        self.writer.write(data)
        if end:
            self.writer.write_eof()

    def reset(self) -> None:
        """Leave at once: the server's next use of the connection fails."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()


async def no_handler(_: web.BaseRequest) -> web.Response:
    raise AssertionError("no handler sees what is no HTTP")


async def connected(host: str, port: int) -> Client:
    return Client(*await asyncio.open_connection(host, port))


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
        client = await connected(host, int(port))
        try:
            yield client
        finally:
            client.writer.close()


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
        head = (
            b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
        )
        client.send(head)
        await client.reader.readuntil(b" 100 Continue\r\n\r\n")
        client.reset()
        assert await eventually(left) == 1

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_client_that_leaves_while_its_refusal_is_sent_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counted = Counted()
    listening = socket.create_server(("127.0.0.1", 0))
    leaving = socket.create_connection(listening.getsockname())
    leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    accepted, _ = listening.accept()

    class LeftAfterAnswer(socket.socket):
        """The client resets the connection as soon as the answer is on its way."""

        def send(self, *arguments: Any) -> int:
            sent = super().send(*arguments)
            leaving.close()
            return sent

    async def left() -> float | None:
        return counted.value("yuptime_http_clients_left_total")

    ours = LeftAfterAnswer(fileno=accepted.detach())
    await counted.connect(ours, no_handler)
    leaving.sendall(NO_HTTP)
    assert await eventually(left) == 1
    listening.close()

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_connections_that_ended_after_a_refusal_do_not_hide_idle_ones_at_the_limit() -> None:
    counted = Counted(max_connections=2)

    async def open_connections() -> float | None:
        return counted.value("yuptime_http_connections")

    async with served(counted) as client:
        address = client.writer.get_extra_info("peername")
        for _ in range(70):  # more than are looked at
            refused = await connected(*address)
            refused.send(NO_HTTP)
            await refused.reader.readuntil(b"}")
            refused.reset()
            await eventually(open_connections, lambda count: count == 1)
        client.send(GET)
        await client.answer()
        kept = await connected(*address)
        kept.send(GET)
        await kept.answer()
        newest = await connected(*address)
        newest.send(GET)
        assert await newest.answer()
        for other in (kept, newest):
            other.writer.close()


@pytest.mark.parametrize(("turns", "handled"), [(0, []), (1, [ConnectionResetError])])
async def test_a_client_that_leaves_with_its_request_unhandled_is_no_error(
    turns: int, handled: list[type], caplog: pytest.LogCaptureFixture
) -> None:
    counted = Counted()
    read: list[object] = []

    async def left() -> float | None:
        return counted.value("yuptime_http_clients_left_total")

    async def reading(incoming: web.BaseRequest) -> web.Response:
        try:
            read.append([part async for part in incoming.content.iter_any()])
        except ConnectionError as error:
            read.append(type(error))
            raise
        return web.Response()

    ours, theirs = socket.socketpair()
    connection = await counted.connect(ours, reading)
    transport = connection.transport
    assert transport is not None
    connection.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\npart")
    for _ in range(
        turns
    ):  # after one, aiohttp has made a task for the handler, which has not begun
        await asyncio.sleep(0)
    connection.connection_lost(None)
    assert await eventually(left) == 1
    transport.abort()
    theirs.close()
    await asyncio.sleep(0)
    gc.collect()  # asyncio logs the errors of tasks that nothing awaits

    assert read == handled
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_network_that_gives_up_in_the_middle_of_a_body_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counted = Counted()

    async def left() -> float | None:
        return counted.value("yuptime_http_clients_left_total")

    async def is_busy() -> bool:
        return not connection.is_idle

    async def read(incoming: web.BaseRequest) -> web.Response:
        return web.Response(body=await incoming.read())

    ours, theirs = socket.socketpair()
    connection = await counted.connect(ours, read)
    theirs.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\npart")
    await eventually(is_busy)
    # As asyncio does after the last attempt of the system to reach the client.
    connection.connection_lost(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
    assert await eventually(left) == 1
    theirs.close()

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
