"""Several replicas without a database: any of them accepts, all of them expose, none is missed."""

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from itertools import cycle
from operator import eq, lt
from pathlib import Path

import pytest

from tests.exporters import series
from tests.fakes.alertmanager import fake_alertmanager
from tests.scenarios.kubernetes.replicas import (
    Crowd,
    Job,
    Replica,
    renewed,
    replicas,
    together,
)
from tests.scenarios.kubernetes.stage import DOWN, Running, Stage
from tests.waiting import eventually
from yuptime_exporter.engine.receiving_log import NOTE_INTERVAL_SECONDS, OUTAGE_AFTER_SECONDS
from yuptime_exporter.engine.silence import SETTLE_SECONDS

pytestmark = pytest.mark.peer

CREDIT = "yuptime_outage_credit_seconds_total"


@pytest.fixture
async def pair(stage: Stage, tmp_path: Path) -> AsyncIterator[list[Replica]]:
    async with replicas(stage, tmp_path / "replicas", 2) as both:
        yield both


@asynccontextmanager
async def both_here(pair: list[Replica]) -> AsyncIterator[list[Running]]:
    async with pair[0].here() as one, pair[1].here() as other:
        yield [one, other]


def told_of(samples: dict[str, float]) -> dict[str, float]:
    """Return the exposed series of monitors."""
    return {name: value for name, value in samples.items() if name.startswith("yuptime_monitor_")}


async def test_what_either_replica_accepts_both_expose(pair: list[Replica]) -> None:
    stage = pair[0].stage
    await stage.declare()
    pushes = series("pushes_total", namespace=stage.namespace)
    async with both_here(pair) as both:
        for number, (one, other) in enumerate([both, both[::-1]] * 5, start=1):
            body = DOWN if number % 3 == 0 else b'{"status": "up"}'
            assert (await one.push(body=body)).status == 200
            await other.reads(pushes, partial(eq, number))

            assert told_of(await one.samples()) == told_of(await other.samples())

        status = (await stage.monitor())["status"]
    assert (status["push"]["count"], status["push"]["downCount"]) == (10, 3)


async def test_pushes_to_both_replicas_at_once_are_all_counted(pair: list[Replica]) -> None:
    stage = pair[0].stage
    await stage.declare()
    pushes = series("pushes_total", namespace=stage.namespace)
    async with both_here(pair) as both:
        jobs = [Job("backup", stage.namespace) for _ in range(6)]

        async def work(job: Job, replica: Running) -> None:
            while job.acknowledged < 10:
                await job.try_once(replica.client)

        await together(work(job, replica) for job, replica in zip(jobs, cycle(both), strict=False))
        for replica in both:
            await replica.reads(pushes, lambda count: count >= 60)
        one, other = [told_of(await replica.samples()) for replica in both]

    assert one == other
    assert one[pushes] == 60
    assert (await stage.monitor())["status"]["push"]["count"] == 60
    assert [job.failures for job in jobs] == [[]] * 6
    assert [job.refusals for job in jobs] == [[]] * 6


async def test_a_replica_that_is_killed_takes_no_acknowledged_push_along(
    pair: list[Replica],
) -> None:
    stage, names = pair[0].stage, [f"job-{number}" for number in range(4)]
    await stage.declare(*names)
    crowd = Crowd(names, stage.namespace)
    async with fake_alertmanager() as alertmanager, AsyncExitStack() as stack:
        for one in pair:
            one.home.flags.append(f"--alertmanager.url={alertmanager.url}")
        killed, other = [await stack.enter_async_context(one.alone()) for one in pair]
        crowd.replicas = [killed, other]
        async with crowd.pushing():
            await crowd.has_pushed(5)
            await stage.declare(*names, expire=2, grace=0)
            await crowd.has_pushed(10)
            await killed.stop(signal.SIGKILL)
            await told_of_silence(stage, expire_seconds=2)
        samples = await other.samples()
        alerts = alertmanager.alerts()

    assert alerts == {}
    for job in crowd.jobs:
        durable = samples[series("pushes_total", job.name, stage.namespace)]
        # Pushes in flight at the kill may be durable or not.
        assert job.acknowledged <= durable <= job.acknowledged + 1
        assert (await stage.monitor(job.name))["status"]["push"]["count"] == durable


async def told_of_silence(stage: Stage, *, expire_seconds: float) -> None:
    """Return the moment of the alert about a job that has been silent since."""
    certain = stage.time() + expire_seconds + SETTLE_SECONDS + 1

    async def now() -> float:
        return stage.time()

    await eventually(now, lambda moment: moment > certain)


async def test_while_one_replica_is_alive_no_outage_is_credited(pair: list[Replica]) -> None:
    stage = pair[0].stage
    await stage.declare(expire=1000)
    deadline = series("deadline_timestamp_seconds", namespace=stage.namespace)
    async with pair[0].here() as staying:
        async with pair[1].here() as leaving:
            await leaving.push()
            before = (await leaving.samples())[deadline]
        await pass_noted(stage, 2 * OUTAGE_AFTER_SECONDS)
        async with pair[1].here() as back:
            samples = [await one.samples() for one in (staying, back)]

    assert [one[deadline] for one in samples] == [before, before]
    assert [one[CREDIT] for one in samples] == [0, 0]


async def pass_noted(stage: Stage, seconds: float) -> None:
    """Let time pass, in steps in which a replica records that pushes can be received."""
    end = stage.time() + seconds
    while stage.time() < end:
        began = stage.time()
        stage.time.skip(NOTE_INTERVAL_SECONDS)
        await eventually(lambda: renewed(stage), partial(lt, began))


async def test_a_partitioned_replica_takes_no_pushes_and_raises_no_alarm_while_the_other_goes_on(
    pair: list[Replica],
) -> None:
    stage, (cut_off, healthy) = pair[0].stage, pair
    healthy.configure({"resolve_delay": "0s"})
    await stage.declare(expire=8, grace=0)
    deadline = series("deadline_timestamp_seconds", namespace=stage.namespace)
    async with fake_alertmanager() as told_by_cut_off, fake_alertmanager() as told_by_healthy:
        cut_off.home.flags.append(f"--alertmanager.url={told_by_cut_off.url}")
        healthy.home.flags.append(f"--alertmanager.url={told_by_healthy.url}")
        async with both_here(pair) as [first, second]:
            await first.push()
            await cut_off.partition()
            while await first.client.ready():
                await pass_noted(stage, NOTE_INTERVAL_SECONDS)
                assert (await second.push()).status == 200
                assert await second.client.ready()

            assert (await first.push()).status == 503
            samples = await second.samples()
            assert samples[CREDIT] == 0
            status = (await stage.monitor())["status"]
            down_at = datetime.fromisoformat(status["push"]["downAt"]).timestamp()
            assert samples[deadline] == pytest.approx(down_at, abs=1e-6)

            await pass_noted(stage, 2 * OUTAGE_AFTER_SECONDS)
            await eventually(told_by_healthy.firing, lambda names: names == {"backup"})
            assert (await second.push()).status == 200
            await eventually(
                told_by_healthy.alerts_of("backup"),
                lambda alerts: alerts[-1].ends.timestamp() <= stage.time(),
            )
            assert told_by_cut_off.alerts() == {}

            await cut_off.proxy.accept_connections()
            while not await first.client.ready():
                await pass_noted(stage, NOTE_INTERVAL_SECONDS)
            newest = (await second.samples())[deadline]
            await first.reads(deadline, lambda value: value == newest)
            assert [(await one.samples())[CREDIT] for one in (first, second)] == [0, 0]
            assert told_by_cut_off.alerts() == {}


async def test_a_rolling_restart_under_load_fails_no_push(pair: list[Replica]) -> None:
    """The surge of a Deployment: a new one is ready before an old one is told to end."""
    stage, names = pair[0].stage, [f"job-{number}" for number in range(4)]
    await stage.declare(*names)
    crowd = Crowd(names, stage.namespace)
    early = Job("job-0", stage.namespace)
    async with AsyncExitStack() as stack:
        old = [await stack.enter_async_context(one.alone()) for one in pair]
        crowd.replicas = [*old]
        async with crowd.pushing():
            for one, leaving in zip(pair, old, strict=True):
                await crowd.has_pushed(5)
                new = await stack.enter_async_context(one.alone(wait_ready=False))
                while not await new.ready():
                    await early.try_once(new)
                crowd.replicas = [*crowd.replicas[1:], new]
                assert await leaving.stop() == 0
            await crowd.has_pushed(5)
    durable = [(await stage.monitor(name))["status"]["push"]["count"] for name in names]

    jobs = [*crowd.jobs, early]
    assert [job.failures for job in jobs] == [[]] * len(jobs)
    assert sum(durable) == sum(job.acknowledged for job in jobs)
