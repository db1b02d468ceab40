"""`--storage.url=kubernetes:` with one replica: an acknowledged push is durable before its answer."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from tests.exporters import Process, series
from tests.fakes import fault_answers as answers
from tests.fakes.faults import Answer, Delay, Hang
from tests.peers.cluster import CRD, Cluster
from tests.scenarios.kubernetes.replicas import Job, Replica, lease, renewed, replicas, together
from tests.scenarios.kubernetes.stage import DOWN, STATUS_WRITES, Stage
from tests.waiting import eventually
from yuptime_exporter.engine.receiver import SAVE_TIMEOUT_SECONDS
from yuptime_exporter.engine.receiving_log import NOTE_INTERVAL_SECONDS
from yuptime_exporter.status.limits import StatusLimits

pytestmark = pytest.mark.peer

# The data that does not depend on the length of an outage.
HISTORY = (
    "pushes_total",
    "pushes_down_total",
    "last_push_timestamp_seconds",
    "last_success_timestamp_seconds",
    "armed_timestamp_seconds",
    "up",
)


@pytest.fixture
async def replica(stage: Stage, tmp_path: Path) -> AsyncIterator[Replica]:
    async with replicas(stage, tmp_path / "replicas", 1) as [one]:
        yield one


def history(samples: Mapping[str, float], name: str, namespace: str) -> dict[str, float]:
    return {what: samples[series(what, name, namespace)] for what in HISTORY}


async def told(exporter: Process, name: str, namespace: str) -> dict[str, object]:
    """Return a monitor as JSON, without values that an outage moves."""
    answer = await exporter.request("GET", f"/api/v1/monitors/{namespace}/{name}")
    found = answer.json()
    return {field: found[field] for field in ("state", "reason", "since", "lastPush")}


async def test_kill_9_after_the_answers_forgets_nothing_of_any_push(replica: Replica) -> None:
    stage, names = replica.stage, [f"job-{number}" for number in range(6)]
    await stage.declare(*names, "never")
    jobs = [Job(name, stage.namespace) for name in names]

    async def work(job: Job) -> None:
        for number in range(5):
            said = "down" if number == 2 else "up"
            message = f"run {number} of {job.name}"
            body = f'{{"status": "{said}", "message": "{message}"}}'
            assert await job.try_once(exporter, body.encode())

    async with replica.alone() as exporter:
        await together(work(job) for job in jobs)
        before = await exporter.samples()
        before_told = [await told(exporter, name, stage.namespace) for name in names]
        await exporter.stop(signal.SIGKILL)
    async with replica.alone() as exporter:
        after = await exporter.samples()
        after_told = [await told(exporter, name, stage.namespace) for name in names]

    assert [after[series("pushes_total", one, stage.namespace)] for one in names] == [5] * 6
    assert [after[series("pushes_down_total", one, stage.namespace)] for one in names] == [1] * 6
    for name in (*names, "never"):
        assert history(after, name, stage.namespace) == history(before, name, stage.namespace)
    assert after_told == before_told
    assert all("run 4 of" in str(one["lastPush"]) for one in after_told)


async def test_kill_9_under_load_forgets_nothing_that_was_acknowledged(replica: Replica) -> None:
    stage, names = replica.stage, [f"job-{number}" for number in range(6)]
    await stage.declare(*names)
    jobs = [Job(name, stage.namespace) for name in names]

    async def work(job: Job) -> None:
        while await job.try_once(exporter):
            pass

    async def acknowledged() -> int:
        return sum(job.acknowledged for job in jobs)

    async with replica.alone() as exporter, asyncio.TaskGroup() as tasks:
        for job in jobs:
            tasks.create_task(work(job))
        await eventually(acknowledged, lambda count: count >= 40)
        await exporter.stop(signal.SIGKILL)
    async with replica.alone() as exporter:
        samples = await exporter.samples()

    for job in jobs:
        durable = samples[series("pushes_total", job.name, stage.namespace)]
        assert job.acknowledged <= durable <= job.attempts


async def test_a_restart_neither_delays_nor_loses_a_down(replica: Replica) -> None:
    stage, time = replica.stage, replica.stage.time
    await stage.declare("silent", "never", expire=2, grace=1)
    await stage.declare("failing")
    deadline = "deadline_timestamp_seconds"
    async with replica.here() as exporter:
        await exporter.push("silent")
        await exporter.push("failing", body=DOWN)
        before = await exporter.samples()
    stage.time.skip(4)  # so that a slow restart, too, is no outage
    async with replica.here() as exporter:
        after = await exporter.samples()
        statuses = {name: await stage.state("down", name) for name in ("silent", "never")}
        failing = await stage.state("down", "failing")

    for name, status in statuses.items():
        passed = before[series(deadline, name, stage.namespace)]
        assert after[series(deadline, name, stage.namespace)] == passed < time()
        assert datetime.fromisoformat(status["push"]["downAt"]).timestamp() == passed
    assert failing["lastResult"]["message"] == "disk full"
    assert after[series("up", "failing", stage.namespace)] == 0


async def test_when_a_first_push_is_awaited_from_survives_a_restart(replica: Replica) -> None:
    stage = replica.stage
    armed = series("armed_timestamp_seconds", namespace=stage.namespace)
    await stage.declare()
    async with replica.here() as exporter:
        await stage.state("pending")
        before = (await exporter.samples())[armed]
    stage.time.skip(9)
    async with replica.here() as exporter:
        after = (await exporter.samples())[armed]

    assert after == before


async def test_a_pause_survives_a_restart_and_resuming_arms_anew(replica: Replica) -> None:
    stage = replica.stage
    armed = series("armed_timestamp_seconds", namespace=stage.namespace)
    await stage.declare(enabled=False)
    async with replica.here() as exporter:
        await exporter.push()
        paused = await stage.state("paused")
        await stage.skip(9)
    async with replica.here() as exporter:
        again = await stage.state("paused")
        resumed = stage.time()
        await stage.declare()
        await exporter.reads(armed, lambda moment: moment >= resumed)
        await stage.state("up")

    assert paused["push"]["pausedTime"] is not None
    assert again["push"]["pausedTime"] == paused["push"]["pausedTime"]


async def test_no_answer_comes_before_the_api_server_has_the_push(replica: Replica) -> None:
    stage, proxy = replica.stage, replica.proxy
    pushes = series("pushes_total", namespace=stage.namespace)
    await stage.declare()
    async with replica.here() as exporter, asyncio.TaskGroup() as tasks:
        await stage.state("pending")
        held = proxy.apply(Hang(), when=STATUS_WRITES)
        with stage.time.slowed():
            pushing = tasks.create_task(exporter.push())
            await eventually(held.strikes)

            assert (await exporter.samples())[pushes] == 0
            assert not pushing.done()

            held.lift()
            assert (await pushing).status == 200
        assert (await exporter.samples())[pushes] == 1
        assert (await stage.monitor())["status"]["push"]["count"] == 1


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (answers.internal_error(), "etcdserver"),
        (answers.too_many_requests(7), "too many requests"),
        (answers.forbidden(), "grant yuptime-exporter the verb patch"),
    ],
    ids=["500", "429", "403"],
)
async def test_a_push_that_the_api_server_refuses_is_refused(
    refusal: Answer, said: str, replica: Replica
) -> None:
    stage = replica.stage
    pushes = series("pushes_total", namespace=stage.namespace)
    await stage.declare()
    async with replica.here() as exporter:
        await stage.state("pending")
        refused = replica.proxy.apply(refusal, when=STATUS_WRITES)
        answer = await exporter.push()

        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert said in str(answer.json()["detail"])
        assert (await exporter.samples())[pushes] == 0

        refused.lift()
        assert (await exporter.push()).status == 200
        assert (await exporter.samples())[pushes] == 1


async def test_a_push_that_the_definition_has_no_place_for_is_refused(
    own_stage: Stage, tmp_path: Path
) -> None:
    """It would be gone with the exporter that has taken it."""
    stage = own_stage
    await stage.declare()
    definition = yaml.safe_load(CRD.read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    del schema["status"]["properties"]["push"]
    schema["status"].pop("x-kubernetes-preserve-unknown-fields", None)
    async with replicas(stage, tmp_path / "replicas", 1) as [replica], replica.here() as exporter:
        assert (await exporter.push()).status == 200
        await install(stage.cluster, definition, tmp_path / "pruning.yaml")

        async def refused() -> str:
            answer = await exporter.push()
            return str(answer.json().get("detail", "")) if answer.status == 503 else ""

        said = await eventually(refused)
        assert "installed CustomResourceDefinition lacks fields" in said
        assert "kubectl apply --server-side -f deploy/crd/monitors.yaml" in said

        before = await exporter.samples()
        await install(stage.cluster, yaml.safe_load(CRD.read_text()), tmp_path / "full.yaml")
        await exporter.accepted()
        after = await exporter.samples()

    pushes = series("pushes_total", namespace=stage.namespace)
    assert after[pushes] == before[pushes] + 1


async def install(cluster: Cluster, definition: object, path: Path) -> None:
    path.write_text(yaml.safe_dump(definition))
    await cluster.install_crd(path)


async def test_pushes_that_come_while_one_is_written_are_written_together(
    replica: Replica,
) -> None:
    stage, proxy = replica.stage, replica.proxy
    await stage.declare()
    async with replica.here() as exporter, asyncio.TaskGroup() as tasks:
        await stage.state("pending")
        before = len(proxy.seen(STATUS_WRITES))
        held = proxy.apply(Hang(), when=STATUS_WRITES)
        with stage.time.slowed():
            pushing = [tasks.create_task(exporter.push()) for _ in range(40)]
            await eventually(held.strikes)
            await exporter.reads("yuptime_http_connections", lambda count: count > len(pushing))

            assert await proxy.waiting(STATUS_WRITES)() == 1

            held.lift()
            proxy.apply(Delay(0.2), when=STATUS_WRITES)
            assert {(await one).status for one in pushing} == {200}
        assert (await stage.monitor())["status"]["push"]["count"] == 40
        # The first push alone, the pushes that arrived by its end, and the late connections.
        assert len(proxy.seen(STATUS_WRITES)) - before <= 5


async def test_pushes_to_different_monitors_do_not_wait_for_each_other(replica: Replica) -> None:
    stage, proxy = replica.stage, replica.proxy
    names = [f"job-{number}" for number in range(StatusLimits().writes_in_flight)]
    await stage.declare(*names)
    async with replica.here() as exporter, asyncio.TaskGroup() as tasks:
        for name in names:
            await stage.state("pending", name)
        held = proxy.apply(Hang(), when=STATUS_WRITES)
        with stage.time.slowed():
            pushing = [tasks.create_task(exporter.push(name)) for name in names]
            await eventually(proxy.waiting(STATUS_WRITES), lambda count: count == len(names))
            held.lift()

            assert {(await one).status for one in pushing} == {200}


async def test_pushes_are_refused_at_once_while_the_api_server_hangs_and_taken_when_it_does_not(
    replica: Replica,
) -> None:
    stage, proxy, in_flight = replica.stage, replica.proxy, StatusLimits().writes_in_flight
    names = [f"job-{number}" for number in range(2 * in_flight)]
    await stage.declare(*names, "late")
    async with replica.here() as exporter, asyncio.TaskGroup() as tasks:
        for name in (*names, "late"):
            await stage.state("pending", name)
        held = proxy.apply(Hang(), when=STATUS_WRITES)
        with stage.time.slowed():
            pushing = [tasks.create_task(exporter.push(name)) for name in names]
            await eventually(proxy.waiting(STATUS_WRITES), lambda count: count == in_flight)
            await exporter.reads("yuptime_status_queue_length", lambda count: count == in_flight)
            stage.time.skip(SAVE_TIMEOUT_SECONDS + 0.1)
            answer = await exporter.push("late")

        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "the API server is too slow" in str(answer.json()["detail"])
        assert {(await one).status for one in pushing} == {503}

        held.lift()
        await exporter.accepted("late")
        assert {(await exporter.push(name)).status for name in names} == {200}


async def test_the_lease_tells_that_pushes_can_be_received(replica: Replica) -> None:
    stage = replica.stage
    await stage.declare()
    async with replica.here():
        begun = await renewed(stage)
        assert abs(stage.time() - begun) < NOTE_INTERVAL_SECONDS + 1
        await stage.skip(NOTE_INTERVAL_SECONDS)
        await eventually(lambda: renewed(stage), lambda noted: noted > begun)


async def test_an_outage_of_all_replicas_moves_deadlines_by_its_length(replica: Replica) -> None:
    stage = replica.stage
    await stage.declare(expire=60, grace=0)
    deadline = series("deadline_timestamp_seconds", namespace=stage.namespace)
    async with replica.here() as exporter:
        await exporter.push()
        before = (await exporter.samples())[deadline]
    ended = await renewed(stage)
    stage.time.skip(1000)
    async with replica.here() as exporter:
        samples = await exporter.samples()
    async with replica.here() as exporter:
        again = await exporter.samples()

    credit = samples["yuptime_outage_credit_seconds_total"]
    assert 1000 <= credit < stage.time() - ended
    assert samples[deadline] - before == pytest.approx(credit, abs=1e-3)
    assert again[deadline] == samples[deadline]
    assert "monitoring.yuptime.io/outages" in (await lease(stage))["metadata"]["annotations"]
