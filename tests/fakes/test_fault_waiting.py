"""The fault proxy delays requests and refuses connections on request."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.faults import (
    WATCHES,
    Delay,
    Hang,
    NoReuse,
)
from tests.fakes.scripted_upstream import (
    ADDED,
    ALL,
    LIST,
    MARK,
    MODIFIED,
    WATCH,
    Upstream,
    got,
)
from tests.waiting import eventually


class TestWaiting:
    async def test_silence_holds_open_watches_and_new_requests_until_lifted(
        self, upstream: Upstream, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        upstream.ends = False
        async with asyncio.TaskGroup() as tasks, client.get(WATCH) as response:
            await response.content.readexactly(len(ALL))
            silence = proxy.silence()
            await upstream.more.put(MODIFIED)
            listing = tasks.create_task(got(client, LIST))
            await eventually(_count(upstream), lambda asked: asked == 2)
            assert upstream.more.empty()
            assert not listing.done()
            assert (proxy.requests[0].sent_bytes, proxy.requests[1].status) == (len(ALL), 0)
            silence.lift()

            assert await response.content.readexactly(len(MODIFIED)) == MODIFIED
            assert await listing == ALL

    async def test_a_hanging_request_does_not_reach_upstream_until_lifted(
        self, upstream: Upstream, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        hang = proxy.apply(Hang(), when=WATCHES)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(got(client))
            await eventually(hang.strikes)
            assert await got(client, LIST) == ALL
            assert [target for _, target, *_ in upstream.asked] == [LIST]
            hang.lift()

            assert await watching == ALL

    async def test_headers_are_delayed_until_the_fault_is_lifted(
        self, upstream: Upstream, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        delay = proxy.apply(Delay(3600, headers_only=True), when=WATCHES)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(got(client))
            await eventually(_count(upstream))
            await eventually(delay.strikes)
            assert await got(client, LIST) == ALL
            assert proxy.requests[0].status == 0
            delay.lift()

            assert await watching == ALL

    async def test_frames_are_delayed_until_the_fault_is_lifted(
        self, upstream: Upstream, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        upstream.ends = False
        async with client.get(WATCH) as response:
            await response.content.readexactly(len(ALL))
            proxy.apply(Delay(3600, headers_only=True))
            await upstream.more.put(ADDED)
            assert await response.content.readexactly(len(ADDED)) == ADDED
            proxy.lift()
            delay = proxy.apply(Delay(3600), when=WATCHES)
            await upstream.more.put(MODIFIED)
            await upstream.more.put(MARK)
            await eventually(delay.strikes)
            assert await got(client, LIST) == ALL
            assert proxy.requests[0].sent_bytes == len(ALL + ADDED)
            delay.lift()

            assert await response.content.readexactly(len(MODIFIED + MARK)) == MODIFIED + MARK

    async def test_a_delay_of_frames_ends_by_itself_and_keeps_their_order(
        self, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        delay = proxy.apply(Delay(0.05))

        assert await got(client) == ALL
        assert await delay.strikes() == 1

    async def test_the_fault_proxy_refuses_connections_and_accepts_them_again_at_the_same_address(
        self, upstream: Upstream, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        upstream.ends = False
        url = proxy.url
        async with client.get(WATCH) as response:
            await response.content.readexactly(len(ALL))
            await proxy.refuse_connections()
            with pytest.raises(aiohttp.ClientConnectorError):
                await got(client, LIST)
            await upstream.more.put(MODIFIED)
            assert await response.content.readexactly(len(MODIFIED)) == MODIFIED
        await proxy.accept_connections()

        assert proxy.url == url
        assert await got(client, LIST) == ALL

    async def test_the_fault_proxy_can_close_each_connection_after_one_request(
        self, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        proxy.apply(NoReuse(), times=2)
        for _ in range(4):
            await got(client, LIST)

        assert [one.connection for one in proxy.requests] == [1, 2, 3, 3]


def _count(upstream: Upstream) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return len(upstream.asked)

    return count
