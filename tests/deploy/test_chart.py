"""The Helm chart: sound for all values, and in substance what the overlays are."""

import re
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.rendering import (
    CHART,
    OLDEST_AND_NEWEST,
    Object,
    helm_template,
    of_kind,
    one,
    overlay,
    strict_problem,
)
from tests.peers.cluster import Cluster
from tests.peers.programs import Generation, require
from yuptime_exporter import __version__
from yuptime_exporter.settings.command_line import parse_arguments
from yuptime_exporter.settings.model import ClusterSource, LeaseName

pytestmark = pytest.mark.peer  # helm

FULL = Path(__file__).parent / "data" / "full-values.yaml"
VALUES = {
    "default": [],
    "full": [f"--values={FULL}"],
}

# What says of each overlay how to get the same from the chart.
SAME = {
    "cluster-wide": ["--set=crds.enabled=true"],
    "namespaced": ["--set=namespaces={yuptime}"],
    "least-privilege": [
        "--set=namespaces={yuptime}",
        "--set=secrets.mode=get",
        "--set=secrets.names={push-token,backup-push-token,payment-push-token}",
    ],
    "ha": ["--set=crds.enabled=true", "--set=replicas=2", "--set=storage.type=kubernetes"],
    "monitoring": [
        "--set=crds.enabled=true",
        "--set=serviceMonitor.enabled=true",
        "--set=prometheusRule.enabled=true",
        "--set=dashboards.enabled=true",
    ],
}

# Labels that say who made an object; and what only one of the two ways to install needs: the chart
# notices a changed configuration by a checksum and keeps the definition when it is uninstalled,
# kustomize hashes the ConfigMap's name.
OF_THE_TOOL = re.compile(
    r"app\.kubernetes\.io/(name|instance|part-of|version|managed-by)|helm\.sh/.*|checksum/config"
)


def helm(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    program = require("helm", Generation.NEWEST)
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def refused(*arguments: str) -> str:
    ended = helm("template", "yuptime-exporter", CHART, *arguments)
    assert ended.returncode != 0
    return ended.stderr


def in_substance(each: Object) -> Object:
    """An object without what its tool has put into it."""
    each = deepcopy(each)
    metadata = each["metadata"]
    for held in (metadata, each.get("spec", {}).get("template", {}).get("metadata", {})):
        for kind in ("labels", "annotations"):
            kept = {
                name: value
                for name, value in held.pop(kind, {}).items()
                if not OF_THE_TOOL.fullmatch(name)
            }
            if kept:
                held[kind] = kept
    metadata["name"] = _without_hash(metadata["name"])
    if "config.yaml" in each.get("data", {}):
        each["data"]["config.yaml"] = yaml.safe_load(each["data"]["config.yaml"])
    if each["kind"] == "Deployment":
        pod = each["spec"]["template"]["spec"]
        pod["volumes"][0]["configMap"]["name"] = _without_hash(
            pod["volumes"][0]["configMap"]["name"]
        )
        # What Kubernetes takes for an image with a tag, too.
        assert pod["containers"][0].pop("imagePullPolicy", "IfNotPresent") == "IfNotPresent"
    return each


def _without_hash(name: str) -> str:
    return re.sub(r"^(yuptime-exporter-config)-[a-z0-9]{10}$", r"\1", name)


def by_name(objects: tuple[Object, ...]) -> dict[str, Object]:
    found = {}
    for each in map(in_substance, objects):
        where = f"{each['kind']}/{each['metadata']['name']}"
        assert where not in found
        found[where] = each
    return found


@pytest.mark.parametrize("name", SAME)
def test_it_installs_what_the_overlay_installs(name: str) -> None:
    charts, overlays = by_name(helm_template(*SAME[name])), by_name(overlay(name))
    overlays.pop("Namespace/yuptime", None)  # helm install --create-namespace

    assert set(charts) == set(overlays)
    for where, each in overlays.items():
        assert charts[where] == each, where


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("version", OLDEST_AND_NEWEST)
def test_every_object_has_the_form_that_kubernetes_wants(values: str, version: str) -> None:
    for each in helm_template(*VALUES[values], f"--kube-version={version}"):
        assert strict_problem(each, version) is None, each


@pytest.mark.parametrize("values", VALUES)
def test_helm_finds_nothing_wrong_with_it(values: str) -> None:
    ended = helm("lint", "--strict", CHART, *VALUES[values])

    assert ended.returncode == 0, ended.stdout
    assert "0 chart(s) failed" in ended.stdout


def test_it_can_be_packed_with_all_that_it_needs(tmp_path: Path) -> None:
    ended = helm("package", CHART, f"--destination={tmp_path}")
    packed = tmp_path / f"yuptime-exporter-{__version__}.tgz"

    assert ended.returncode == 0, ended.stderr
    rendered = helm("template", "yuptime-exporter", packed, *SAME["monitoring"])
    kinds = {each["kind"] for each in yaml.safe_load_all(rendered.stdout)}
    assert {"CustomResourceDefinition", "PrometheusRule", "ConfigMap"} <= kinds


def test_the_full_values_leave_none_at_its_default() -> None:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    full = yaml.safe_load(FULL.read_text())

    def same(ours: Any, theirs: Any, *path: str) -> set[str]:
        if isinstance(ours, dict) and ours and isinstance(theirs, dict):
            return {one for name in ours for one in same(ours[name], theirs.get(name), *path, name)}
        return {".".join(path)} if ours == theirs else set()

    # Without these the rest would not be rendered.
    assert same(defaults, full) == {
        "rbac.create",
        "serviceAccount.create",
        "networkPolicy.enabled",
        "podDisruptionBudget.enabled",
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set=replicas=2"], "storage.type=kubernetes"),
        (["--set=secrets.mode=get"], "secrets.names"),
        (["--set=secrets.mode=all"], "secrets/mode"),
        (["--set=replica=2"], "replica"),
        (["--set=namespaces={Team_A}"], "namespaces/0"),
        (["--set=config.limit.a=b"], "limit"),
        (["--kube-version=1.29"], "1.30"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], said: str) -> None:
    assert said in refused(*arguments)


def test_a_release_of_another_name_has_objects_rights_and_a_lease_of_its_own() -> None:
    objects = helm_template(f"--values={FULL}", namespace="watchers")
    deployment = one(objects, "Deployment", "heartbeat-prod")
    (pod,) = deployment["spec"]["template"]["spec"]["containers"]
    settings = parse_arguments(pod["args"])

    _, lease = one(objects, "Role", "heartbeat-prod-lease")["rules"]
    assert isinstance(settings.source, ClusterSource)
    assert settings.source.lease == LeaseName("watchers", "heartbeat-prod")
    assert lease["resourceNames"] == ["heartbeat-prod"]
    assert settings.source.namespaces == ("team-a", "team-b")
    assert settings.log_format == "json"
    roles = [each for each in of_kind(objects, "Role") if "monitors" in each["metadata"]["name"]]
    assert [each["metadata"]["namespace"] for each in roles] == ["team-a", "team-b"]
    assert of_kind(objects, "ClusterRole", "ClusterRoleBinding") == []
    for binding in of_kind(objects, "RoleBinding"):
        assert binding["subjects"] == [
            {"kind": "ServiceAccount", "name": "watcher", "namespace": "watchers"}
        ]
    mounts = {mount["mountPath"] for mount in pod["volumeMounts"]}
    assert "/etc/yuptime-secrets" in mounts


def test_the_ingress_exposes_pushes_and_nothing_else() -> None:
    objects = helm_template("--set=ingress.enabled=true")
    ingress = one(objects, "Ingress", "yuptime-exporter-push")["spec"]
    (path,) = ingress["rules"][0]["http"]["paths"]
    service = one(objects, "Service", path["backend"]["service"]["name"])

    assert (path["path"], path["pathType"]) == ("/api/push/", "Prefix")
    assert path["backend"]["service"]["port"] == {"name": "http-push"}
    assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http-push"]


def test_a_changed_configuration_replaces_the_pod() -> None:
    def annotations(*arguments: str) -> object:
        deployment = one(helm_template(*arguments), "Deployment")
        return deployment["spec"]["template"]["metadata"]["annotations"]

    assert annotations() == annotations()
    assert annotations() != annotations("--set=config.limits.push_rate.burst=11")


def test_the_definition_outlives_the_release_and_is_left_out_unless_asked_for() -> None:
    (definition,) = of_kind(helm_template("--set=crds.enabled=true"), "CustomResourceDefinition")

    assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert of_kind(helm_template(), "CustomResourceDefinition") == []


async def test_it_is_installed_and_removed_as_a_release(cluster: Cluster) -> None:
    namespace = await cluster.create_namespace("chart")
    flags = (f"--namespace={namespace}", f"--kubeconfig={cluster.kubeconfig()}")
    values = (f"--set=fullnameOverride={namespace}", "--set=rbac.aggregateClusterRoles=false")

    installed = helm("install", "yuptime-exporter", CHART, *flags, *values)

    assert installed.returncode == 0, installed.stderr
    notes = installed.stdout.partition("NOTES:")[2]
    assert "curl -X POST http://localhost:10092/api/push/yuptime/backup-job" in notes
    assert f"port-forward service/{namespace}-push 10092" in notes
    assert "kubectl apply --server-side -f deploy/crd/monitors.yaml" in notes
    kinds = "deployment,service,serviceaccount,role,networkpolicy,configmap,pvc"
    there = await cluster.kubectl("-n", namespace, "get", kinds, "-o", "name")
    assert len([name for name in there.split() if f"/{namespace}" in name]) == 8
    removed = helm("uninstall", "yuptime-exporter", *flags, "--cascade=background")
    assert removed.returncode == 0, removed.stderr
    assert not (await cluster.kubectl("-n", namespace, "get", "deployment", "-o", "name")).strip()


def test_it_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
