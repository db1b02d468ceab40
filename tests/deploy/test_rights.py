"""All rights of the shipped Roles, listed by a real API server, and used."""

import pytest

from tests.deploy.rendering import Object, one, overlay
from tests.peers.cluster import MERGE_PATCH, Cluster
from tests.scenarios.kubernetes.rights import ACCOUNT, shipped
from tests.waiting import eventually
from yuptime_exporter.core.model import API_VERSION, GROUP

pytestmark = pytest.mark.peer

CRD = f"monitors.{GROUP}"
Rights = set[tuple[str, str, str]]  # group/resource, name or empty, verb

MONITORS: Rights = {
    *((f"{GROUP}/monitors", "", verb) for verb in ("get", "list", "watch")),
    (f"{GROUP}/monitors/status", "", "patch"),
    *(("events.k8s.io/events", "", verb) for verb in ("create", "patch")),
}
ALL_SECRETS: Rights = {("/secrets", "", verb) for verb in ("get", "list", "watch")}
NAMED_SECRETS: Rights = {
    ("/secrets", name, "get") for name in ("push-token", "backup-push-token", "payment-push-token")
}
LEASE: Rights = {
    ("coordination.k8s.io/leases", "", "create"),
    *(("coordination.k8s.io/leases", "yuptime-exporter", v) for v in ("get", "update", "patch")),
}
DEFINITION: Rights = {("apiextensions.k8s.io/customresourcedefinitions", CRD, "get")}

RIGHTS = {
    "cluster-wide": (MONITORS | ALL_SECRETS | LEASE | DEFINITION, MONITORS | ALL_SECRETS | DEFINITION),
    "namespaced": (MONITORS | ALL_SECRETS | LEASE, set()),
    "least-privilege": (MONITORS | NAMED_SECRETS | LEASE, set()),
}  # fmt: skip


async def rights(cluster: Cluster, namespace: str, token: str) -> Rights:
    """The rights of a token in a namespace, without the rights of a stranger."""
    stranger = await cluster.service_account_token(namespace, "stranger")
    return await _all_rights(cluster, namespace, token) - await _all_rights(
        cluster, namespace, stranger
    )


async def _all_rights(cluster: Cluster, namespace: str, token: str) -> Rights:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    status, answer = await cluster.request("POST", path, body, token=token)
    assert status == 201, answer
    return {
        (f"{group}/{resource}", name, verb)
        for rule in answer["status"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }


async def bound(cluster: Cluster, name: str) -> tuple[str, str]:
    """A namespace and the token of an exporter with the rights of an overlay."""
    namespace = await cluster.create_namespace("rights")
    token = await cluster.service_account_token(namespace, ACCOUNT)
    await cluster.apply(*shipped(name, namespace))
    expected, _ = RIGHTS[name]
    await eventually(
        lambda: rights(cluster, namespace, token), lambda found: len(found) >= len(expected)
    )
    return namespace, token


@pytest.mark.parametrize("name", RIGHTS)
async def test_an_overlay_grants_the_listed_rights_and_no_others(
    cluster: Cluster, name: str
) -> None:
    namespace, token = await bound(cluster, name)
    other = await cluster.create_namespace("rights")
    here, elsewhere = RIGHTS[name]

    assert await rights(cluster, namespace, token) == here
    assert await rights(cluster, other, token) == elsewhere


async def test_the_exporter_may_not_read_a_secret_that_no_role_names(cluster: Cluster) -> None:
    namespace, token = await bound(cluster, "least-privilege")
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    for name in ("push-token", "database"):
        body = {"metadata": {"name": name}, "stringData": {"token": "hidden"}}
        assert (await cluster.request("POST", secrets, body))[0] == 201

    async def read(path: str) -> int:
        return (await cluster.request("GET", path, token=token))[0]

    assert await read(f"{secrets}/push-token") == 200
    assert await read(f"{secrets}/database") == 403
    assert await read(secrets) == 403
    assert await read("/api/v1/secrets") == 403


async def test_the_exporter_may_write_a_status_and_not_a_spec(cluster: Cluster) -> None:
    namespace, token = await bound(cluster, "namespaced")
    monitors = f"/apis/{API_VERSION}/namespaces/{namespace}/monitors"
    spec = {"type": "push", "target": {"push": {"tokenSecretRef": {"name": "a", "key": "b"}}}}
    await cluster.request("POST", monitors, {**MONITOR, "spec": spec})

    async def patch(path: str, body: object) -> int:
        return (await cluster.request("PATCH", path, body, token=token, content_type=MERGE_PATCH))[
            0
        ]

    assert await patch(f"{monitors}/backup/status", {"status": {"observedGeneration": 1}}) == 200
    assert await patch(f"{monitors}/backup", {"spec": {"enabled": False}}) == 403
    assert (await cluster.request("DELETE", f"{monitors}/backup", token=token))[0] == 403


@pytest.mark.parametrize(
    ("role", "verbs"),
    [
        ("view", {"get", "list", "watch"}),
        ("edit", {"create", "update", "patch", "delete", "deletecollection"}),
    ],
)
async def test_users_may_view_or_edit_monitors_and_never_write_a_status(
    cluster: Cluster, role: str, verbs: set[str]
) -> None:
    namespace = await cluster.create_namespace("rights")
    token = await cluster.service_account_token(namespace, "user")
    users = one(overlay("cluster-wide"), "ClusterRole", f"yuptime-monitors-{role}")
    await cluster.apply(
        {**users, "metadata": {"name": f"{users['metadata']['name']}-{namespace}"}},
        binding(namespace, f"{users['metadata']['name']}-{namespace}"),
    )

    found = await eventually(lambda: rights(cluster, namespace, token))

    assert found == {(f"{GROUP}/monitors", "", verb) for verb in verbs}


def test_users_of_a_namespace_may_view_or_edit_its_monitors() -> None:
    prefix = "rbac.authorization.k8s.io/aggregate-to-"

    def joins(role: str) -> set[str]:
        labels = one(overlay("cluster-wide"), "ClusterRole", role)["metadata"]["labels"]
        return {name.removeprefix(prefix) for name in labels if name.startswith(prefix)}

    assert joins("yuptime-monitors-view") == {"view", "edit", "admin"}
    assert joins("yuptime-monitors-edit") == {"edit", "admin"}
    assert joins("yuptime-exporter") == set(), "reading Secrets is nobody else's right"


def binding(namespace: str, role: str) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "user", "namespace": namespace},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": role,
        },
        "subjects": [{"kind": "ServiceAccount", "name": "user", "namespace": namespace}],
    }


MONITOR = {"apiVersion": API_VERSION, "kind": "Monitor", "metadata": {"name": "backup"}}
