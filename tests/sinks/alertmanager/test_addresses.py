"""One name: each address behind it is an Alertmanager."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from yarl import URL

from tests.fakes.alertmanager import fake_alertmanager
from tests.sinks.alertmanager.sending import (
    NAME,
    QUICK_LOOKUPS,
    Resolver,
    numbered,
    outgoing,
    sending,
    telling,
)
from tests.waiting import LIMIT_SECONDS, eventually
from yuptime_exporter.core.urls import url_problem
from yuptime_exporter.sinks.alertmanager.addresses import addresses_of
from yuptime_exporter.sinks.alertmanager.endpoint import Endpoint


class TestAddresses:
    async def test_every_address_of_a_name_receives_every_alert(self) -> None:
        async with (
            fake_alertmanager() as first,
            fake_alertmanager(host="127.0.0.2", port=first.port) as second,
            sending(
                f"http://{NAME}:{first.port}", resolve=Resolver("127.0.0.1", "127.0.0.2")
            ) as one,
        ):
            one.sink.offer(outgoing(*numbered(300)))
            await eventually(one.sent, lambda sent: sent == 600)

            assert await first.firing() == await second.firing() == {*numbered(300)}
            assert {r.headers["Host"] for r in first.requests} == {f"{NAME}:{first.port}"}

    async def test_a_dead_address_delays_no_other_address(self) -> None:
        async with (
            fake_alertmanager() as alive,
            fake_alertmanager(host="127.0.0.2", port=alive.port) as hanging,
            # The third address has no listener.
            sending(
                f"http://{NAME}:{alive.port}",
                resolve=Resolver("127.0.0.1", "127.0.0.2", "127.0.0.3"),
            ) as one,
        ):
            hanging.hanging = True
            one.sink.offer(outgoing("stuck"))
            await eventually(hanging.received)
            one.sink.offer(outgoing(*numbered(600)))
            await eventually(one.sent, lambda sent: sent == 601, within_seconds=5)

            assert len(hanging.requests) == 1
            assert len(await alive.firing()) == 601

    async def test_a_new_address_receives_alerts_from_then_on(self) -> None:
        resolver = Resolver("127.0.0.1")
        async with (
            fake_alertmanager() as first,
            fake_alertmanager(host="127.0.0.2", port=first.port) as second,
            sending(f"http://{NAME}:{first.port}", resolve=resolver, limits=QUICK_LOOKUPS) as one,
        ):
            one.sink.offer(outgoing("before"))
            await eventually(one.sent)
            resolver.addresses = frozenset({"127.0.0.1", "127.0.0.2"})

            async def second_is_told() -> set[str]:
                one.sink.offer(outgoing("after"))
                return await second.firing()

            assert await eventually(second_is_told) == {"after"}

    async def test_an_address_that_vanishes_receives_no_more_alerts_and_its_queue_is_counted(
        self,
    ) -> None:
        resolver = Resolver("127.0.0.1", "127.0.0.2")
        async with (
            fake_alertmanager() as first,
            fake_alertmanager(host="127.0.0.2", port=first.port) as second,
            sending(f"http://{NAME}:{first.port}", resolve=resolver, limits=QUICK_LOOKUPS) as one,
        ):
            second.hanging = True
            one.sink.offer(outgoing("in flight"))
            await eventually(second.received)
            one.sink.offer(outgoing(*numbered(10)))
            await eventually(one.waiting, lambda waiting: waiting == 10)
            resolver.addresses = frozenset({"127.0.0.1"})
            await eventually(one.waiting, lambda waiting: waiting == 0)
            one.sink.offer(outgoing("after"))
            await eventually(one.sent, lambda sent: sent == 12)

            assert one.value("dropped_total") == 10
            assert len(second.requests) == 1
            assert "after" in await first.firing()

    async def test_a_name_that_no_longer_resolves_keeps_its_known_addresses(
        self, log: Callable[[], list[str]]
    ) -> None:
        resolver = Resolver("127.0.0.1")
        async with (
            fake_alertmanager() as alertmanager,
            sending(
                f"http://{NAME}:{alertmanager.port}", resolve=resolver, limits=QUICK_LOOKUPS
            ) as one,
        ):
            one.sink.offer(outgoing("before"))
            await eventually(one.sent)
            resolver.addresses = frozenset()
            await asked_again(resolver)
            one.sink.offer(outgoing("after"))
            await eventually(one.sent, lambda sent: sent == 2)

        assert len(log()) == 1

    async def test_alerts_wait_for_a_name_that_does_not_resolve_yet(
        self, log: Callable[[], list[str]]
    ) -> None:
        resolver = Resolver()
        async with (
            fake_alertmanager() as alertmanager,
            sending(
                f"http://{NAME}:{alertmanager.port}", resolve=resolver, limits=QUICK_LOOKUPS
            ) as one,
        ):
            one.sink.offer(outgoing("backup"))
            await asked_again(resolver)
            waiting = await one.waiting()
            resolver.addresses = frozenset({"127.0.0.1"})
            await eventually(one.sent)

            assert waiting == 1
            assert await one.waiting() == 0
            assert await alertmanager.firing() == {"backup"}
        [line] = log()
        assert "name is not resolved" in line

    async def test_the_resolver_of_the_system_resolves_this_machine(self) -> None:
        assert await addresses_of(URL("http://localhost:9093/api/v2/alerts")) == {"127.0.0.1"}
        assert await addresses_of(URL("http://[::1]:9093/")) == {"::1"}

    async def test_lookups_that_hang_delay_no_other_lookup(self) -> None:
        asked, over = threading.Semaphore(0), threading.Event()

        def name_service(host: str, *arguments: Any, **options: Any) -> Any:
            if host.endswith(".hanging.test"):
                asked.release()
                over.wait()
            return socket.getaddrinfo(host, *arguments, **options)

        resolve = partial(addresses_of, look_up=name_service)
        async with fake_alertmanager() as alertmanager, telling(resolve=resolve) as all_of_them:
            try:
                for number in range(50):  # more than the threads that the loop shares
                    all_of_them.sinks.offer(f"http://{number}.hanging.test", outgoing("backup"))
                await eventually(lambda: asyncio.sleep(0, asked.acquire(blocking=False)))
                all_of_them.sinks.offer(alertmanager.url, outgoing("backup"))
                await eventually(alertmanager.firing)
                async with asyncio.timeout(LIMIT_SECONDS):
                    await asyncio.to_thread(bool)
            finally:
                over.set()

    @pytest.mark.parametrize(
        "host",
        [
            "a..b",
            ".",
            "a" * 64,
            "a." * 200,
            "xn--zz",
            "xn--",
            "-",
            "_",
            "a\\b",
            "a%00b",
            "a%zz",
            "*",
            "٣",
            "büch",
            "[::1%25lo]",
            "[v1.x]",
            "1",
            "0x7f.1",
            "localhost.",
        ],
    )
    async def test_no_host_name_of_a_monitor_ends_the_program(self, host: str) -> None:
        if url_problem(f"http://{host}:9093"):
            return  # refused when the monitor is read
        async with fake_alertmanager() as alertmanager:
            url = f"http://{host}:{alertmanager.port}"
            with suppress(OSError):
                await addresses_of(Endpoint(url).api_url)
            async with sending(url, resolve=Resolver("127.0.0.1")) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent)


async def asked_again(resolver: Resolver) -> None:
    before = len(resolver.asked)

    async def asked() -> int:
        return len(resolver.asked) - before

    await eventually(asked, lambda times: times >= 3)
