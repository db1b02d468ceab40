"""The objects that `kubectl apply -k` installs: valid, consistent, and from one source."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.deploy.definition import CHECKOUT, definition
from tests.deploy.rendering import (
    OLDEST_AND_NEWEST,
    OVERLAYS,
    Object,
    arguments_in_the_pod,
    container_of,
    names,
    of_kind,
    one,
    overlay,
    strict_problem,
)
from yuptime_exporter import __version__
from yuptime_exporter.settings.command_line import parse_arguments
from yuptime_exporter.settings.configuration import Configuration, load_configuration
from yuptime_exporter.settings.model import ClusterSource, Settings, SqliteStorage, StatusStorage

pytestmark = pytest.mark.peer  # kubectl

CLUSTER_SCOPED = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
NAMESPACED = ("namespaced", "least-privilege")

each_overlay = pytest.mark.parametrize("name", OVERLAYS)


def pod_template(name: str) -> Object:
    template: Object = one(overlay(name), "Deployment")["spec"]["template"]
    return template


def container(name: str) -> Object:
    return container_of(overlay(name))


def settings(name: str) -> Settings:
    return parse_arguments(arguments_in_the_pod(container(name), "yuptime"))


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return bool(selector) and selector.items() <= labels.items()


def test_there_is_an_overlay_for_each_way_to_run() -> None:
    assert OVERLAYS == ["cluster-wide", "ha", "least-privilege", "monitoring", "namespaced"]


@each_overlay
@pytest.mark.parametrize("version", OLDEST_AND_NEWEST)
def test_every_object_of_an_overlay_has_a_valid_form(name: str, version: str) -> None:
    problems = {
        f"{each['kind']}/{each['metadata']['name']}": strict_problem(each, version)
        for each in overlay(name)
    }

    assert {where: problem for where, problem in problems.items() if problem} == {}
    assert len(problems) == len(overlay(name)), "each object is there once"


@each_overlay
def test_every_object_of_an_overlay_has_the_label_of_the_exporter(name: str) -> None:
    for each in overlay(name):
        metadata = each["metadata"]
        assert metadata["labels"]["app.kubernetes.io/name"] == "yuptime-exporter", each
        if each["kind"] in CLUSTER_SCOPED:
            assert name not in NAMESPACED, "it needs no rights beyond its namespace"
            assert "namespace" not in metadata
        else:
            assert metadata["namespace"] == "yuptime", each


@each_overlay
def test_the_exporter_accepts_the_flags_and_the_configuration_of_an_overlay(
    name: str, tmp_path: Path
) -> None:
    given = settings(name)
    (config,) = [
        each for each in of_kind(overlay(name), "ConfigMap") if "config.yaml" in each["data"]
    ]
    (tmp_path / "config.yaml").write_text(config["data"]["config.yaml"])

    assert isinstance(given.source, ClusterSource)
    assert given.config_file == Path("/etc/yuptime/config.yaml")
    assert load_configuration(tmp_path / "config.yaml") == Configuration()
    assert given.source.namespaces == (("yuptime",) if name in NAMESPACED else ())
    assert given.source.secrets_mode == ("get" if name == "least-privilege" else "watch")
    database = SqliteStorage(Path("/var/lib/yuptime/yuptime.db"))
    assert given.source.storage == (StatusStorage() if name == "ha" else database)
    mounts = {mount["mountPath"] for mount in container(name)["volumeMounts"]}
    assert mounts == {"/etc/yuptime", "/tmp"} | (set() if name == "ha" else {"/var/lib/yuptime"})  # noqa: S108


@each_overlay
def test_the_ports_of_an_overlay_match_its_probes_and_services(name: str) -> None:
    given, pod = settings(name), container(name)
    ports = {port["name"]: port["containerPort"] for port in pod["ports"]}

    assert ports == {"http-web": 10091, "http-push": 10092}
    assert [address.port for address in given.listen_addresses] == [ports["http-web"]]
    assert [address.port for address in given.push_listen_addresses] == [ports["http-push"]]
    for probe, path in (("startup", "/livez"), ("liveness", "/livez"), ("readiness", "/readyz")):
        assert pod[f"{probe}Probe"]["httpGet"] == {"path": path, "port": "http-web"}
    exposed = {}
    labels = pod_template(name)["metadata"]["labels"]
    for service in of_kind(overlay(name), "Service"):
        assert selects(service["spec"]["selector"], labels)
        (port,) = service["spec"]["ports"]
        assert (port["name"], port["port"]) == (port["targetPort"], ports[port["targetPort"]])
        exposed[service["metadata"]["name"]] = port["name"]
    assert exposed == {"yuptime-exporter": "http-web", "yuptime-exporter-push": "http-push"}


@each_overlay
def test_the_network_policy_admits_connections_to_both_ports_only(name: str) -> None:
    policy = one(overlay(name), "NetworkPolicy")["spec"]

    assert selects(
        policy["podSelector"]["matchLabels"], pod_template(name)["metadata"]["labels"]
    ), "this pod, not all of the namespace"
    assert policy["policyTypes"] == ["Ingress"], "where Alertmanagers are is not known"
    (rule,) = policy["ingress"]
    assert {(port["protocol"], port["port"]) for port in rule["ports"]} == {
        ("TCP", "http-web"),
        ("TCP", "http-push"),
    }


@each_overlay
def test_the_pod_of_an_overlay_has_no_needless_rights(name: str) -> None:
    pod, main = pod_template(name)["spec"], container(name)

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert main["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert one(overlay(name), "ServiceAccount")["automountServiceAccountToken"] is False
    assert pod["automountServiceAccountToken"] is True
    assert pod["serviceAccountName"] == "yuptime-exporter"
    assert pod["enableServiceLinks"] is False
    assert pod["terminationGracePeriodSeconds"] == 30
    assert main["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}}
    assert main["resources"]["requests"]["memory"]
    assert main["resources"]["limits"]["memory"]
    fields = {one["name"]: one["valueFrom"]["fieldRef"]["fieldPath"] for one in main["env"]}
    assert fields == {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace"}


@each_overlay
def test_every_reference_in_an_overlay_has_a_target(name: str) -> None:
    objects = overlay(name)
    known = {(each["kind"], each["metadata"]["name"]) for each in objects}
    volumes = pod_template(name)["spec"]["volumes"]
    wanted = {("ConfigMap", one["configMap"]["name"]) for one in volumes if "configMap" in one}
    wanted |= {
        ("PersistentVolumeClaim", one["persistentVolumeClaim"]["claimName"])
        for one in volumes
        if "persistentVolumeClaim" in one
    }
    for binding in of_kind(objects, "RoleBinding", "ClusterRoleBinding"):
        wanted.add((binding["roleRef"]["kind"], binding["roleRef"]["name"]))
        for subject in binding["subjects"]:
            assert subject["namespace"] == "yuptime"
            wanted.add((subject["kind"], subject["name"]))

    assert wanted - known == set()
    assert {mount["name"] for mount in container(name)["volumeMounts"]} == {
        volume["name"] for volume in volumes
    }


@each_overlay
def test_the_role_allows_writing_the_lease_that_the_exporter_writes(name: str) -> None:
    create, write = one(overlay(name), "Role", "yuptime-exporter-lease")["rules"]

    assert (create["verbs"], "resourceNames" in create) == (["create"], False)
    assert write["resourceNames"] == ["yuptime-exporter"]
    source = settings(name).source
    assert isinstance(source, ClusterSource)
    assert source.lease is None, "the default, yuptime-exporter in the namespace of the pod"


def test_a_single_exporter_stops_before_its_successor_opens_the_database() -> None:
    deployment = one(overlay("cluster-wide"), "Deployment")["spec"]
    claim = one(overlay("cluster-wide"), "PersistentVolumeClaim")["spec"]

    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    assert claim["accessModes"] == ["ReadWriteOnce"]


def test_an_overlay_with_replicas_keeps_at_least_one_of_them() -> None:
    deployment = one(overlay("ha"), "Deployment")["spec"]
    budget = one(overlay("ha"), "PodDisruptionBudget")["spec"]
    labels = deployment["template"]["metadata"]["labels"]

    assert deployment["replicas"] == 2
    assert deployment["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }
    assert budget["maxUnavailable"] == 1
    assert selects(budget["selector"]["matchLabels"], labels)
    spread = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    for constraint in spread:
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
        assert selects(constraint["labelSelector"]["matchLabels"], labels)
    assert of_kind(overlay("ha"), "PersistentVolumeClaim") == []


def test_the_monitoring_overlay_ships_the_same_rules_and_dashboards_as_the_files() -> None:
    objects = overlay("monitoring")
    rules = yaml.safe_load((CHECKOUT / "alert-rules" / "yuptime.rules.yml").read_text())
    boards = {
        name: json.loads(text)
        for each in of_kind(objects, "ConfigMap")
        if each["metadata"]["labels"].get("grafana_dashboard") == "1"
        for name, text in each["data"].items()
    }

    assert one(objects, "PrometheusRule")["spec"] == rules
    assert boards == {
        path.name: json.loads(path.read_text())
        for path in (CHECKOUT / "dashboards").glob("yuptime-*.json")
    }
    assert len(boards) == 3


def test_prometheus_scrapes_the_web_service_and_honours_the_labels_of_monitors() -> None:
    objects = overlay("monitoring")
    scraped = one(objects, "ServiceMonitor")["spec"]
    (endpoint,) = scraped["endpoints"]
    chosen = [
        service["metadata"]["name"]
        for service in of_kind(objects, "Service")
        if selects(scraped["selector"]["matchLabels"], service["metadata"]["labels"])
    ]

    assert chosen == ["yuptime-exporter"]
    assert (endpoint["port"], endpoint["honorLabels"]) == ("http-web", True)
    example = yaml.safe_load(
        (CHECKOUT / "examples" / "prometheus" / "servicemonitor.yaml").read_text()
    )
    for key in ("relabelings", "metricRelabelings"):
        assert endpoint[key] == example["spec"]["endpoints"][0][key]


def test_the_components_for_monitoring_and_replicas_change_only_their_own_parts() -> None:
    plain = names(overlay("cluster-wide"))

    assert plain < names(overlay("monitoring"))
    assert plain - names(overlay("ha")) == {"PersistentVolumeClaim/yuptime/yuptime-exporter"}


def test_the_overlays_for_a_whole_cluster_contain_the_definition() -> None:
    assert one(overlay("cluster-wide"), "CustomResourceDefinition", CRD) == definition()
    assert (
        one(overlay("cluster-wide"), "Namespace", "yuptime")["metadata"]["labels"][
            "pod-security.kubernetes.io/enforce"
        ]
        == "restricted"
    )


def test_the_image_of_every_overlay_has_the_version_of_the_package() -> None:
    assert container("cluster-wide")["image"] == f"yuptime-exporter:{__version__}"


def test_a_changed_configuration_of_an_overlay_replaces_the_pod() -> None:
    volume = pod_template("cluster-wide")["spec"]["volumes"][0]

    assert re.fullmatch(r"yuptime-exporter-config-[a-z0-9]{10}", volume["configMap"]["name"])


CRD = "monitors.monitoring.yuptime.io"
