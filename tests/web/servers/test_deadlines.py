"""One time limit for many connections."""

import asyncio
from collections.abc import Sized

from tests.waiting import eventually
from yuptime_exporter.web.servers.deadlines import Deadlines


async def test_connections_are_overdue_in_their_order_and_once() -> None:
    overdue: list[str] = []

    async def both() -> bool:
        return len(overdue) == 2

    deadlines: Deadlines[str] = Deadlines(0.01, overdue.append)
    for name in ("first", "in time", "second"):
        deadlines.begin(name)
    deadlines.end("in time")
    await eventually(both)
    deadlines.begin("first")
    await eventually(lambda: _count(overdue, 3))

    assert overdue == ["first", "second", "first"]


async def test_a_connection_that_began_later_gets_its_whole_time() -> None:
    loop = asyncio.get_running_loop()
    ended: list[float] = []
    deadlines: Deadlines[str] = Deadlines(0.05, lambda _: ended.append(loop.time()))
    deadlines.begin("old")
    await asyncio.sleep(0.03)
    began = loop.time()
    deadlines.begin("young")
    await eventually(lambda: _count(ended, 2))

    assert ended[1] - began >= 0.05


async def _count(things: Sized, number: int) -> bool:
    return len(things) == number
