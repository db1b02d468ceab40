"""Connections without a transport: the first request on a socket."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from tests.waiting import eventually
from tests.web.servers.parts import Counted
from yuptime_exporter.metrics.http import HttpMetrics
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Answered, Route
from yuptime_exporter.web.servers.aiohttp import Listener, serving
from yuptime_exporter.web.servers.bare import BareConnections
from yuptime_exporter.web.site import Site

POST = b"POST /push HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
LAST_POST = POST.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n")
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: closing resets the connection


class Pushes:
    """A route whose requests wait until the test answers them."""

    def __init__(self) -> None:
        self.waiting: list[Answered] = []
        self.addresses: list[str] = []
        self.site = Site(
            [Route("POST", "/push", self._handle, self._begin)], HttpMetrics(CollectorRegistry())
        )

    async def _handle(self, _: Request) -> Answer:
        return Answer(body=b"by aiohttp")

    def _begin(self, request: Request, answered: Answered) -> bool:
        self.addresses.append(request.client_address)
        self.waiting.append(answered)
        return True

    async def answer(self, body: bytes = b"done") -> None:
        """Wait for a request, and answer it."""

        async def has_arrived() -> bool:
            return bool(self.waiting)

        await eventually(has_arrived)
        self.waiting.pop()(Answer(body=body))


class Sockets:
    """Connections without a listener."""

    def __init__(self, **limits: float) -> None:
        self.counted = Counted(**limits)  # type: ignore[arg-type]
        self.pushes = Pushes()
        self.connections = BareConnections(self.pushes.site, self.counted.traffic)
        self.arrived: list[bytes] = []

    def connect(self, *, send_buffer_bytes: int | None = None) -> socket.socket:
        """Return the client's end of a new connection."""
        listening = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(listening.getsockname())
        accepted, address = listening.accept()
        listening.close()
        if send_buffer_bytes is not None:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        for one in (client, accepted):
            one.setblocking(False)
        self.counted.traffic.opened()
        self.connections.begin(accepted, address[0], self._give_transport)
        return client

    def _give_transport(self, accepted: socket.SocketType, arrived: bytes) -> None:
        self.arrived.append(arrived)
        accepted.close()

    async def open(self) -> float | None:
        return self.counted.value("yuptime_http_connections")


async def rest(client: socket.socket) -> bytes:
    """Return everything that a client receives until the end."""
    received = b""
    async with asyncio.timeout(60):
        while part := await asyncio.get_running_loop().sock_recv(client, 65536):
            received += part
    client.close()
    return received


@asynccontextmanager
async def served(
    counted: Counted, pushes: Pushes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with serving({Listener("--web", "127.0.0.1", 0): pushes.site}, counted.traffic) as bound:
        host, _, port = bound["--web"][0].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield reader, writer
        finally:
            writer.close()


async def test_a_push_is_answered_and_its_connection_ends_if_the_client_asks_for_the_end() -> None:
    sockets = Sockets()
    client = sockets.connect()
    client.send(LAST_POST)
    await sockets.pushes.answer()
    answer = await rest(client)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"done")
    assert b"\r\nConnection: close\r\n" in answer
    assert sockets.pushes.addresses == ["127.0.0.1"]
    assert await sockets.open() == 0


async def test_each_request_of_a_client_that_stays_is_answered() -> None:
    counted, pushes = Counted(), Pushes()
    async with served(counted, pushes) as (reader, writer):
        for number in (b"1", b"2", b"3"):
            writer.write(POST)
            await pushes.answer(number)
            assert (await reader.readuntil(b"\r\n\r\n" + number)).startswith(b"HTTP/1.1 200 ")
        writer.write(b"GET /unknown HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 404 ")


async def test_a_second_request_that_comes_before_the_first_answer_is_answered_after_it() -> None:
    counted, pushes = Counted(), Pushes()
    async with served(counted, pushes) as (reader, writer):
        writer.write(POST)
        await eventually(lambda: _is_waiting(pushes))
        writer.write(LAST_POST)
        await pushes.answer(b"first")
        await pushes.answer(b"second")
        answers = await reader.read()

    assert answers.index(b"first") < answers.index(b"second")


async def test_a_request_that_is_no_plain_push_gets_a_transport_with_all_its_bytes() -> None:
    sockets = Sockets()
    client = sockets.connect()
    client.send(POST[:9])
    await eventually(lambda: _count(sockets.arrived, 1))
    client.close()

    assert sockets.arrived == [POST[:9]]
    assert sockets.pushes.waiting == []


async def test_a_second_request_gets_a_transport_and_the_connection_is_idle_no_more() -> None:
    sockets = Sockets(max_connections=1)
    client = sockets.connect()
    client.send(POST)
    await sockets.pushes.answer()
    client.send(POST)
    await eventually(lambda: _count(sockets.arrived, 1))
    made_room = sockets.counted.traffic.make_room()
    client.close()

    assert sockets.arrived == [POST]
    assert not made_room


async def test_bytes_behind_the_last_request_do_not_take_the_answer_from_the_client() -> None:
    sockets = Sockets()
    client = sockets.connect()
    client.send(LAST_POST)
    await eventually(lambda: _is_waiting(sockets.pushes))
    client.send(b"\r\n")
    await sockets.pushes.answer()

    assert (await rest(client)).endswith(b"done")


async def test_an_answer_that_does_not_fit_the_system_arrives_whole() -> None:
    sockets = Sockets()
    client = sockets.connect(send_buffer_bytes=4096)
    client.send(LAST_POST)
    await sockets.pushes.answer(b"x" * 10_000_000 + b".")
    answer = await rest(client)

    assert answer.endswith(b"x" * 10_000_000 + b".")
    assert await sockets.open() == 0


async def test_a_client_that_leaves_before_its_answer_is_counted_and_no_error() -> None:
    sockets = Sockets()
    client = sockets.connect()
    client.send(LAST_POST)
    await eventually(lambda: _is_waiting(sockets.pushes))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()
    await sockets.pushes.answer()

    assert sockets.counted.value("yuptime_http_clients_left_total") == 1
    assert await sockets.open() == 0


async def test_a_client_that_ends_its_side_after_the_request_gets_the_answer() -> None:
    sockets = Sockets()
    client = sockets.connect()
    client.send(POST)
    client.shutdown(socket.SHUT_WR)
    await sockets.pushes.answer()

    assert (await rest(client)).endswith(b"done")
    assert await eventually(sockets.open, lambda count: count == 0) == 0


async def test_a_client_that_sends_nothing_is_closed_after_the_time_for_a_head() -> None:
    sockets = Sockets(head_timeout_seconds=0.01)
    client = sockets.connect()

    assert await rest(client) == b""
    reason = "head_timeout"
    closed = sockets.counted.value("yuptime_http_connections_closed_total", reason=reason)
    assert closed == 1


async def test_a_connection_that_waits_for_its_next_request_makes_room_for_others() -> None:
    sockets = Sockets(max_connections=1)
    client = sockets.connect()
    client.send(POST)
    await sockets.pushes.answer()
    made_room = sockets.counted.traffic.make_room()

    assert made_room
    assert (await rest(client)).endswith(b"done")


async def test_all_connections_can_be_closed_and_the_answer_of_a_closed_one_is_dropped() -> None:
    sockets = Sockets()
    busy, idle = sockets.connect(), sockets.connect()
    busy.send(LAST_POST)
    await eventually(lambda: _is_waiting(sockets.pushes))
    sockets.connections.force_close()
    await sockets.pushes.answer()

    assert [await rest(one) for one in (busy, idle)] == [b"", b""]
    assert sockets.counted.value("yuptime_http_clients_left_total") == 1
    assert await sockets.open() == 0


async def test_a_bug_is_answered_with_500(caplog: object) -> None:  # noqa: ARG001  logs it
    sockets = Sockets()
    client = sockets.connect()
    client.send(LAST_POST)
    await eventually(lambda: _is_waiting(sockets.pushes))
    sockets.pushes.waiting.pop()(RuntimeError("a bug, with a secret"))
    answer = await rest(client)

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in answer


async def _is_waiting(pushes: Pushes) -> bool:
    return bool(pushes.waiting)


async def _count(things: list[bytes], number: int) -> bool:
    return len(things) == number
