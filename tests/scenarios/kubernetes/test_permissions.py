"""Permissions that are revoked and granted again, by the RBAC of a real API server."""

import pytest

from tests.exporters import series
from tests.manifests import monitor_yaml, secret_yaml
from tests.scenarios.kubernetes.rights import shipped, watching
from tests.scenarios.kubernetes.stage import DOWN, STATUS_WRITES, Stage
from tests.waiting import eventually
from yuptime_exporter.kubernetes.reflector import FORBIDDEN_SECONDS
from yuptime_exporter.status.limits import StatusLimits

pytestmark = pytest.mark.peer

# The wait for a permission has a random part of the same length.
RETRY_SECONDS = 2 * FORBIDDEN_SECONDS

WRITABLE = "yuptime_status_writable"


def forbidden(resource: str) -> str:
    return f'yuptime_kubernetes_errors_total{{reason="forbidden",resource="{resource}"}}'


def unlisted(namespace: str) -> str:
    return f'yuptime_kubernetes_namespace_unlisted{{namespace="{namespace}"}}'


def complaints(caplog: pytest.LogCaptureFixture, message: str) -> list[str]:
    return [record.err for record in caplog.records if record.message.startswith(message)]  # type: ignore[attr-defined]


async def test_monitors_that_are_known_stay_in_force_while_they_may_not_be_read(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.declare()
    async with stage.exporter() as exporter:
        role = await stage.take_away("monitors")
        await stage.end_watches()  # an open watch would go on
        await exporter.reads(forbidden("monitors"), lambda count: count == 1)
        await stage.skip(RETRY_SECONDS)
        await exporter.reads(forbidden("monitors"), lambda count: count == 2)
        await stage.declare("second")

        assert (await exporter.push()).status == 200
        assert await exporter.known() == {"backup"}

        await stage.grant(role)
        await stage.skip(RETRY_SECONDS)
        await eventually(exporter.known, lambda known: known == {"backup", "second"})

    (complaint,) = complaints(caplog, "objects cannot be followed")
    assert "the verbs get, list and watch on monitors" in complaint


async def test_tokens_that_are_known_stay_in_force_while_secrets_may_not_be_read(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.declare()
    async with stage.exporter() as exporter:
        role = await stage.take_away("secrets")
        await stage.end_watches()
        await exporter.reads(forbidden("secrets"), lambda count: count == 1)
        await stage.delete("Secret", "push-token")

        assert (await exporter.push()).status == 200

        await stage.grant(role)
        await stage.skip(RETRY_SECONDS)
        await stage.condition("TokenResolved", "False", "SecretNotFound")
        assert (await exporter.push()).status == 503

    (complaint,) = complaints(caplog, "objects cannot be followed")
    assert "the verbs get, list and watch on secrets" in complaint


async def test_a_namespace_that_lost_its_roles_keeps_the_other_from_nothing_and_comes_back(
    stage: Stage,
) -> None:
    shop = await stage.cluster.create_namespace("shop")
    roles = watching(shipped("namespaced", stage.namespace), shop)
    await stage.grant(*roles)
    stage.home.flags.append(f"--kubernetes.namespace={shop}")
    await stage.declare()
    await stage.apply(secret_yaml(namespace=shop), monitor_yaml("order", namespace=shop))
    began = stage.time()
    async with stage.exporter() as exporter:
        assert (await exporter.push("order", namespace=shop)).status == 200
        before = (await exporter.samples())[series("deadline_timestamp_seconds", "order", shop)]
        for role in roles:
            await stage.revoke(role)
        await stage.end_watches()
        await exporter.reads(forbidden("monitors"), lambda count: count == 1)

        # What is known stays active at run time.
        assert (await exporter.push("order", namespace=shop)).status == 200
        assert await exporter.known() == {"backup", "order"}

    async with stage.exporter() as exporter:
        assert (await exporter.push()).status == 200
        refused = await exporter.push("order", namespace=shop)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        assert f"the namespace {shop}" in refused.body.decode()
        ready = await exporter.client.request("GET", "/-/ready")
        assert ready.status == 200
        assert f"the namespace {shop} are not known" in ready.body.decode()
        assert await exporter.known() == {"backup"}
        assert (await exporter.samples())[unlisted(shop)] == 1
        assert (await exporter.samples())[unlisted(stage.namespace)] == 0

        stage.time.skip(1000)
        await stage.grant(*roles)
        await stage.skip(RETRY_SECONDS)
        await eventually(exporter.known, lambda known: known == {"backup", "order"})
        samples = await exporter.samples()
        assert samples[unlisted(shop)] == 0
        assert samples[series("pushes_total", "order", shop)] == 2
        assert samples[series("down", "order", shop)] == 0
        moved = samples[series("deadline_timestamp_seconds", "order", shop)] - before
        assert 1000 + RETRY_SECONDS <= moved <= stage.time() - began
        assert (await exporter.push("order", namespace=shop)).status == 200


async def test_status_that_could_not_be_written_is_written_when_it_may_be(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.declare()
    async with stage.exporter() as exporter:
        await exporter.push()
        await stage.state("up")
        role = await stage.take_away("monitors/status")
        assert (await exporter.push(body=DOWN)).status == 200
        await exporter.reads(WRITABLE, lambda value: value == 0)
        refused = len(stage.proxy.seen(STATUS_WRITES))
        for _ in range(3):
            assert (await exporter.push()).status == 200
            assert (await exporter.push(body=DOWN)).status == 200
        assert (await exporter.samples())[series("up", namespace=stage.namespace)] == 0
        assert len(stage.proxy.seen(STATUS_WRITES)) == refused  # without repeated tries

        await stage.grant(role)
        await stage.skip(StatusLimits().probe_seconds)
        await stage.state("down")
        await exporter.reads(WRITABLE, lambda value: value == 1)

    (complaint,) = complaints(caplog, "status of monitors is not written")
    assert "the verb patch on monitors/status" in complaint


async def test_without_the_right_to_write_anything_everything_else_works(stage: Stage) -> None:
    await stage.declare()
    await stage.take_away("monitors/status")
    await stage.take_away("events")
    async with stage.exporter() as exporter:
        await exporter.reads(WRITABLE, lambda value: value == 0)
        assert (await exporter.push(body=DOWN)).status == 200
        await stage.declare("second")
        await eventually(exporter.known, lambda known: "second" in known)
        await exporter.accepted("second")

        assert (await exporter.samples())[series("pushes_total", "second", stage.namespace)] == 1
        assert await stage.status()() == {}


async def test_without_the_right_to_write_events_status_is_written(stage: Stage) -> None:
    await stage.declare()
    await stage.take_away("events")
    async with stage.exporter() as exporter:
        await exporter.push(body=DOWN)
        await stage.state("down")
        await exporter.reads('yuptime_events_total{outcome="failed"}', lambda count: count > 0)
        await exporter.push()
        await stage.state("up")
