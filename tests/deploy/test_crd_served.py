"""The definition of Monitors in a real API server."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.deploy.definition import DEFINITION, refusals, schema_at, stored
from tests.deploy.specs import Spec, specs
from tests.deploy.test_crd import hosts, pushed
from tests.peers.cluster import MERGE_PATCH, Cluster
from yuptime_exporter.core.model import API_VERSION

pytestmark = pytest.mark.peer

NAMESPACE = "jobs"
SPECS = 400


def monitor(name: str, spec: Spec) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": "Monitor", "metadata": {"name": name}, "spec": spec}


@pytest.fixture
async def namespace(cluster: Cluster) -> str:
    return await cluster.create_namespace("crd")


async def create(
    cluster: Cluster, namespace: str, spec: Spec, *, name: str = "backup", **query: str
) -> tuple[int, Any]:
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/monitors"
    return await cluster.request("POST", path, monitor(name, spec), query=query)


def some_specs() -> list[Spec]:
    """The same specs in each run, so that a failure can be repeated."""
    found: list[Spec] = []

    @seed(1)
    @settings(
        max_examples=SPECS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(specs(NAMESPACE))
    def collect(spec: Spec) -> None:
        found.append(spec)

    collect()
    return found


async def test_a_real_api_server_judges_and_stores_specs_as_the_fast_tests_say(
    cluster: Cluster, namespace: str
) -> None:
    schema = schema_at("spec")
    limit = asyncio.Semaphore(8)
    accepted = []

    async def judge(spec: Spec) -> None:
        async with limit:
            status, answer = await create(
                cluster, namespace, spec, dryRun="All", fieldValidation="Ignore"
            )
        kept = stored(spec, schema)
        problems = refusals(kept, schema)
        assert (status == 201) is (problems == []), (spec, answer, problems)
        if status == 201:
            assert answer["spec"] == kept
            accepted.append(spec)

    async with asyncio.TaskGroup() as tasks:
        for spec in (*some_specs(), *urls()):
            tasks.create_task(judge(spec))

    assert len(accepted) > SPECS // 5


def urls() -> Iterator[Spec]:
    """Every seventh host, which covers every form."""
    for host in list(hosts())[::7]:
        yield {**pushed(), "alertmanagerUrl": f"http://{host}/"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"type": "push"}, "a monitor of type push needs spec.target.push"),
        ({"type": "push", "target": {"push": {}}}, "tokenSecretRef is needed"),
        (
            {**pushed(), "alerting": {"labels": {"job": "a"}}},
            "spec.alerting.labels: Invalid value: alertname, namespace, monitor, instance, job",
        ),
        ({**pushed(), "alerting": {"labels": {"a-b": "a"}}}, "letters, digits and _"),
        ({**pushed(), "alerting": {"labels": {"__a": "a"}}}, "names that begin with __"),
        ({**pushed(), "alerting": {"labels": {"a": "ä" * 600}}}, "at most 1024 bytes"),
        (
            {**pushed(), "alerting": {"alertmanagerUrl": "http://me:secret@a"}},
            "alertmanagerUrl: allowed is an http or https URL with a host, without user, password",
        ),
        ({**pushed(), "schedule": {"intervalSeconds": 10**9}}, "spec.schedule.intervalSeconds"),
        (pushed(expireSeconds=0), "greater than or equal to 1"),
    ],
)
async def test_the_api_server_names_the_problem_of_an_invalid_spec(
    cluster: Cluster, namespace: str, spec: Spec, said: str
) -> None:
    status, answer = await create(cluster, namespace, spec)

    assert status == 422
    assert said in answer["message"]


async def test_a_misspelt_field_is_refused_by_kubectl_and_named(
    cluster: Cluster, namespace: str
) -> None:
    text = json.dumps(monitor("backup", pushed(expireSecond=5)))

    code, said = await cluster.try_kubectl("-n", namespace, "create", "-f", "-", stdin=text)

    assert code != 0
    assert 'unknown field "spec.target.push.expireSecond"' in said


async def test_the_api_server_fills_in_the_defaults_of_a_monitor(
    cluster: Cluster, namespace: str
) -> None:
    _, answer = await create(cluster, namespace, pushed())

    assert answer["spec"]["enabled"] is True
    assert answer["spec"]["target"]["push"] == {
        "tokenSecretRef": {"name": "a", "key": "b"},
        "expireSeconds": 300,
        "gracePeriodSeconds": 60,
    }


async def test_kubectl_get_shows_the_state_of_jobs(cluster: Cluster, namespace: str) -> None:
    schedule = {"cron": "30 2 * * 1-5", "timeZone": "Europe/Berlin"}
    await create(cluster, namespace, {**pushed(), "schedule": schedule})
    await write_status(cluster, namespace, STATUS)

    plain = await cluster.kubectl("-n", namespace, "get", "mon")
    wide = await cluster.kubectl("-n", namespace, "get", "mon", "-o", "wide")

    head, row = (re.split(r" {2,}", line.strip()) for line in plain.splitlines())
    assert head == ["NAME", "TYPE", "STATE", "LAST PUSH", "EXPIRES", "AGE"]
    assert row[:3] == ["backup", "push", "up"]
    assert re.fullmatch(r"\d+[ydhms]+\d*[dhms]?", row[3]), "an age"
    assert row[4] == "2126-01-01T00:05:00Z"
    head, row = (re.split(r" {2,}", line.strip()) for line in wide.splitlines())
    assert head[5:9] == ["SCHEDULE", "MESSAGE", "READY", "LAST CHECK"]
    assert row[5:9] == ["30 2 * * 1-5", "Backup completed", "True", "2026-01-01T00:00:00Z"]


async def test_kubectl_selects_monitors_by_type(cluster: Cluster, namespace: str) -> None:
    await create(cluster, namespace, pushed())
    await create(cluster, namespace, {"type": "http"}, name="page")

    names = await cluster.kubectl(
        "-n", namespace, "get", "mon", "--field-selector=spec.type=push", "-o", "name"
    )

    assert names.split() == ["monitor.monitoring.yuptime.io/backup"]


async def test_kubectl_waits_for_a_condition_of_a_monitor(cluster: Cluster, namespace: str) -> None:
    await create(cluster, namespace, pushed())
    await write_status(cluster, namespace, STATUS)

    said = await cluster.kubectl(
        "-n", namespace, "wait", "--for=condition=Ready", "mon/backup", "--timeout=10s"
    )

    assert "condition met" in said


async def test_kubectl_explain_describes_a_push(cluster: Cluster) -> None:
    said = await cluster.kubectl("explain", "monitor.spec.target.push")

    assert "is late for gracePeriodSeconds" in " ".join(said.split())
    assert re.search(r"tokenSecretRef\s+<Object>", said)
    said = await cluster.kubectl("explain", "monitor.status.push", "--recursive")
    for name in schema_at("status", "push")["properties"]:
        assert name in said


async def test_a_definition_that_is_applied_again_changes_nothing(cluster: Cluster) -> None:
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{NAME}"
    await cluster.apply(DEFINITION)
    _, before = await cluster.request("GET", path)
    await cluster.apply(DEFINITION)
    _, after = await cluster.request("GET", path)

    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    conditions = {one["type"]: one["status"] for one in after["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert "NonStructuralSchema" not in conditions


async def write_status(cluster: Cluster, namespace: str, status: dict[str, Any]) -> None:
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/monitors/backup/status"
    code, answer = await cluster.request(
        "PATCH", path, {"status": status}, content_type=MERGE_PATCH
    )
    assert code == 200, answer


NAME = "monitors.monitoring.yuptime.io"
STATUS: dict[str, Any] = {
    "observedGeneration": 1,
    "lastResult": {
        "state": "up",
        "checkedAt": "2026-01-01T00:00:00Z",
        "reason": "PUSH_OK",
        "message": "Backup completed",
    },
    "push": {"lastPushTime": "2026-01-01T00:00:00Z", "expiresAt": "2126-01-01T00:05:00Z"},
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "AcceptingPushes",
            "message": "Pushes are accepted.",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "observedGeneration": 1,
        }
    ],
}
