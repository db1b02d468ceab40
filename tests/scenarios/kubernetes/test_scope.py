"""Exporters that may see little: only some namespaces, only some Secrets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.manifests import TOKEN, monitor_yaml, secret_yaml
from tests.peers.cluster import Cluster
from tests.scenarios.kubernetes.passing import PassingTime
from tests.scenarios.kubernetes.rights import shipped, watching
from tests.scenarios.kubernetes.stage import Stage, stage_in
from tests.waiting import eventually
from yuptime_exporter.sources.kubernetes.limits import SourceLimits

LIMITS = SourceLimits()

pytestmark = pytest.mark.peer

DEFINITIONS = "/customresourcedefinitions/"
NEW_TOKEN = "battery-horse-staple-correct"


def refused(stage: Stage) -> list[str]:
    """Return the requests that RBAC refused; whether the CRD may be read is never known before."""
    return [
        f"{one.method} {one.path}"
        for one in stage.proxy.requests
        if one.status in (401, 403) and DEFINITIONS not in one.path
    ]


async def test_two_namespaces_need_a_role_in_each_and_no_more(stage: Stage) -> None:
    second = await stage.cluster.create_namespace("second")
    third = await stage.cluster.create_namespace("third")
    await stage.grant(*watching(shipped("namespaced", stage.namespace), second))
    stage.home.flags.append(f"--kubernetes.namespace={second}")
    await stage.declare()
    for namespace in (second, third):
        await stage.apply(
            secret_yaml(namespace=namespace), monitor_yaml("report", namespace=namespace)
        )
    async with stage.exporter() as exporter:
        assert await exporter.known() == {"backup", "report"}
        assert (await exporter.push()).status == 200
        assert (await exporter.push("report", namespace=second)).status == 200
        assert (await exporter.push("report", namespace=third)).status == 401
        await stage.state("up")

        await stage.apply(monitor_yaml("weekly", namespace=second))
        await eventually(exporter.known, lambda known: "weekly" in known)
        await stage.apply(secret_yaml(namespace=second, tokens=(NEW_TOKEN,)))
        await exporter.accepted("weekly", namespace=second, token=NEW_TOKEN)

    assert refused(stage) == []
    assert all(third not in one.path for one in stage.proxy.requests)


@pytest.fixture
async def frugal(cluster: Cluster, tmp_path: Path, time: PassingTime) -> AsyncIterator[Stage]:
    """Set a stage for an exporter that may read the Secrets that are named, and list none."""
    async with stage_in(cluster, tmp_path, time, overlay="least-privilege") as stage:
        stage.home.flags.append("--kubernetes.secrets=get")
        yield stage


async def test_secrets_that_are_named_in_a_role_are_all_that_is_needed(frugal: Stage) -> None:
    await frugal.declare()
    async with frugal.exporter() as exporter:
        assert (await exporter.push()).status == 200
        await frugal.state("up")
        await frugal.declare("second")  # of the same Secret
        await exporter.accepted("second")

        # A token that is newer than the known ones is read at its first push.
        await frugal.apply(secret_yaml(namespace=frugal.namespace, tokens=(TOKEN, NEW_TOKEN)))
        assert (await exporter.push(token=NEW_TOKEN)).status == 200
        assert (await exporter.push()).status == 200

    assert refused(frugal) == []
    assert [one for one in frugal.proxy.requests if one.path.endswith("/secrets")] == []


async def test_a_secret_that_no_role_names_is_told_to_be_forbidden(frugal: Stage) -> None:
    await frugal.declare()
    await frugal.apply(
        secret_yaml("hidden", namespace=frugal.namespace),
        monitor_yaml("other", namespace=frugal.namespace, secret="hidden"),
    )
    async with frugal.exporter() as exporter:
        condition = await frugal.condition("TokenResolved", "False", "SecretForbidden", "other")
        assert "hidden" in condition["message"]
        assert (await exporter.push("other")).status == 503
        assert (await exporter.push()).status == 200

        role = next(
            role
            for role in frugal.roles
            if any("secrets" in rule["resources"] for rule in role.get("rules", ()))
        )
        for rule in role["rules"]:
            if "secrets" in rule["resources"]:
                rule["resourceNames"].append("hidden")
        await frugal.grant(role)
        await frugal.skip(LIMITS.secret_missing_ttl_seconds)
        await frugal.condition("TokenResolved", "True", name="other")
        assert (await exporter.push("other")).status == 200


async def test_a_secret_that_is_deleted_is_noticed_when_its_time_is_over(frugal: Stage) -> None:
    await frugal.declare()
    async with frugal.exporter() as exporter:
        await exporter.push()
        await frugal.delete("Secret", "push-token")
        assert (await exporter.push()).status == 200  # a token is kept for some minutes
        await frugal.skip(LIMITS.secret_ttl_seconds * (1 + LIMITS.secret_ttl_spread))
        await frugal.condition("TokenResolved", "False", "SecretNotFound")
        assert (await exporter.push()).status == 503
