"""What a push costs, counted and not timed."""

import asyncio
import sys
from collections import Counter
from types import FrameType

import pytest

from tests.engine.parts import settled
from tests.web.servers.ways import NAMESPACE, TOKEN, Way, Wire

pytestmark = pytest.mark.interpreted  # compiled functions call one another without an event

# A change that needs more than a tenth above this makes every push slower; lower the figure after
# one that needs less.
CALLS_OF_A_PUSH = 84

PUSHES = 200


def push_to(name: str) -> bytes:
    body = b'{"status": "up"}'
    head = (
        f"POST /api/push/{NAMESPACE}/{name} HTTP/1.1\r\nHost: exporter:10091\r\n"
        f"Authorization: Bearer {TOKEN}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n"
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


async def calls_of_a_push(monitors: int) -> float:
    """Return how many Python functions are called for a push, with as many monitors."""
    names = [f"job-{number:05}" for number in range(monitors)]
    way = Way(names, fast=True)
    wires = {name: way.connect() for name in names[:PUSHES]}
    await push_once(wires)
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "yuptime_exporter" in frame.f_code.co_filename:
            calls[frame.f_code.co_qualname] += 1

    sys.setprofile(count)
    try:
        await push_once(wires)
    finally:
        sys.setprofile(None)
    for wire in wires.values():
        wire.close()
    await asyncio.sleep(0)
    return calls.total() / PUSHES


async def test_a_push_calls_no_more_functions_than_it_did() -> None:
    assert await calls_of_a_push(PUSHES) <= CALLS_OF_A_PUSH * 1.1


async def test_a_push_costs_the_same_with_few_and_with_many_monitors() -> None:
    assert await calls_of_a_push(PUSHES) == await calls_of_a_push(20 * PUSHES)
