"""The Helm chart: sound for all values, and equal to the overlays in substance."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.definition import CHECKOUT
from tests.deploy.rendering import (
    CHART,
    OLDEST_AND_NEWEST,
    Object,
    arguments_in_the_pod,
    container_of,
    helm,
    helm_refusal,
    helm_template,
    of_kind,
    one,
    overlay,
    strict_problem,
)
from yuptime_exporter import __version__
from yuptime_exporter.core.alerting import RUNBOOK_URL
from yuptime_exporter.settings.command_line import parse_arguments
from yuptime_exporter.settings.model import ClusterSource, LeaseName
from yuptime_exporter.settings.shapes import read_file
from yuptime_exporter.settings.web_shapes import WebFile

pytestmark = pytest.mark.peer  # helm

FULL = Path(__file__).parent / "data" / "full-values.yaml"
DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
BCRYPT = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
VALUES = {
    "default": [],
    "full": [f"--values={FULL}"],
}

# The values that make the chart equal to an overlay.
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

# Labels of the tool that made an object, and metadata that only one of the two tools needs: the chart
# has a checksum of the configuration and keeps the definition and the volume claim at its removal, and
# kustomize adds a hash to the ConfigMap's name.
OF_THE_TOOL = re.compile(
    r"app\.kubernetes\.io/(name|instance|part-of|version|managed-by)|helm\.sh/.*|checksum/config"
)

# An overlay has these objects once in a cluster, so their names need no release and no namespace.
NAME_OF_THE_OVERLAY = {
    "yuptime-exporter.yuptime": "yuptime-exporter",
    "yuptime-exporter-monitors-view.yuptime": "yuptime-monitors-view",
    "yuptime-exporter-monitors-edit.yuptime": "yuptime-monitors-edit",
    **{
        f"yuptime-exporter-{board}-dashboard": f"yuptime-{board}-dashboard"
        for board in ("overview", "monitor", "exporter")
    },
}


def in_substance(each: Object) -> Object:
    """An object without the marks of its tool."""
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
    for named in (metadata, each.get("roleRef", {})):
        named["name"] = NAME_OF_THE_OVERLAY.get(named.get("name", ""), named.get("name"))
    if "config.yaml" in each.get("data", {}):
        each["data"]["config.yaml"] = yaml.safe_load(each["data"]["config.yaml"])
    if each["kind"] == "Deployment":
        pod = each["spec"]["template"]["spec"]
        pod["volumes"][0]["configMap"]["name"] = _without_hash(
            pod["volumes"][0]["configMap"]["name"]
        )
        # The default of Kubernetes for an image with a tag.
        assert pod["containers"][0].pop("imagePullPolicy", "IfNotPresent") == "IfNotPresent"
        pod["containers"][0]["args"] = arguments_in_the_pod(pod["containers"][0], "yuptime")
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


def test_its_files_are_those_that_everybody_else_loads() -> None:
    files = {path for path in (CHART / "files").rglob("*") if path.is_file()}

    assert {path.relative_to(CHART / "files").as_posix(): path.resolve() for path in files} == {
        "cluster-label.json": CHECKOUT / "alert-rules" / "cluster-label.json",
        "monitors.yaml": CHECKOUT / "deploy" / "crd" / "monitors.yaml",
        "values.yaml": CHART / "values.yaml",
        "yuptime.rules.yml": CHECKOUT / "alert-rules" / "yuptime.rules.yml",
        **{
            f"dashboards/{path.name}": path
            for path in (CHECKOUT / "dashboards").glob("yuptime-*.json")
        },
    }


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
        "webConfig.existingSecret",  # instead of webConfig.config
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
        (["--set=enabled=false"], "condition: yuptime-exporter.enabled"),
        (["--set=strategy.type=RollingUpdate"], "a database has one owner"),
        (["--set=strategy.rollingUpdate.maxSurge=1"], "strategy"),
        (["--set=fullnameOverride=a.b"], "fullnameOverride"),
        (["--set=image.digest=1.2.3"], "image/digest"),
        (["--set=webConfig.config.tls_server_conf.a=b"], "webConfig/config"),
        (
            ["--set=webConfig.config.rate_limit.burst=1,webConfig.existingSecret=mine"],
            "expected config or existingSecret, got both",
        ),
        (["--set-string=podDisruptionBudget.maxUnavailable=1"], "maxUnavailable"),
        (["--set=prometheusRule.additionalRuleLabels.monitor=a"], "additionalRuleLabels"),
        (["--set=externalUrl=yuptime.example.com"], "externalUrl"),
        (["--set=externalUrl=https://user:secret@yuptime.example.com"], "externalUrl"),
        (["--set=runbookUrl=wiki/%s"], "runbookUrl"),
        (["--set=runbookUrl=https://wiki/%d"], "runbookUrl"),
        (["--set=serviceMonitor.interval=15"], "serviceMonitor/interval"),
        (["--set=serviceMonitor.scrapeTimeout=31s"], "at most the interval of 30s, got 31s"),
        (["--set=serviceMonitor.interval=1m,serviceMonitor.scrapeTimeout=1m1ms"], "got 1m1ms"),
        (["--set=serviceMonitor.interval=500ms,serviceMonitor.scrapeTimeout=1s"], "got 1s"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], said: str) -> None:
    assert said in helm_refusal(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set=serviceMonitor.interval=1m,serviceMonitor.scrapeTimeout=60s"],
        ["--set=serviceMonitor.interval=1h,serviceMonitor.scrapeTimeout=59m59s999ms"],
        ["--set=serviceMonitor.interval=,serviceMonitor.scrapeTimeout=1m"],
    ],
)
def test_a_scrape_may_take_as_long_as_the_interval(arguments: list[str]) -> None:
    helm_template("--set=serviceMonitor.enabled=true", *arguments)


def test_a_release_of_another_name_has_objects_rights_and_a_lease_of_its_own() -> None:
    objects = helm_template(f"--values={FULL}", namespace="watchers")
    pod = container_of(objects, "heartbeat-prod")
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


def test_it_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


@pytest.mark.parametrize(
    ("image", "pulled"),
    [
        ({}, f"yuptime-exporter:{__version__}"),
        ({"tag": "1.2"}, "yuptime-exporter:1.2"),
        ({"digest": DIGEST}, f"yuptime-exporter@{DIGEST}"),
        ({"tag": "1.2", "digest": DIGEST}, f"yuptime-exporter:1.2@{DIGEST}"),
        ({"tag": f"1.2@{DIGEST}"}, f"yuptime-exporter:1.2@{DIGEST}"),
    ],
)
def test_an_image_is_named_by_tag_by_digest_or_by_both(image: dict[str, str], pulled: str) -> None:
    assert container_of(helm_template(values={"image": image}))["image"] == pulled


def test_what_prometheus_and_grafana_read_may_be_in_namespaces_of_theirs() -> None:
    objects = helm_template(f"--values={FULL}", namespace="watchers")
    scraped = one(objects, "ServiceMonitor", "heartbeat-prod.watchers")
    rules = one(objects, "PrometheusRule", "heartbeat-prod.watchers")
    boards = [each for each in of_kind(objects, "ConfigMap") if "config.yaml" not in each["data"]]

    assert scraped["metadata"]["namespace"] == rules["metadata"]["namespace"] == "monitoring"
    assert scraped["spec"]["namespaceSelector"] == {"matchNames": ["watchers"]}
    assert scraped["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert rules["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert {each["metadata"]["namespace"] for each in boards} == {"grafana"}
    assert len(boards) == 3
    assert {each["metadata"]["labels"]["grafana_dashboard"] for each in boards} == {"true"}
    at_home = one(helm_template("--set=serviceMonitor.enabled=true"), "ServiceMonitor")
    assert "namespaceSelector" not in at_home["spec"]


def test_additional_labels_are_on_every_alert_and_on_nothing_else() -> None:
    added = {"cluster": "prod", "severity": "page"}
    arguments = {"prometheusRule": {"enabled": True, "additionalRuleLabels": added}}
    plain = one(helm_template("--set=prometheusRule.enabled=true"), "PrometheusRule")
    found = one(helm_template(values=arguments), "PrometheusRule")

    alerts = 0
    for group, group_before in zip(found["spec"]["groups"], plain["spec"]["groups"], strict=True):
        for rule, before in zip(group["rules"], group_before["rules"], strict=True):
            if "alert" in rule:
                alerts += 1
                assert rule.pop("labels") == {**before.pop("labels", {}), **added}
            assert rule == before
    assert alerts > 5


def test_alerts_of_both_paths_name_the_runbooks_of_a_given_address() -> None:
    values = {"prometheusRule": {"enabled": True}, "runbookUrl": "https://wiki.example.com/%s"}
    objects = helm_template(values=values)
    settings = parse_arguments(container_of(objects)["args"])
    plain = one(helm_template("--set=prometheusRule.enabled=true"), "PrometheusRule")

    assert settings.runbook_url == "https://wiki.example.com/YuptimeMonitorDown"
    rules = one(objects, "PrometheusRule")["spec"]["groups"]
    for group, group_before in zip(rules, plain["spec"]["groups"], strict=True):
        for rule, before in zip(group["rules"], group_before["rules"], strict=True):
            if "alert" in rule:
                found = rule["annotations"].pop("runbook_url")
                own = before["annotations"].pop("runbook_url")
                project = RUNBOOK_URL.replace("YuptimeMonitorDown", rule["alert"])
                assert found == own.replace(project, f"https://wiki.example.com/{rule['alert']}")
                assert found != own
            assert rule == before


def test_one_page_may_be_the_runbook_of_every_alert() -> None:
    values = {"runbookUrl": "https://wiki.example.com/a%20b"}

    settings = parse_arguments(container_of(helm_template(values=values))["args"])

    assert settings.runbook_url == "https://wiki.example.com/a%20b"


def test_the_address_of_a_runbook_is_no_template() -> None:
    assert "runbookUrl" in helm_refusal(values={"runbookUrl": "https://wiki/{{ $value }}"})


def web_file(objects: tuple[Object, ...], folder: Path) -> WebFile:
    """The file of --web.config.file in the chart's own Secret, as the exporter reads it."""
    secret = one(objects, "Secret", "yuptime-exporter-web-config")
    return read_file(yaml.safe_load(secret["stringData"]["web.yml"]), WebFile, folder=folder)


def probes_of(objects: tuple[Object, ...]) -> list[tuple[str, str]]:
    """The port and the scheme of each probe."""
    container = container_of(objects)
    gets = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")]
    return [(get["port"], get.get("scheme", "HTTP")) for get in gets]


def test_a_certificate_is_in_the_file_and_the_probes_and_the_scrape_use_https() -> None:
    authority = {"secret": {"name": "certificate", "key": "ca.crt"}}
    values = {
        "webConfig": {"tlsSecretName": "certificate"},
        "serviceMonitor": {"enabled": True, "tlsConfig": {"ca": authority}},
    }
    objects = helm_template(values=values)
    pod = one(objects, "Deployment")["spec"]["template"]["spec"]
    [endpoint] = one(objects, "ServiceMonitor")["spec"]["endpoints"]

    tls = web_file(objects, Path("/etc/yuptime-web")).tls_server_config

    assert tls is not None
    mounts = {each["mountPath"]: each["name"] for each in container_of(objects)["volumeMounts"]}
    secrets = {
        each["name"]: each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each
    }
    assert (str(tls.cert_file), str(tls.key_file)) == (
        "/etc/yuptime-tls/tls.crt",
        "/etc/yuptime-tls/tls.key",
    )
    assert secrets[mounts["/etc/yuptime-tls"]] == "certificate"
    assert secrets[mounts["/etc/yuptime-web"]] == "yuptime-exporter-web-config"
    settings = parse_arguments(container_of(objects)["args"])
    assert str(settings.web_config_file) == "/etc/yuptime-web/web.yml"
    assert probes_of(objects) == [("http-push", "HTTPS")] * 3
    assert endpoint["scheme"] == "https"
    name = "yuptime-exporter.yuptime.svc"
    assert endpoint["tlsConfig"] == {"ca": authority, "serverName": name}


def test_users_without_a_certificate_leave_the_scheme_at_http() -> None:
    user = {"name": "scrape", "key": "username"}
    values = {
        "webConfig": {"config": {"basic_auth_users": {"prometheus": BCRYPT}}},
        "serviceMonitor": {"enabled": True, "basicAuth": {"username": user}},
    }
    objects = helm_template(values=values)
    [endpoint] = one(objects, "ServiceMonitor")["spec"]["endpoints"]

    assert web_file(objects, Path("/etc/yuptime-web")).basic_auth_users == {"prometheus": BCRYPT}
    assert probes_of(objects) == [("http-push", "HTTP")] * 3
    assert endpoint["basicAuth"] == {"username": user}
    assert not {"scheme", "tlsConfig"} & set(endpoint)


def test_a_web_configuration_of_the_user_is_mounted_and_the_chart_makes_none() -> None:
    objects = helm_template(
        values={"webConfig": {"existingSecret": "a: b", "tlsSecretName": "tls"}}
    )
    volumes = one(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]

    assert of_kind(objects, "Secret") == []
    assert {"name": "web-config", "secret": {"secretName": "a: b"}} in volumes
    assert probes_of(objects) == [("http-push", "HTTPS")] * 3
    assert probes_of(helm_template()) == [("http-web", "HTTP")] * 3


def test_an_external_url_changes_links_and_no_path() -> None:
    values = {"externalUrl": "https://example.com/jobs"}

    settings = parse_arguments(container_of(helm_template(values=values))["args"])

    assert settings.external_url == "https://example.com/jobs"
    assert settings.route_prefix == ""


@pytest.mark.parametrize("preset", ["soft", "hard"])
def test_replicas_may_keep_apart_from_each_other(preset: str) -> None:
    values = {"replicas": 2, "storage": {"type": "kubernetes"}, "podAntiAffinity": preset}
    given: dict[str, Any] = {"podAntiAffinity": {"a": 1}, "nodeAffinity": {"b": 2}}

    def affinity(**more: object) -> Any:
        deployment = one(helm_template(values={**values, **more}), "Deployment")
        for each in ("1.30", "1.37"):
            assert more or strict_problem(deployment, each) is None
        return deployment["spec"]["template"]["spec"]["affinity"]

    (terms,) = affinity()["podAntiAffinity"].values()
    term = terms[0].get("podAffinityTerm", terms[0])
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "yuptime-exporter"
    assert affinity(affinity=given) == given
    assert set(affinity(affinity={"nodeAffinity": {}})) == {"nodeAffinity", "podAntiAffinity"}


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("yuptime-exporter", "yuptime-exporter"),
        ("prod", "prod-yuptime-exporter"),
        ("my-yuptime-exporter-2", "my-yuptime-exporter-2"),
        ("4711", "yuptime-exporter-4711"),
        ("4-yuptime-exporter", "yuptime-exporter-4-yuptime-exporter"),
        ("v1.10.0", "v1-10-0-yuptime-exporter"),
        ("a" * 51 + "-b", "a" * 51),
        ("a" * 53, "a" * 52),
    ],
)
def test_the_name_of_a_release_makes_names_that_services_may_have(release: str, name: str) -> None:
    objects = helm_template(release=release)

    names_of_services = {each["metadata"]["name"] for each in of_kind(objects, "Service")}
    assert names_of_services == {name, f"{name}-push"}
    for each in names_of_services:
        assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", each)
