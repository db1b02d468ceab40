"""Overlays of users, as the comments in deploy/ describe them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.definition import CHECKOUT
from tests.deploy.rendering import (
    arguments_in_the_pod,
    container_of,
    kustomized,
    of_kind,
    one,
    strict_problem,
)
from tests.peers.cluster import Cluster
from yuptime_exporter.settings.command_line import parse_arguments
from yuptime_exporter.settings.model import ClusterSource

pytestmark = pytest.mark.peer  # kubectl


def write(folder: Path, **kustomization: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({**head, **kustomization}))
    return folder


def linked_deploy(folder: Path) -> Path:
    """A link to deploy/ beside an overlay of a user, since kustomize requires relative paths."""
    for name in ("deploy", "alert-rules", "dashboards"):
        (folder / name).symlink_to(CHECKOUT / name)
    return folder


def test_an_overlay_of_a_user_can_change_the_namespace_of_all_objects(tmp_path: Path) -> None:
    own = write(
        linked_deploy(tmp_path) / "own",
        namespace="watchers",
        resources=["../deploy/overlays/cluster-wide"],
        components=["../deploy/components/monitoring", "../deploy/components/ha"],
        images=[{"name": "yuptime-exporter", "newName": "registry.example.com/y", "newTag": "1.2"}],
    )

    objects = kustomized(own)

    assert {each["metadata"].get("namespace", "watchers") for each in objects} == {"watchers"}
    for binding in of_kind(objects, "RoleBinding", "ClusterRoleBinding"):
        assert [one["namespace"] for one in binding["subjects"]] == ["watchers"]
    (pod,) = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert pod["image"] == "registry.example.com/y:1.2"


def test_an_overlay_with_the_web_configuration_serves_probes_and_scrapes_over_tls(
    tmp_path: Path,
) -> None:
    own = write(
        linked_deploy(tmp_path) / "own",
        resources=["../deploy/overlays/cluster-wide"],
        components=["../deploy/components/monitoring", "../deploy/components/web-config"],
    )
    objects = kustomized(own)
    (endpoint,) = one(objects, "ServiceMonitor")["spec"]["endpoints"]
    container = container_of(objects)
    pod = one(objects, "Deployment")["spec"]["template"]["spec"]

    assert [problem for each in objects if (problem := strict_problem(each, "1.30"))] == []
    settings = parse_arguments(arguments_in_the_pod(container, "yuptime"))
    assert str(settings.web_config_file) == "/etc/yuptime-web/web.yml"
    gets = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")]
    assert {(get["port"], get["scheme"]) for get in gets} == {("http-push", "HTTPS")}
    assert [get["path"] for get in gets] == ["/livez", "/livez", "/readyz"]
    assert endpoint["scheme"] == "https"
    assert endpoint["honorLabels"] is True
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["volumes"]}


def test_the_web_configuration_needs_no_monitoring(tmp_path: Path) -> None:
    own = write(
        linked_deploy(tmp_path) / "own",
        resources=["../deploy/overlays/namespaced"],
        components=["../deploy/components/web-config"],
    )

    assert of_kind(kustomized(own), "ServiceMonitor") == []


@pytest.mark.parametrize("name", ["namespaced", "least-privilege"])
async def test_an_overlay_of_a_user_moves_the_exporter_of_one_namespace_to_another(
    cluster: Cluster, tmp_path: Path, name: str
) -> None:
    shop = await cluster.create_namespace("shop")
    own = write(
        linked_deploy(tmp_path) / "own",
        namespace=shop,
        resources=[f"../deploy/overlays/{name}"],
    )

    await cluster.apply(own)

    objects = kustomized(own)
    assert {each["metadata"]["namespace"] for each in objects} == {shop}
    arguments = arguments_in_the_pod(container_of(objects), shop)
    source = parse_arguments(arguments).source
    assert isinstance(source, ClusterSource)
    assert source.namespaces == (shop,)
    token = await cluster.service_account_token(shop, "yuptime-exporter")
    await cluster.serves(f"/apis/monitoring.yuptime.io/v1/namespaces/{shop}/monitors", token=token)


def test_another_namespace_needs_one_folder_and_one_flag(tmp_path: Path) -> None:
    linked_deploy(tmp_path)
    write(
        tmp_path / "own" / "team-a",
        namespace="team-a",
        components=["../../deploy/components/watched-namespace"],
    )
    flag = [
        {
            "op": "add",
            "path": "/spec/template/spec/containers/0/args/-",
            "value": "--kubernetes.namespace=team-a",
        }
    ]
    own = write(
        tmp_path / "own",
        resources=["../deploy/overlays/namespaced", "team-a"],
        patches=[{"target": {"kind": "Deployment"}, "patch": yaml.safe_dump(flag)}],
    )

    objects = kustomized(own)

    places = [
        (each["metadata"]["namespace"], each["subjects"])
        for each in of_kind(objects, "RoleBinding")
        if each["metadata"]["name"] == "yuptime-exporter-monitors"
    ]
    subject = {"kind": "ServiceAccount", "name": "yuptime-exporter", "namespace": "yuptime"}
    assert sorted(places, key=str) == [("team-a", [subject]), ("yuptime", [subject])]
    arguments = arguments_in_the_pod(container_of(objects), "yuptime")
    source = parse_arguments(arguments).source
    assert isinstance(source, ClusterSource)
    assert source.namespaces == ("yuptime", "team-a")


def test_an_overlay_of_a_user_names_the_secrets_that_may_be_read(tmp_path: Path) -> None:
    """As the comment in deploy/components/secrets-get says."""
    names = [{"op": "replace", "path": "/rules/2/resourceNames", "value": ["my-push-token"]}]
    role = {"kind": "Role", "name": "yuptime-exporter-monitors"}
    own = write(
        linked_deploy(tmp_path) / "own",
        resources=["../deploy/overlays/least-privilege"],
        patches=[{"target": role, "patch": yaml.safe_dump(names)}],
    )

    rules = one(kustomized(own), "Role", "yuptime-exporter-monitors")["rules"]

    assert [rule for rule in rules if rule["resources"] == ["secrets"]] == [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "verbs": ["get"],
            "resourceNames": ["my-push-token"],
        }
    ]
