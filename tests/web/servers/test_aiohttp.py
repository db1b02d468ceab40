"""Serving with aiohttp: listeners, and requests in flight at the end."""

import asyncio

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from tests.engine.parts import settled
from tests.web.servers.parts import traffic_of
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.metrics.http import HttpMetrics
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Route
from yuptime_exporter.web.servers.aiohttp import Listener, serving
from yuptime_exporter.web.servers.traffic import Traffic
from yuptime_exporter.web.site import Site


async def echo(request: Request) -> Answer:
    """Answer with everything that the server read of the request."""
    body = request.body
    if not isinstance(body, bytes):
        body = b"".join([part async for part in body])
    sent = request.header_list("X-Sent")
    seen = (request.method, request.query, sent, body.decode(), request.client_address)
    return Answer(body="|".join(seen).encode())


def site_of(*routes: Route) -> Site:
    return Site(routes, HttpMetrics(CollectorRegistry()))


async def is_drained(traffic: Traffic) -> bool:
    """Tell whether there is nothing to wait for."""
    async with asyncio.TaskGroup() as tasks:
        draining = tasks.create_task(traffic.drained())
        await settled()
        done = draining.done()
        draining.cancel()
    return done


async def test_the_handler_gets_the_whole_request_and_its_answer_ends_the_traffic() -> None:
    traffic = traffic_of()
    sites = {Listener("--web", "127.0.0.1", 0): site_of(Route("POST", "/echo", echo))}
    async with serving(sites, traffic) as bound, aiohttp.ClientSession() as session:
        url = f"http://{bound['--web'][0]}/echo?a=%20b"
        async with session.post(url, headers={"x-sent": "1"}, data=b"body") as response:
            text = await response.text()
        drained = await is_drained(traffic)

    assert text == "POST|a=%20b|1|body|127.0.0.1"
    assert drained


async def test_one_site_may_be_served_on_several_listeners() -> None:
    site = site_of(Route("POST", "/echo", echo))
    sites = {Listener(flag, "127.0.0.1", 0): site for flag in ("--web", "--push")}
    async with serving(sites, traffic_of()) as bound, aiohttp.ClientSession() as session:
        statuses = []
        for flag in ("--web", "--push"):
            async with session.post(f"http://{bound[flag][0]}/echo") as response:
                statuses.append(response.status)

    assert statuses == [200, 200]


async def test_an_address_in_use_is_named_with_its_flag() -> None:
    async with serving({Listener("--web", "127.0.0.1", 0): site_of()}, traffic_of()) as bound:
        address = bound["--web"][0]
        taken = Listener("--push", "127.0.0.1", int(address.rpartition(":")[2]))
        with pytest.raises(ConfigInvalid, match=f"--push={address}: Address already in use"):
            async with serving({taken: site_of()}, traffic_of()):
                raise AssertionError
