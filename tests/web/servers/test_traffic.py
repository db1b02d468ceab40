"""Connections within a limit, and requests in flight."""

import asyncio
from dataclasses import dataclass, field

import pytest

from tests.engine.parts import settled
from tests.web.servers.parts import Counted, traffic_of
from yuptime_exporter.web.servers.traffic import Traffic


@dataclass(eq=False)
class Line:
    """A connection as a server keeps it."""

    traffic: Traffic
    is_idle: bool = True
    is_open: bool = field(default=True)

    def connect(self) -> "Line":
        self.traffic.opened()
        self.traffic.connected(self)
        return self

    def serve(self) -> "Line":
        """Answer one request, so that the connection is no longer fresh."""
        self.traffic.began(self)
        self.traffic.ended()
        self.traffic.answered(self)
        return self

    def force_close(self) -> None:
        self.is_open = False
        self.traffic.closed(self)


async def is_drained(traffic: Traffic) -> bool:
    """Tell whether there is nothing to wait for."""
    async with asyncio.TaskGroup() as tasks:
        draining = tasks.create_task(traffic.drained())
        await settled()
        done = draining.done()
        draining.cancel()
    return done


async def test_traffic_is_drained_once_every_request_is_handled() -> None:
    traffic = traffic_of()
    lines = [Line(traffic).connect() for _ in range(2)]
    done = [await is_drained(traffic)]
    for line in lines:
        traffic.began(line)
    for _ in lines:
        done.append(await is_drained(traffic))
        traffic.ended()
    done.append(await is_drained(traffic))

    assert done == [True, False, False, True]


async def test_at_the_limit_the_connection_that_is_idle_for_longest_is_closed() -> None:
    counted = Counted(max_connections=3)
    first, second, third = (Line(counted.traffic).connect().serve() for _ in range(3))
    first.serve()  # so the second is idle for longest
    full = counted.traffic.is_full
    made_room = counted.traffic.make_room()

    assert (full, made_room, counted.traffic.is_full) == (True, True, False)
    assert [first.is_open, second.is_open, third.is_open] == [True, False, True]
    assert counted.value("yuptime_http_connections") == 2
    assert counted.value("yuptime_http_connections_closed_total", reason="limit") == 1


async def test_a_connection_with_a_request_is_never_closed_for_another() -> None:
    counted = Counted(max_connections=2)
    handled, waiting = (Line(counted.traffic).connect().serve() for _ in range(2))
    counted.traffic.began(handled)
    waiting.is_idle = False  # its request has arrived and is not handled yet

    assert not counted.traffic.make_room()
    assert handled.is_open
    assert waiting.is_open
    assert counted.value("yuptime_http_accept_pauses_total", reason="limit") == 1


async def test_a_client_that_has_just_connected_gets_time_to_send() -> None:
    counted = Counted(max_connections=1)
    Line(counted.traffic).connect()

    assert not counted.traffic.make_room()


async def test_many_closed_connections_are_one_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counted = Counted(max_connections=1000)
    for _ in range(1000):
        Line(counted.traffic).connect().serve()
    for _ in range(1000):
        counted.traffic.make_room()

    assert len(caplog.records) == 1


async def test_a_lack_of_descriptors_closes_an_idle_connection_too() -> None:
    counted = Counted()
    line = Line(counted.traffic).connect().serve()
    counted.traffic.accept_failed()

    assert not line.is_open
    assert counted.value("yuptime_http_accept_pauses_total", reason="system") == 1
