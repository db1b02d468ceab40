"""The shipped Roles, enforced by a real API server: needed rights and no others."""

from dataclasses import dataclass
from functools import partial

import pytest

from tests.peers.cluster import Cluster
from tests.scenarios.kubernetes.rights import ACCOUNT, shipped
from tests.waiting import eventually

pytestmark = pytest.mark.peer

MONITORS = "monitors.monitoring.yuptime.io"


@dataclass(frozen=True, slots=True)
class Account:
    """The exporter's ServiceAccount in a cluster, with the bindings of an overlay."""

    cluster: Cluster
    namespace: str
    token: str

    async def can(self, question: str, *, namespace: str = "") -> bool:
        """The API server's answer to the exporter's question about its rights; namespace * means all.

        The question has the form of `kubectl auth can-i`.
        """
        verb, what, *rest = question.split()
        resource, _, name = what.partition("/")
        resource, _, group = resource.partition(".")
        attributes = {
            "verb": verb,
            "group": group,
            "resource": resource,
            "name": name,
            "subresource": rest[0].removeprefix("--subresource=") if rest else "",
            "namespace": "" if namespace == "*" else namespace or self.namespace,
        }
        status, answer = await self.cluster.request(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            },
            token=self.token,
        )
        assert status == 201, answer
        return bool(answer["status"]["allowed"])


async def account(cluster: Cluster, overlay: str) -> Account:
    """An account with the rights of an overlay; its Roles and bindings become active one by one."""
    namespace = await cluster.create_namespace()
    token = await cluster.service_account_token(namespace, ACCOUNT)
    await cluster.apply(*shipped(overlay, namespace))
    bound = Account(cluster, namespace, token)

    async def missing() -> list[str]:
        return [question for question in NEEDED if not await bound.can(question)]

    await eventually(missing, lambda questions: not questions)
    return bound


NEEDED = (
    f"get {MONITORS}",
    f"list {MONITORS}",
    f"watch {MONITORS}",
    f"patch {MONITORS}/backup --subresource=status",
    "create events.events.k8s.io",
    "create leases.coordination.k8s.io",
    "get leases.coordination.k8s.io/yuptime-exporter",
    "update leases.coordination.k8s.io/yuptime-exporter",
)
TEMPTING = (
    f"create {MONITORS}",
    f"update {MONITORS}",
    f"patch {MONITORS}",
    f"delete {MONITORS}",
    f"update {MONITORS}/backup --subresource=status",
    "create secrets",
    "update secrets",
    "delete secrets",
    "get configmaps",
    "list pods",
    "create pods",
    "create pods --subresource=exec",
    "delete events.events.k8s.io",
    "get leases.coordination.k8s.io/kube-controller-manager",
    "update leases.coordination.k8s.io/kube-controller-manager",
    "delete leases.coordination.k8s.io/yuptime-exporter",
    "create serviceaccounts --subresource=token",
    "impersonate users",
    "escalate roles.rbac.authorization.k8s.io",
    "bind roles.rbac.authorization.k8s.io",
    "list nodes",
    "update customresourcedefinitions.apiextensions.k8s.io",
    "list customresourcedefinitions.apiextensions.k8s.io",
)


@pytest.mark.parametrize("overlay", ["cluster-wide", "ha", "monitoring", "namespaced"])
async def test_an_overlay_grants_needed_rights_and_no_dangerous_ones(
    cluster: Cluster, overlay: str
) -> None:
    bound = await account(cluster, overlay)

    for verb in ("get", "list", "watch"):
        assert await eventually(partial(bound.can, f"{verb} secrets"))
    needed = {question: await bound.can(question) for question in NEEDED}
    tempting = {question: await bound.can(question) for question in TEMPTING}
    assert [question for question, allowed in needed.items() if not allowed] == []
    assert [question for question, allowed in tempting.items() if allowed] == []


async def test_kubectl_auth_confirms_the_rights_of_an_overlay(cluster: Cluster) -> None:
    bound = await account(cluster, "namespaced")
    asked = ("auth", "can-i", "-n", bound.namespace)

    status = ("patch", f"{MONITORS}/backup", "--subresource=status")
    assert await cluster.try_kubectl(*asked, *status, token=bound.token) == (0, "yes\n")
    assert await cluster.try_kubectl(*asked, "delete", MONITORS, token=bound.token) == (1, "no\n")


async def test_an_exporter_of_one_namespace_has_no_rights_in_another(cluster: Cluster) -> None:
    bound = await account(cluster, "namespaced")
    other = await cluster.create_namespace()

    questions = (*NEEDED, "get secrets", "list secrets", "watch secrets")
    allowed = [one for one in questions if await bound.can(one, namespace=other)]
    everywhere = [
        one for one in ("list secrets", f"list {MONITORS}") if await bound.can(one, namespace="*")
    ]
    assert (allowed, everywhere) == ([], [])


async def test_the_least_privilege_overlay_allows_reading_the_named_secrets_only(
    cluster: Cluster,
) -> None:
    bound = await account(cluster, "least-privilege")

    assert await eventually(partial(bound.can, "get secrets/push-token"))
    forbidden = ("get secrets", "get secrets/database-password", "list secrets", "watch secrets",
                 "list secrets/push-token")  # fmt: skip
    assert [question for question in forbidden if await bound.can(question)] == []


async def test_the_cluster_wide_overlay_grants_rights_in_all_namespaces(cluster: Cluster) -> None:
    bound = await account(cluster, "cluster-wide")

    definition = f"get customresourcedefinitions.apiextensions.k8s.io/{MONITORS}"
    assert await eventually(partial(bound.can, f"watch {MONITORS}", namespace="*"))
    assert await eventually(partial(bound.can, definition))
    others = "get customresourcedefinitions.apiextensions.k8s.io/others.example.com"
    assert not await bound.can(others)


async def test_users_with_view_or_edit_may_do_the_same_with_monitors(cluster: Cluster) -> None:
    """By aggregation; without a controller only the labels can be checked."""
    labels = "rbac.authorization.k8s.io/aggregate-to-"
    printed = await cluster.kubectl("kustomize", "deploy/overlays/cluster-wide")

    assert f"{labels}view" in printed
    assert f"{labels}edit" in printed
    assert f"{labels}admin" in printed
