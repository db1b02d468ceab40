"""Accepting connections, and what happens when there is no room for more."""

import asyncio

from prometheus_client import CollectorRegistry

from tests.waiting import eventually
from tests.web.servers.parts import Counted
from yuptime_exporter.metrics.http import HttpMetrics
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Route
from yuptime_exporter.web.servers.aiohttp import Listener, serving
from yuptime_exporter.web.site import Site

GET = b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def test_a_new_connection_waits_while_all_others_are_busy() -> None:
    counted, release = Counted(max_connections=2), asyncio.Event()

    async def slow(_: Request) -> Answer:
        await release.wait()
        return Answer(body=b"done")

    async def pauses() -> float | None:
        return counted.value("yuptime_http_accept_pauses_total", reason="limit")

    site = Site([Route("GET", "/slow", slow)], HttpMetrics(CollectorRegistry()))
    async with serving({Listener("--web", "127.0.0.1", 0): site}, counted.traffic) as bound:
        host, _, port = bound["--web"][0].rpartition(":")
        clients = [await asyncio.open_connection(host, int(port)) for _ in range(5)]
        for _, writer in clients:
            writer.write(GET)
        await eventually(pauses)
        most = counted.value("yuptime_http_connections")
        release.set()
        answers = [await reader.read() for reader, _ in clients]
        for _, writer in clients:
            writer.close()

    assert most == 2
    assert [answer.endswith(b"done") for answer in answers] == [True] * 5
