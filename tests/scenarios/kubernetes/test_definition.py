"""The definition of Monitors is missing, replaced by another program's, and put back."""

from pathlib import Path

import pytest

from tests.deploy.test_crd import pushed
from tests.exporters import series
from tests.manifests import TOKEN, secret_yaml
from tests.peers.cluster import CRD
from tests.scenarios.kubernetes.stage import DOWN, STATUS_WRITES, Stage
from tests.waiting import eventually
from yuptime_exporter.kubernetes.reflector import MISSING_SECONDS
from yuptime_exporter.resource.monitor_object import CRD_NAME
from yuptime_exporter.sources.kubernetes.definition import CHECK_SECONDS
from yuptime_exporter.sources.kubernetes.limits import SourceLimits
from yuptime_exporter.status.limits import StatusLimits

pytestmark = pytest.mark.peer

ANOTHER = Path(__file__).parent / "original_crd.yaml"

OUTDATED = "yuptime_kubernetes_crd_outdated"
WRITABLE = "yuptime_status_writable"


async def install(stage: Stage, definition: Path = CRD) -> None:
    """Install a definition; return when the API server reads and stores Monitors by it."""
    await stage.cluster.install_crd(definition)
    await stage.cluster.creates_pushes(pushed(), kept=definition is CRD)


async def test_the_exporter_waits_for_the_definition(
    own_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage = own_stage
    await stage.cluster.kubectl("delete", "crd", CRD_NAME, "--wait=true", "--timeout=60s")
    async with stage.exporter(wait_ready=False) as exporter:
        missing = 'yuptime_kubernetes_errors_total{reason="not_found",resource="monitors"}'
        await exporter.reads(missing, lambda count: count >= 1)
        assert not await exporter.client.ready()
        assert (await exporter.push()).status == 503

        await stage.cluster.install_crd()
        await stage.declare()
        await stage.skip(MISSING_SECONDS)
        await eventually(exporter.client.ready)
        assert (await exporter.push()).status == 200
        await stage.state("up")

    (complaint,) = [
        record.err  # type: ignore[attr-defined]
        for record in caplog.records
        if record.message.startswith("objects cannot be followed")
    ]
    assert "kubectl apply --server-side -f deploy/crd/monitors.yaml" in complaint


async def test_monitors_survive_that_another_program_replaces_their_definition(
    own_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage = own_stage
    await stage.declare("backup", "second", "third")
    async with stage.exporter() as exporter:
        await exporter.push()
        before = await stage.state("up")
        await exporter.reads(OUTDATED, lambda value: value == 0)

        await install(stage, ANOTHER)
        for name in ("backup", "second"):
            assert (await exporter.push(name, body=DOWN)).status == 200
        await exporter.reads(WRITABLE, lambda value: value == 0)
        await stage.skip(CHECK_SECONDS)
        await exporter.reads(OUTDATED, lambda value: value == 1)
        assert await exporter.known() == {"backup", "second", "third"}
        samples = await exporter.samples()
        assert samples[series("up", namespace=stage.namespace)] == 0
        written = len(stage.proxy.seen(STATUS_WRITES))
        await stage.skip(StatusLimits().probe_seconds)  # another try, which does no harm
        await eventually(stage.proxy.asked(STATUS_WRITES), lambda count: count > written)

        await install(stage)
        await stage.skip(StatusLimits().probe_seconds)
        await stage.state("down")
        await stage.state("down", "second")
        await exporter.reads(WRITABLE, lambda value: value == 1)
        await exporter.reads(OUTDATED, lambda value: value == 0)
        after = await stage.monitor()

    assert after["spec"]["target"]["push"]["tokenSecretRef"]["name"] == "push-token"
    assert after["status"]["push"]["armedTime"] == before["push"]["armedTime"]
    for message in ("the installed CustomResourceDefinition", "status of monitors is not written"):
        assert len([one for one in caplog.messages if one.startswith(message)]) == 1


async def test_a_restart_under_another_definition_does_no_harm(own_stage: Stage) -> None:
    stage = own_stage
    await stage.declare()
    await install(stage, ANOTHER)
    async with stage.exporter() as exporter:
        await exporter.reads("yuptime_monitors_invalid", lambda count: count == 1)
        await stage.skip(CHECK_SECONDS)
        assert (await exporter.push()).status == 401

        await install(stage)
        await stage.skip(SourceLimits().pruned_interval_seconds)
        await exporter.accepted()  # without applying anything again
        await stage.state("up")
    assert stage.proxy.seen(STATUS_WRITES)[0].status == 200


async def test_a_monitor_that_lost_its_spec_says_so(own_stage: Stage) -> None:
    stage = own_stage
    await install(stage, ANOTHER)
    await stage.apply(secret_yaml(namespace=stage.namespace))
    async with stage.exporter() as exporter:
        await exporter.reads(OUTDATED, lambda value: value == 1)
        push = {"tokenSecretRef": {"name": "push-token", "key": "token"}}
        pruned = {
            "apiVersion": "monitoring.yuptime.io/v1",
            "kind": "Monitor",
            "metadata": {"name": "backup", "namespace": stage.namespace},
            "spec": {"type": "push", "target": {"push": push}},
        }
        await stage.create(pruned)
        condition = await stage.condition("Valid", "False", "FieldsPruned")
        assert "kubectl apply --server-side -f deploy/crd/monitors.yaml" in condition["message"]
        assert (await exporter.push()).status == 401
        await exporter.reads("yuptime_monitors_invalid", lambda count: count == 1)

        await install(stage)
        await stage.apply(pruned)  # an open watch still delivers the old fields
        await stage.skip(SourceLimits().pruned_interval_seconds)
        await exporter.accepted(token=TOKEN)
        await stage.condition("Valid", "True")
        await stage.state("up")
