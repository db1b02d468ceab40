"""A cluster with Yuptime's own definition of Monitors, and the three ways of migration."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.definition import DEFINITION, DEPLOY
from tests.deploy.test_crd import pushed
from tests.deploy.test_crd_served import STATUS, create
from tests.peers.cluster import (
    MERGE_PATCH,
    Cluster,
    ControlPlane,
    connected,
    control_plane,
    uses_existing_cluster,
)
from yuptime_exporter.core.model import API_VERSION
from yuptime_exporter.sources.kubernetes.definition import dropped_fields

pytestmark = pytest.mark.peer

YUPTIMES = Path(__file__).parent / "data" / "yuptime-monitors.yaml"
PATCH = DEPLOY / "crd" / "push-fields.yaml"
CRD = "monitors.monitoring.yuptime.io"
MONITORS = f"/apis/{API_VERSION}/namespaces/default/monitors"

PUSH: dict[str, Any] = {
    **pushed(),
    "schedule": {"intervalSeconds": 60, "timeoutSeconds": 10},
    "alerting": {"labels": {"severity": "critical"}},
}
PAGE: dict[str, Any] = {
    "type": "http",
    "schedule": {"intervalSeconds": 60, "timeoutSeconds": 10},
    "target": {"http": {"url": "https://example.com"}},
}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane for this file, since its tests replace the definition."""
    if uses_existing_cluster():
        pytest.skip("replaces the definition of Monitors: unset USE_EXISTING_CLUSTER")
    with control_plane(tmp_path_factory.mktemp("yuptime")) as plane:
        yield plane


@pytest.fixture
async def plain(plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster without a definition of Monitors."""
    async with connected(plane, tmp_path) as cluster:
        yield cluster
        await cluster.kubectl("delete", "crd", CRD)


@pytest.fixture
async def yuptime(plain: Cluster) -> Cluster:
    """A cluster with Yuptime's definition, a Monitor of it, and one of type push, pruned."""
    await plain.install_crd(YUPTIMES)
    assert (await create(plain, "default", PAGE, name="page"))[0] == 201
    assert (await create(plain, "default", PUSH, name="backup"))[0] == 201
    return plain


async def spec_of(cluster: Cluster, name: str) -> dict[str, Any]:
    _, answer = await cluster.request("GET", f"{MONITORS}/{name}")
    spec: dict[str, Any] = answer["spec"]
    return spec


async def write_status(cluster: Cluster, status: dict[str, Any]) -> tuple[int, Any]:
    return await cluster.request(
        "PATCH", f"{MONITORS}/backup/status", {"status": status}, content_type=MERGE_PATCH
    )


async def installed(cluster: Cluster) -> dict[str, Any]:
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD}"
    _, answer = await cluster.request("GET", path)
    found: dict[str, Any] = answer
    return found


async def test_the_exporter_notices_that_yuptimes_definition_drops_push_fields(
    yuptime: Cluster,
) -> None:
    assert await spec_of(yuptime, "backup") == {
        "type": "push",
        "enabled": True,
        "schedule": {"intervalSeconds": 60, "timeoutSeconds": 10},
        "target": {},
        "alerting": {"resendIntervalMinutes": 0},
    }
    assert dropped_fields(await installed(yuptime)) == (
        "spec.target.push",
        "spec.schedule.cron",
        "spec.schedule.timeZone",
        "status.push",
    )


async def test_kubectl_refuses_a_push_monitor_with_yuptimes_definition(yuptime: Cluster) -> None:
    body = {"apiVersion": API_VERSION, "kind": "Monitor", "metadata": {"name": "x"}, "spec": PUSH}

    code, said = await yuptime.try_kubectl("create", "-f", "-", stdin=json.dumps(body))

    assert code != 0
    assert 'unknown field "spec.target.push"' in said


async def test_the_definition_replaces_that_of_yuptime_without_losing_a_field(
    yuptime: Cluster,
) -> None:
    before = await spec_of(yuptime, "page")

    await yuptime.install_crd(DEFINITION)

    await yuptime.creates_pushes(PUSH)
    assert await spec_of(yuptime, "page") == before
    await yuptime.apply(
        {"apiVersion": API_VERSION, "kind": "Monitor", "spec": PUSH}
        | {"metadata": {"name": "backup", "namespace": "default"}}
    )
    kept = await spec_of(yuptime, "backup")
    assert kept["target"]["push"]["expireSeconds"] == 300
    assert kept["alerting"]["labels"] == {"severity": "critical"}


async def test_the_status_of_an_older_monitor_can_be_written(yuptime: Cluster) -> None:
    await yuptime.install_crd(DEFINITION)
    await yuptime.creates_pushes(PUSH)

    status, answer = await write_status(yuptime, STATUS)

    assert status == 200, answer
    assert answer["spec"]["target"] == {}, "though no such Monitor can be created any more"
    assert answer["status"] == STATUS
    labelled = {"metadata": {"labels": {"a": "b"}}}
    status, _ = await yuptime.request(
        "PATCH", f"{MONITORS}/backup", labelled, content_type=MERGE_PATCH
    )
    assert status == 200
    changed = {"spec": {"enabled": False}}
    status, answer = await yuptime.request(
        "PATCH", f"{MONITORS}/backup", changed, content_type=MERGE_PATCH
    )
    assert status == 422
    assert "a monitor of type push needs spec.target.push" in answer["message"]


async def test_the_patch_adds_push_fields_to_yuptimes_definition_and_nothing_else(
    yuptime: Cluster,
) -> None:
    before = await spec_of(yuptime, "page")

    await yuptime.kubectl("patch", "crd", CRD, "--type=json", "--patch-file", PATCH)

    await yuptime.creates_pushes(PUSH)
    assert dropped_fields(await installed(yuptime)) == ()
    assert await spec_of(yuptime, "page") == before
    await yuptime.kubectl("delete", "monitor", "backup")
    status, answer = await create(yuptime, "default", PUSH, fieldValidation="Strict")
    assert status == 201, answer
    assert answer["spec"]["alerting"]["labels"] == {"severity": "critical"}
    late = {**STATUS, "lastResult": {**STATUS["lastResult"], "state": "late"}}
    status, answer = await write_status(yuptime, late)
    assert (status, answer["status"]) == (200, late)


async def test_the_patch_is_refused_by_a_definition_that_does_not_fit(plain: Cluster) -> None:
    await plain.install_crd(DEFINITION)

    code, _ = await plain.try_kubectl("patch", "crd", CRD, "--type=json", "--patch-file", PATCH)

    assert code != 0, "our own definition needs no patch"
