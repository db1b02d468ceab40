"""All URLs: configured ones, and those that monitors name."""

import time
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from tests.fakes.alertmanager import fake_alertmanager
from tests.sinks.alertmanager.sending import LIMITS, SECRET, numbered, outgoing, telling
from tests.waiting import eventually
from yuptime_exporter.sinks.alertmanager.endpoint import (
    DEFAULT_TIMEOUT_SECONDS,
    Authorization,
    Endpoint,
)


class TestTheLifeOfSinks:
    async def test_metrics_of_an_alertmanager_exist_exactly_while_it_is_configured(self) -> None:
        url = "http://127.0.0.1:1"
        async with telling(Endpoint(url)) as all_of_them:
            counts = ("sent_total", "errors_total", "dropped_total", "latency_seconds_count")
            fresh = {all_of_them.value(name, url) for name in (*counts, "queue_length")}
            all_of_them.sinks.configure([])
            gone = generate_latest(all_of_them.registry).decode()

        assert fresh == {0}
        assert url not in gone
        assert f"yuptime_notifications_queue_capacity {float(LIMITS.queue_capacity)}" in gone

    async def test_the_alertmanager_of_a_monitor_is_forgotten_when_no_monitor_names_it(
        self,
    ) -> None:
        async with (
            fake_alertmanager() as configured,
            fake_alertmanager() as named,
            telling(Endpoint(configured.url)) as all_of_them,
        ):
            all_of_them.sinks.offer(named.url, outgoing("backup"))
            await eventually(named.received)
            all_of_them.sinks.keep_only([named.url])
            kept = all_of_them.value("sent_total", named.url)
            all_of_them.sinks.keep_only([])

            assert kept is not None
            assert all_of_them.value("sent_total", named.url) is None
            assert all_of_them.value("sent_total", configured.url) == 0

    async def test_a_reloaded_configuration_keeps_the_sinks_of_unchanged_alertmanagers(
        self,
    ) -> None:
        async with (
            fake_alertmanager() as alertmanager,
            telling(Endpoint(alertmanager.url)) as all_of_them,
        ):
            all_of_them.sinks.offer(alertmanager.url, outgoing("backup"))

            async def sent() -> float | None:
                return all_of_them.value("sent_total", alertmanager.url)

            await eventually(sent)
            all_of_them.sinks.configure([Endpoint(alertmanager.url)])

            assert await sent() == 1

    async def test_credentials_can_be_added_by_a_reload(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text(SECRET)
        async with fake_alertmanager() as alertmanager:
            async with telling(Endpoint(alertmanager.url)) as all_of_them:
                all_of_them.sinks.configure(
                    [Endpoint(alertmanager.url, Authorization("Bearer", file))]
                )
                all_of_them.sinks.offer(alertmanager.url, outgoing("backup"))
                await eventually(alertmanager.received)

            assert alertmanager.requests[0].headers["Authorization"] == f"Bearer {SECRET}"

    async def test_queued_alerts_are_sent_at_shutdown_and_none_is_resolved(self) -> None:
        names = numbered(3 * LIMITS.max_batch)
        async with fake_alertmanager() as alertmanager:
            alertmanager.delay_seconds = 0.1
            async with telling(Endpoint(alertmanager.url)) as all_of_them:
                all_of_them.sinks.offer(alertmanager.url, outgoing(names[0]))
                await eventually(alertmanager.received)
                all_of_them.sinks.offer(alertmanager.url, outgoing(*names))

            assert await alertmanager.firing() == {*names}
            assert await alertmanager.resolved() == set()

    @pytest.mark.peer  # takes whole seconds
    async def test_shutdown_waits_for_a_hanging_alertmanager_for_2_seconds(self) -> None:
        async with fake_alertmanager() as hanging, fake_alertmanager() as alive:
            hanging.hanging = True
            async with telling(Endpoint(hanging.url), Endpoint(alive.url)) as all_of_them:
                for url in (hanging.url, alive.url):
                    all_of_them.sinks.offer(url, outgoing("backup"))
                await eventually(hanging.received)
                all_of_them.sinks.offer(alive.url, outgoing("at the end"))
                before = time.monotonic()
                await all_of_them.sinks.close()
                took_seconds = time.monotonic() - before

            assert LIMITS.drain_seconds <= took_seconds < DEFAULT_TIMEOUT_SECONDS / 2
            assert "at the end" in await alive.firing()

    async def test_an_alertmanager_that_is_no_longer_configured_does_not_receive_queued_alerts(
        self,
    ) -> None:
        async with fake_alertmanager() as alertmanager:
            async with telling(Endpoint(alertmanager.url)) as all_of_them:
                alertmanager.hanging = True
                all_of_them.sinks.offer(alertmanager.url, outgoing("backup"))
                await eventually(alertmanager.received)
                all_of_them.sinks.offer(alertmanager.url, outgoing("waiting"))
                all_of_them.sinks.configure([])

            assert len(alertmanager.requests) == 1
