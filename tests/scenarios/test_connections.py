"""More connections than the system allows."""

import asyncio

import pytest

from tests.exporters import Home, exporter_process
from tests.waiting import eventually

pytestmark = pytest.mark.peer  # each test starts a process

FEW_FILES = ("sh", "-c", 'ulimit -n 64 && exec "$@"', "sh")


async def test_a_push_is_accepted_while_strangers_hold_more_connections_than_there_may_be(
    home: Home,
) -> None:
    # kyuupichan/electrumx#481
    async def limit_is_logged() -> bool:
        return any("limit of connections reached" in line for line in exporter.log)

    async with exporter_process(home, wrapper=FEW_FILES) as exporter:
        host, _, port = exporter.url.removeprefix("http://").rpartition(":")
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(90)]
        for _, writer in idle:
            writer.write(b"P")  # or the system keeps the connection for a second
        await eventually(limit_is_logged)
        statuses = [(await exporter.push()).status for _ in range(3)]
        samples = await exporter.samples()
        for _, writer in idle:
            writer.close()
        code = await exporter.stop()

    assert statuses == [200] * 3
    assert samples["yuptime_http_connections"] <= samples["yuptime_http_connections_limit"] == 32
    assert samples['yuptime_http_connections_closed_total{reason="limit"}'] > 0
    assert samples['yuptime_http_accept_pauses_total{reason="system"}'] == 0
    assert len(exporter.log) < 30
    assert not any("level=ERROR" in line for line in exporter.log)
    assert code == 0


async def test_a_client_that_sends_nothing_is_accepted_all_the_same(home: Home) -> None:
    async with exporter_process(home) as exporter:

        async def connections() -> float:
            return (await exporter.samples())["yuptime_http_connections"]

        before = await connections()
        host, _, port = exporter.url.removeprefix("http://").rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        during = await eventually(connections, lambda count: count > before)
        writer.close()
        after = await eventually(connections, lambda count: count == before)

    assert (during, after) == (before + 1, before)


async def test_a_limit_that_the_system_does_not_allow_is_lowered_with_a_warning(
    home: Home,
) -> None:
    home.flags = ["--web.max-connections=1000"]
    async with exporter_process(home, wrapper=FEW_FILES) as exporter:
        samples = await exporter.samples()

    assert samples["yuptime_http_connections_limit"] == 32
    assert any("level=WARN" in line and "max-connections" in line for line in exporter.log)


async def test_the_changes_of_a_job_are_in_the_log_without_any_alertmanager(home: Home) -> None:
    async with exporter_process(home) as exporter:
        await exporter.push()
        await exporter.push(body=b'{"status": "down"}')
        await exporter.push()
        await exporter.stop()
    changes = [line.partition("msg=")[2] for line in exporter.log if "monitor is" in line]

    assert [change.split('"')[1] for change in changes] == [
        "monitor is up",
        "monitor is down",
        "monitor is up again",
    ]
