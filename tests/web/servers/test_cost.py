"""What a push costs, counted and not timed."""

import asyncio
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from tests.engine.parts import settled
from tests.web.servers.ways import NAMESPACE, TOKEN, Way, Wire
from yuptime_exporter.web.servers.accepting import Acceptor
from yuptime_exporter.web.servers.plain import plain_request

pytestmark = pytest.mark.interpreted  # compiled functions call one another without an event

# A change that needs more than a tenth above this makes every push slower; lower the figure after
# one that needs less.
CALLS_OF_A_PUSH = 98
CALLS_OF_A_CONNECTION = 105
SYSTEM_CALLS_OF_A_CONNECTION = 5.1

SYSTEM_CALLS = frozenset(
    {"_accept", "setblocking", "recv", "send", "ioctl", "close", "shutdown", "getpeername"}
    | {"getsockname", "getsockopt", "setsockopt", "register", "modify", "unregister"}
)

PUSHES = 200


def push_to(name: str, *, closing: str = "") -> bytes:
    body = b'{"status": "up"}'
    head = (
        f"POST /api/push/{NAMESPACE}/{name} HTTP/1.1\r\nHost: exporter:10091\r\n"
        f"Authorization: Bearer {TOKEN}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n{closing}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def push_once(wires: dict[str, Wire]) -> None:
    """Push to each monitor, and return when all are answered."""
    before = {name: len(wire.sent) for name, wire in wires.items()}
    for name, wire in wires.items():
        wire.deliver(push_to(name))
    await settled()
    assert all(len(wire.sent) > before[name] for name, wire in wires.items())


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count calls of our functions, and system calls on sockets with a dot before their names."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, called: object) -> None:
        if event == "call" and "yuptime_exporter" in frame.f_code.co_filename:
            calls[frame.f_code.co_qualname] += 1
        elif event == "c_call" and getattr(called, "__name__", "") in SYSTEM_CALLS:
            calls[f".{called.__name__}"] += 1  # type: ignore[attr-defined]

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


async def calls_of_a_push(monitors: int) -> float:
    """Return how many Python functions are called for a push, with as many monitors."""
    names = [f"job-{number:05}" for number in range(monitors)]
    way = Way(names)
    wires = {name: way.connect() for name in names[:PUSHES]}
    await push_once(wires)
    with counted() as calls:
        await push_once(wires)
    for wire in wires.values():
        wire.close()
    await asyncio.sleep(0)
    return calls.total() / PUSHES


async def calls_of_a_connection() -> Counter[str]:
    """Return the calls for `PUSHES` pushes, each on a connection of its own."""
    names = [f"job-{number:05}" for number in range(PUSHES)]
    way = Way(names)
    listening = socket.create_server(("127.0.0.1", 0), backlog=PUSHES)
    address = listening.getsockname()
    acceptor = Acceptor(listening, way.server, way.traffic)
    clients = []
    async with asyncio.TaskGroup() as tasks:
        for name in names:
            clients.append(socket.create_connection(address))
            clients[-1].sendall(push_to(name, closing="Connection: close\r\n"))
        with counted() as calls:
            acceptor.start(tasks)
            await settled()
    acceptor.close()
    for client in clients:
        client.setblocking(False)
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert client.recv(4096) == b""
        client.close()
    return calls


async def test_a_push_calls_no_more_functions_than_it_did() -> None:
    assert await calls_of_a_push(PUSHES) <= CALLS_OF_A_PUSH * 1.1


async def test_a_push_costs_the_same_with_few_and_with_many_monitors() -> None:
    assert await calls_of_a_push(PUSHES) == await calls_of_a_push(20 * PUSHES)


def test_what_differs_in_each_request_leaves_the_memory_for_headers_as_it_is() -> None:
    with counted() as calls:
        for number in range(PUSHES):
            assert plain_request(push_to("backup", closing=f"X-Request-ID: {number}\r\n"))

    assert calls["_known_headers"] <= 1


async def test_a_push_with_a_connection_of_its_own_makes_no_more_calls_than_it_did() -> None:
    calls = await calls_of_a_connection()
    system_calls = sum(number for name, number in calls.items() if name.startswith("."))

    assert system_calls / PUSHES <= SYSTEM_CALLS_OF_A_CONNECTION * 1.1
    assert (calls.total() - system_calls) / PUSHES <= CALLS_OF_A_CONNECTION * 1.1
