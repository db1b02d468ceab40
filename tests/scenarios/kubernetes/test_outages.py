"""The API server is gone, and comes back without its history."""

import asyncio

import pytest

from tests.exporters import series
from tests.fakes.alertmanager import fake_alertmanager
from tests.fakes.faults import When
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.cluster import ControlPlane
from tests.scenarios.kubernetes.stage import DOWN, Running, Stage
from tests.waiting import eventually
from yuptime_exporter.kubernetes.backoff import MAX_SECONDS
from yuptime_exporter.status.limits import StatusLimits

pytestmark = pytest.mark.peer

LIST = When(method="GET", path="/monitors", watch=False)

NEW_TOKEN = "battery-horse-staple-correct"


def plane_of(stage: Stage) -> ControlPlane:
    assert stage.cluster.plane is not None
    return stage.cluster.plane


async def unreachable(exporter: Running) -> None:
    """Return when both, Monitors and Secrets, are known not to be followed."""
    for resource in ("monitors", "secrets"):
        await exporter.reads(
            f'yuptime_kubernetes_errors_total{{reason="unreachable",resource="{resource}"}}',
            lambda count: count > 0,
        )


async def test_pushes_scrapes_and_alerts_go_on_while_the_api_server_is_gone(
    own_stage: Stage,
) -> None:
    stage, plane = own_stage, plane_of(own_stage)
    await stage.declare("backup", "second")
    async with fake_alertmanager() as alertmanager:
        stage.home.flags.append(f"--alertmanager.url={alertmanager.url}")
        async with stage.exporter() as exporter:
            await exporter.push()
            await stage.state("up")
            await asyncio.to_thread(plane.kill_api_server)
            await unreachable(exporter)

            assert (await exporter.push("backup", body=DOWN)).status == 200
            await eventually(alertmanager.firing, lambda names: names == {"backup"})
            assert (await exporter.push("second")).status == 200
            assert (await exporter.push("second", token=NEW_TOKEN)).status == 401
            samples = await exporter.samples()
            assert samples[series("up", namespace=stage.namespace)] == 0
            assert samples[series("up", "second", stage.namespace)] == 1
            assert await exporter.client.ready()

            await stage.proxy.refuse_connections()
            plane.start_api_server()  # not in a thread, since its end would end the process
            await stage.declare("third", expire=1234)
            await stage.delete("Monitor", "second")
            await stage.apply(secret_yaml(namespace=stage.namespace, tokens=(NEW_TOKEN,)))
            await stage.proxy.accept_connections()
            stage.time.skip(2 * MAX_SECONDS)  # every started wait is over
            await eventually(exporter.known, lambda known: known == {"backup", "third"})
            await exporter.accepted("third", token=NEW_TOKEN)
            assert (await exporter.push()).status == 401

            stage.time.skip(2 * StatusLimits().pause_seconds)
            status = await stage.state("down")
            assert status["push"]["count"] == 2
            assert status["lastResult"]["message"] == "disk full"
            await stage.state("up", "third")


async def test_what_etcd_has_forgotten_is_listed_anew_without_a_hole(own_stage: Stage) -> None:
    stage, plane = own_stage, plane_of(own_stage)
    lasting = {f"job-{number}" for number in range(30)}
    await stage.declare("backup", *lasting)
    async with stage.exporter() as exporter, asyncio.TaskGroup() as tasks:
        assert await exporter.known() == {"backup", *lasting}
        await stage.proxy.refuse_connections()
        stage.proxy.drop_connections()
        await unreachable(exporter)
        await stage.delete("Monitor", "backup")
        await stage.apply(monitor_yaml("job-0", namespace=stage.namespace, expire=77))
        await stage.declare("late")
        await asyncio.to_thread(plane.compact)

        holes: list[set[str]] = []
        over = asyncio.Event()

        async def scrape_until_over() -> None:
            while not over.is_set():
                if missing := lasting - await exporter.known():
                    holes.append(missing)

        tasks.create_task(scrape_until_over())
        list_held = stage.proxy.silence(when=LIST)
        await stage.proxy.accept_connections()
        stage.time.skip(2 * MAX_SECONDS)
        await eventually(list_held.strikes)
        # Tokens that change during that time trigger a look at all monitors.
        await stage.apply(secret_yaml(namespace=stage.namespace, tokens=(NEW_TOKEN,)))
        await exporter.accepted("job-1", token=NEW_TOKEN)
        assert await exporter.known() == {"backup", *lasting}

        list_held.lift()
        await eventually(exporter.known, lambda known: known == {"late", *lasting})
        await exporter.reads(
            series("expire_seconds", "job-0", stage.namespace), lambda value: value == 77
        )
        over.set()
        expired = 'yuptime_kubernetes_errors_total{reason="expired",resource="monitors"}'
        samples = await exporter.samples()

    assert holes == []
    assert samples[expired] == 1
    assert samples['yuptime_kubernetes_lists_total{resource="monitors"}'] == 2


async def test_an_api_server_that_hangs_is_waited_for(own_stage: Stage) -> None:
    stage, plane = own_stage, plane_of(own_stage)
    await stage.declare()
    async with stage.exporter() as exporter:
        await exporter.push()
        await stage.state("up")
        plane.freeze_api_server()
        try:
            for _ in range(5):
                assert (await exporter.push(body=DOWN)).status == 200
                assert (await exporter.push()).status == 200
            assert (await exporter.push(body=DOWN)).status == 200
            stage.time.skip(2 * StatusLimits().pause_seconds)
            unavailable = 'yuptime_status_write_errors_total{reason="unavailable"}'
            await exporter.reads(unavailable, lambda count: count >= 1)
            assert (await exporter.samples())[series("up", namespace=stage.namespace)] == 0
        finally:
            plane.thaw_api_server()
        stage.time.skip(2 * StatusLimits().pause_seconds)
        # The API server may still execute the write of the first push that says down.
        status = await eventually(stage.status(), lambda status: status["push"]["count"] == 12)

    assert status["lastResult"]["state"] == "down"
