"""All shipped manifests, applied to a real API server; pods do not run, since pods need nodes."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

from tests.deploy.definition import CHECKOUT, DEPLOY
from tests.deploy.rendering import OVERLAYS, Object, helm_template, one, overlay
from tests.peers.cluster import (
    Cluster,
    ControlPlane,
    connected,
    control_plane,
    uses_existing_cluster,
)
from tests.waiting import eventually

pytestmark = pytest.mark.peer

EXAMPLES = CHECKOUT / "examples" / "kubernetes"

# Kinds of other projects, with all their fields kept.
FOREIGN = {
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "Application": "argoproj.io/v1alpha1",
}


def foreign_definition(kind: str) -> Object:
    group, version = FOREIGN[kind].split("/")
    plural = f"{kind.lower()}s"
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            # The group of Argo CD is not one of Kubernetes.
            "annotations": {"api-approved.kubernetes.io": "unapproved, of a test"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": anything},
                }
            ],
        },
    }


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane for this file, since its tests change the whole cluster."""
    if uses_existing_cluster():
        pytest.skip("installs for the whole cluster: unset USE_EXISTING_CLUSTER")
    with control_plane(tmp_path_factory.mktemp("applied")) as plane:
        yield plane


@pytest.fixture
async def admin(plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster with the kinds of other projects and the definition of Monitors."""
    async with connected(plane, tmp_path) as cluster:
        await cluster.apply(*(foreign_definition(kind) for kind in FOREIGN))
        await cluster.install_crd()
        for name in ("yuptime", "shop", "argocd"):
            await cluster.apply(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            )
        yield cluster


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster in which nothing of ours was ever applied, with the kinds of others."""
    with control_plane(tmp_path / "plane") as plane:
        async with connected(plane, tmp_path / "cluster") as cluster:
            await cluster.apply(*(foreign_definition(kind) for kind in FOREIGN))
            await cluster.kubectl("create", "namespace", "yuptime")
            yield cluster


@pytest.mark.parametrize("name", OVERLAYS)
async def test_an_overlay_that_is_applied_again_changes_nothing(admin: Cluster, name: str) -> None:
    flags = ("--server-side", "--force-conflicts", "-k", DEPLOY / "overlays" / name)

    # Repeatedly, since a kind is served some time after its definition.
    said = await eventually(lambda: admin.try_kubectl("apply", *flags), lambda said: said[0] == 0)

    assert len(said[1].splitlines()) == len(overlay(name)), said
    assert await admin.kubectl("diff", *flags) == ""


@pytest.mark.parametrize("name", OVERLAYS)
async def test_an_overlay_that_the_client_applied_is_later_applied_by_the_server_without_a_conflict(
    fresh: Cluster, name: str
) -> None:
    flags = ("-k", DEPLOY / "overlays" / name)

    first = await eventually(lambda: fresh.try_kubectl("apply", *flags), lambda said: said[0] == 0)
    code, later = await fresh.try_kubectl("apply", "--server-side", *flags)

    assert (code, len(later.splitlines())) == (0, len(overlay(name))), (first, later)


async def test_the_chart_that_the_client_applied_is_later_applied_by_the_server_without_a_conflict(
    fresh: Cluster,
) -> None:
    rendered = yaml.safe_dump_all(
        helm_template("--set=replicas=2", "--set=storage.type=kubernetes")
    )

    await fresh.kubectl("apply", "-f", "-", stdin=rendered)
    code, later = await fresh.try_kubectl("apply", "--server-side", "-f", "-", stdin=rendered)

    assert code == 0, later


@pytest.mark.parametrize("name", OVERLAYS)
async def test_a_namespace_of_restricted_pods_admits_the_pod(admin: Cluster, name: str) -> None:
    namespace = await admin.create_namespace(
        "restricted", **{"pod-security.kubernetes.io/enforce": "restricted"}
    )
    template = one(overlay(name), "Deployment")["spec"]["template"]
    good = await admitted(admin, namespace, template["spec"])
    looser = yaml.safe_load(yaml.safe_dump(template["spec"]))
    looser["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    bad = await admitted(admin, namespace, looser)

    assert good == (201, "")
    assert bad[0] == 403
    assert "violates PodSecurity" in bad[1]


async def test_a_namespace_of_restricted_pods_admits_the_pod_of_the_chart(admin: Cluster) -> None:
    namespace = await admin.create_namespace(
        "restricted", **{"pod-security.kubernetes.io/enforce": "restricted"}
    )
    template = one(helm_template(), "Deployment")["spec"]["template"]

    assert await admitted(admin, namespace, template["spec"]) == (201, "")


async def test_a_namespace_of_restricted_pods_admits_the_example_job(admin: Cluster) -> None:
    namespace = await admin.create_namespace(
        "restricted", **{"pod-security.kubernetes.io/enforce": "restricted"}
    )
    job = one(documents(EXAMPLES / "cronjob.yaml"), "CronJob", "nightly-dump")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]

    assert await admitted(admin, namespace, pod) == (201, "")


async def admitted(cluster: Cluster, namespace: str, spec: Object) -> tuple[int, str]:
    """The verdict of an API server on a pod with this spec, by a dry run."""
    body = {"metadata": {"name": "pod"}, "spec": spec}
    status, answer = await cluster.request(
        "POST", f"/api/v1/namespaces/{namespace}/pods", body, query={"dryRun": "All"}
    )
    return status, answer.get("message", "")


def documents(path: Path) -> list[Object]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: str(path.relative_to(EXAMPLES))
)
async def test_the_api_server_accepts_every_example(admin: Cluster, path: Path) -> None:
    flags = ("--dry-run=server", "--validate=strict", "-f", path)

    code, said = await eventually(
        lambda: admin.try_kubectl("apply", *flags), lambda said: said[0] == 0
    )

    assert (code, len(said.splitlines())) == (0, len(documents(path))), said
    assert "warning" not in said.lower()
