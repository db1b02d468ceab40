"""Bugs of other push receivers, each with the test that shows we do not have it.

Those that are a matter of the state machine alone are in tests/core/test_rivals.py.
"""

import asyncio
import gzip
import statistics
import time

import pytest

from tests.exporters import Home, StandingClock, exporter_here, exporter_process, series
from tests.manifests import TOKEN, monitor_yaml, secret_yaml
from tests.waiting import eventually

PATH = "/api/push/jobs/backup"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def test_yuptime_had_no_push_endpoint_at_all(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        assert (await client.push()).status == 200


async def test_yuptime_accepted_every_token(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        assert (await client.push(token="any")).status == 401


async def test_yuptime_turned_a_grace_of_0_into_300(home: Home, clock: StandingClock) -> None:
    home.declare(monitor_yaml(grace=0), secret_yaml())
    async with exporter_here(home, clock) as client:
        samples = await client.samples()

    assert samples[series("grace_seconds")] == 0


async def test_uptime_kuma_1613_an_unknown_status_silently_means_down(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.push(body=b'{"status": "true"}')
        samples = await client.samples()

    assert answer.status == 400
    assert samples[series("pushes_total")] == 0


async def test_uptime_kuma_7482_renamed_monitors_stay_in_the_metrics(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
        home.declare(monitor_yaml("renamed"), secret_yaml())
        samples = await eventually(
            client.samples, lambda samples: series("up", "renamed") in samples
        )

    assert series("up") not in samples


async def test_uptime_kuma_2220_a_monitor_that_was_never_pushed_has_no_series(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        samples = await client.samples()

    assert samples[series("last_push_timestamp_seconds")] == 0


async def test_uptime_kuma_6866_and_gatus_1237_a_restart_starts_the_clock_anew(
    home: Home, clock: StandingClock
) -> None:
    home.declare(monitor_yaml(expire=90_000), secret_yaml())
    async with exporter_here(home, clock) as client:
        await client.push()
        before = await client.samples()
    async with exporter_here(home, clock):
        pass
    async with exporter_here(home, clock) as client:
        after = await client.samples()

    deadline = series("deadline_timestamp_seconds")
    assert after[deadline] == before[deadline]


async def test_uptime_kuma_1159_the_receivers_own_downtime_alarms_every_monitor(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
    clock.advance(3600)
    async with exporter_here(home, clock) as client:
        samples = await client.samples()

    assert samples[series("deadline_timestamp_seconds")] > clock()


async def test_healthchecks_options_counts_as_a_ping(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.request("OPTIONS", PATH, headers=BEARER)
        samples = await client.samples()

    assert answer.status == 405
    assert samples[series("pushes_total")] == 0


async def test_healthchecks_answers_500_to_a_body_that_is_not_utf_8(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        assert (await client.push(body=b'{"status": "up", "message": "\xff\xfe"}')).status == 200


async def test_pushgateway_unpacks_a_gzip_bomb(home: Home, clock: StandingClock) -> None:
    bomb = gzip.compress(bytes(60_000_000))
    headers = {**BEARER, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with exporter_here(home, clock) as client:
        answer = await client.request("POST", PATH, headers=headers, data=bomb)

    assert len(bomb) < 64 * 1024
    assert answer.status == 415


async def test_gatus_tells_strangers_by_404_and_401_which_monitors_exist(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        wrong_token = await client.push(token="wrong")
        unknown = await client.push("unknown", token="wrong")

    assert (unknown.status, unknown.body) == (wrong_token.status, wrong_token.body)


async def test_gatus_tells_strangers_by_400_before_401_which_monitors_exist(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        malformed = await client.push(token="wrong", body=b"{")
        unknown = await client.push("unknown", token="wrong", body=b"{")

    assert (malformed.status, unknown.status) == (401, 401)


async def test_the_time_of_an_answer_does_not_tell_which_monitors_exist(
    home: Home, clock: StandingClock
) -> None:
    """Alternate both, so that noise meets both alike; compare medians, not single times.

    The bound is wide on purpose: it must catch a lookup, a read of a file or a hash that
    only one of the two does, and that shows as a multiple.
    """
    seconds: dict[str, list[float]] = {"backup": [], "unknown": []}
    async with exporter_here(home, clock) as client:
        for _ in range(300):
            for name, times in seconds.items():
                began = time.perf_counter()
                await client.push(name, token="wrong")
                times.append(time.perf_counter() - began)

    known, unknown = (statistics.median(times) for times in seconds.values())
    assert 0.5 < known / unknown < 2


@pytest.mark.peer  # starts a process
async def test_pushgateway_loses_acknowledged_pushes_on_kill(home: Home) -> None:
    async with exporter_process(home) as exporter:
        assert (await exporter.push()).status == 200
        exporter.process.kill()
        await exporter.process.wait()
    async with exporter_process(home) as exporter:
        samples = await exporter.samples()

    assert samples[series("pushes_total")] == 1


@pytest.mark.peer  # starts a process
async def test_pushgateway_overwrites_the_evidence_of_a_corrupt_file(home: Home) -> None:
    home.declare()
    home.database.write_bytes(b"evidence" * 1000)
    process = await asyncio.create_subprocess_exec(
        "python", "-m", "yuptime_exporter", *home.arguments(), stderr=asyncio.subprocess.DEVNULL
    )

    assert await process.wait() == 1
    assert home.database.read_bytes() == b"evidence" * 1000


async def test_pushgateway_544_one_bad_push_breaks_all_scrapes(
    home: Home, clock: StandingClock
) -> None:
    hostile = [b"\x00", b'{"status":"up","message":"\\u0000\\n# HELP x y"}', b"{" * 60_000]
    async with exporter_here(home, clock) as client:
        for body in hostile:
            await client.push(body=body)
        samples = await client.samples()
        ready = await client.ready()

    assert samples["yuptime_ready"] == 1
    assert ready


@pytest.mark.peer  # takes whole seconds
async def test_pushgateway_313_a_push_costs_more_with_every_series(home: Home) -> None:
    """Count the writes of a push, not its time: one row for any number of monitors."""
    home.declare(secret_yaml(), *(monitor_yaml(f"job-{n}") for n in range(2000)))
    async with exporter_process(home) as exporter:
        before = (await exporter.samples())["yuptime_store_writes_total"]
        for _ in range(5):
            await exporter.push("job-7")
        after = (await exporter.samples())["yuptime_store_writes_total"]

    assert 5 <= after - before <= 7  # the receiving log adds a note each five seconds


async def test_uptime_kuma_awaits_its_notifications_before_it_stores_the_push(
    home: Home, clock: StandingClock
) -> None:
    """An unreachable Alertmanager is declared; the push neither waits nor fails."""
    monitor = monitor_yaml() + '  alerting: {alertmanagerUrl: "http://127.0.0.1:9"}\n'
    home.declare(monitor, secret_yaml())
    async with exporter_here(home, clock) as client:
        answer = await client.push(body=b'{"status": "down"}')
        samples = await client.samples()

    assert answer.status == 200
    assert samples[series("pushes_down_total")] == 1
