"""How values went wrong in charts of this kind, as their users report it, tried on this chart."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.rendering import (
    CHART,
    Object,
    container_of,
    helm,
    helm_refusal,
    helm_template,
    of_kind,
    one,
)
from yuptime_exporter.settings.configuration import load_configuration

pytestmark = pytest.mark.peer  # helm


LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def deployment(**values: Any) -> Object:
    return one(helm_template(values=values), "Deployment")


def pod(**values: Any) -> Object:
    spec: Object = deployment(**values)["spec"]["template"]["spec"]
    return spec


# cert-manager/approver-policy#389
def test_values_that_a_parent_shares_with_all_charts_are_accepted() -> None:
    shared = {"imageRegistry": "registry.example.com", "security": {"allowInsecureImages": True}}

    assert helm_template(values={"global": shared}) == helm_template()


# community-charts/helm-charts#416
def test_the_switch_of_a_parent_is_accepted() -> None:
    assert helm_template(values={"enabled": True}) == helm_template()


# kubernetes-sigs/headlamp#1896
def test_an_environment_variable_that_is_a_number_is_refused_with_its_place() -> None:
    said = helm_refusal(values={"extraEnv": [{"name": "PORT", "value": 443}]})

    assert "'/extraEnv/0/value': got number, want string" in said


# helm/helm#5768, dagster-io/dagster#7578
def test_a_tag_of_digits_is_pulled_as_it_was_written_or_refused() -> None:
    given = helm_template("--set-string=image.tag=45980468")

    assert container_of(given)["image"] == "yuptime-exporter:45980468"
    assert "'/image/tag': got number, want string" in helm_refusal("--set=image.tag=45980468")


# bitnami/charts#10798
def test_a_user_with_ten_digits_stays_a_whole_number() -> None:
    context = pod(podSecurityContext={"runAsUser": 1234567890})["securityContext"]

    assert context["runAsUser"] == 1234567890
    assert isinstance(context["runAsUser"], int)


# fleetdm/fleet#29460, trinodb/charts#181
def test_a_user_that_is_null_is_left_out_and_is_not_root() -> None:
    unset = {"runAsUser": None, "runAsGroup": None, "fsGroup": None}
    context = pod(podSecurityContext=unset)["securityContext"]

    assert set(unset).isdisjoint(context)
    assert context["runAsNonRoot"] is True


# cert-manager/google-cas-issuer#562, apache/dolphinscheduler#18340
def test_a_label_of_the_user_takes_the_place_of_the_one_of_the_chart() -> None:
    own = {"app.kubernetes.io/part-of": "shop", "helm.sh/chart": "shop-1"}
    values = {
        name: {"enabled": True, "labels": own}
        for name in ("serviceMonitor", "prometheusRule", "dashboards")
    }

    # Reading fails on a map with a key that is there twice.
    labelled = [
        each
        for each in helm_template(values=values)
        if own.items() <= each["metadata"]["labels"].items()
    ]

    assert len(labelled) == 5


# n8n-io/n8n-hosting#119, ngrok/ngrok-operator#556, apecloud/kubeblocks#10888,
# HolmesGPT/holmesgpt#1109, SeleniumHQ/docker-selenium#2006
def test_labels_of_pods_neither_break_the_selector_nor_become_part_of_it() -> None:
    labels = {"app.kubernetes.io/instance": "other", "team": "sre"}
    spec = deployment(podLabels=labels)["spec"]
    selector = spec["selector"]["matchLabels"]

    assert selector == deployment()["spec"]["selector"]["matchLabels"]
    assert selector.items() <= spec["template"]["metadata"]["labels"].items()
    assert spec["template"]["metadata"]["labels"]["team"] == "sre"


# cockroachdb/helm-charts#283, splunk/splunk-connect-for-kubernetes#619
@pytest.mark.parametrize("other", [("prod", "team-b"), ("preprod", "team-a")])
def test_no_two_releases_share_an_object_of_the_whole_cluster(other: tuple[str, str]) -> None:
    def of_the_cluster(release: str, namespace: str) -> set[tuple[str, str]]:
        rendered = helm_template(release=release, namespace=namespace)
        found = of_kind(rendered, "ClusterRole", "ClusterRoleBinding")
        return {(each["kind"], each["metadata"]["name"]) for each in found}

    assert len(of_the_cluster("prod", "team-a")) == 4
    assert of_the_cluster("prod", "team-a").isdisjoint(of_the_cluster(*other))


# apache/apisix-helm-chart#502, prometheus-community/helm-charts#1382
@pytest.mark.parametrize("namespace", ["", "yuptime", "monitoring"])
def test_a_service_monitor_looks_for_the_service_where_the_release_is(namespace: str) -> None:
    rendered = helm_template(values={"serviceMonitor": {"enabled": True, "namespace": namespace}})
    (found,) = of_kind(rendered, "ServiceMonitor")

    assert found["metadata"]["namespace"] == (namespace or "yuptime")
    elsewhere = {"matchNames": ["yuptime"]} if namespace == "monitoring" else None
    assert found["spec"].get("namespaceSelector") == elsewhere


# argoproj/argo-helm#3685, goharbor/harbor-helm#621, microbean/microbean-helm#211
@pytest.mark.parametrize("release", ["test.argocd", "v1.10.0", "34abfbaea5a54ce2a59223bc9efd3895"])
def test_a_release_with_dots_or_a_leading_digit_has_services(release: str) -> None:
    for each in of_kind(helm_template(release=release), "Service"):
        assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", each["metadata"]["name"])


# istio/istio#57523, timescale/tobs#11
def test_labels_of_a_long_release_of_a_long_version_are_labels(tmp_path: Any) -> None:
    version = "1.0.0-" + "a." * 21 + "b+build.1"
    packed = helm("package", CHART, f"--version={version}", f"--destination={tmp_path}")
    assert packed.returncode == 0, packed.stderr

    for each in helm_template(chart=next(tmp_path.iterdir()), release="r" * 53):
        for value in each["metadata"]["labels"].values():
            assert LABEL.fullmatch(value), value


# argoproj/argo-helm#1841
def test_an_ingress_may_have_a_wildcard_host() -> None:
    given = {"enabled": True, "host": "*.example.com", "tlsSecretName": "wildcard"}
    spec = one(helm_template(values={"ingress": given}), "Ingress", "yuptime-exporter-push")["spec"]

    assert spec["rules"][0]["host"] == "*.example.com"
    assert spec["tls"] == [{"hosts": ["*.example.com"], "secretName": "wildcard"}]


# helm/helm#31529, temporalio/helm-charts#863
def test_a_variable_of_the_user_takes_the_place_of_the_one_of_the_chart() -> None:
    found = pod(extraEnv=[{"name": "POD_NAMESPACE", "value": "shop"}])["containers"][0]["env"]

    assert [each["name"] for each in found] == ["POD_NAME", "POD_NAMESPACE"]
    assert found[1] == {"name": "POD_NAMESPACE", "value": "shop"}


# apache/doris-operator#401
@pytest.mark.parametrize("version", ["v1.33.1-gke.1386000", "v1.34.1-eks-3025e55", "v1.30.0+k3s1"])
def test_a_version_of_kubernetes_with_the_suffix_of_a_vendor_is_accepted(version: str) -> None:
    assert helm_template(f"--kube-version={version}")


# bitnami/charts#7532, helm/charts#11309
@pytest.mark.parametrize(
    "strategy", [{"type": "Recreate"}, {"type": "Recreate", "rollingUpdate": None}]
)
def test_a_strategy_without_overlap_has_no_settings_of_the_other(strategy: Object) -> None:
    several = {"replicas": 2, "storage": {"type": "kubernetes"}}

    assert deployment(**several, strategy=strategy)["spec"]["strategy"] == {"type": "Recreate"}


# open-metadata/openmetadata-helm-charts#221
@pytest.mark.parametrize("given", [0, 1, "50%"])
def test_a_disruption_budget_is_a_number_or_a_percentage_and_only_one_of_them(given: Any) -> None:
    rendered = helm_template(
        values={
            "replicas": 3,
            "storage": {"type": "kubernetes"},
            "podDisruptionBudget": {"maxUnavailable": given},
        }
    )

    budget = one(rendered, "PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], "minAvailable" in budget) == (given, False)
    assert "maxUnavailable" in helm_refusal("--set-string=podDisruptionBudget.maxUnavailable=1")


# bitnami/charts#2458, minio/minio#21297, seaweedfs/seaweedfs#6546
@pytest.mark.parametrize("shared", ["regcred", ["regcred"], [{"name": "regcred"}]], ids=str)
def test_a_secret_of_the_registry_is_shared_as_a_name_or_as_an_object(shared: Any) -> None:
    found = pod(imagePullSecrets=["own", "regcred"], **{"global": {"imagePullSecrets": shared}})

    assert found["imagePullSecrets"] == [{"name": "own"}, {"name": "regcred"}]


# fluent/helm-charts#109, fluxcd/helm-operator#522
def test_dashboards_of_two_releases_are_beside_each_other_in_the_namespace_of_grafana() -> None:
    values = {"dashboards": {"enabled": True, "namespace": "grafana"}}

    def boards(release: str, namespace: str) -> set[str]:
        rendered = helm_template(release=release, namespace=namespace, values=values)
        found = of_kind(rendered, "ConfigMap")
        return {
            each["metadata"]["name"] for each in found if each["metadata"]["namespace"] == "grafana"
        }

    all_of_them = [boards("a", "one"), boards("a", "two"), boards("b", "one")]
    assert [len(each) for each in all_of_them] == [3, 3, 3]
    assert len(set.union(*all_of_them)) == 9


# grafana/mimir#10029, helm/charts#13407, kestra-io/helm-charts#164
def test_a_flag_may_hold_json_and_flags_are_no_map() -> None:
    flag = '--log.fields={"team": "a", "level": 1}'

    assert pod(extraArgs=[flag])["containers"][0]["args"][-1] == flag
    assert "'/extraArgs'" in helm_refusal(values={"extraArgs": {"log.format": "json"}})


# prometheus-community/helm-charts#4831, prometheus-community/helm-charts#251
def test_labels_are_added_to_alerts_whose_texts_stay_for_prometheus_to_fill_in() -> None:
    added = {"cluster": "prod", "description": "{{ $labels.monitor }}"}
    rendered = helm_template(
        values={"prometheusRule": {"enabled": True, "additionalRuleLabels": added}}
    )
    groups = one(rendered, "PrometheusRule")["spec"]["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]

    assert all(added.items() <= alert["labels"].items() for alert in alerts)
    plain = one(helm_template("--set=prometheusRule.enabled=true"), "PrometheusRule")
    before = [rule for group in plain["spec"]["groups"] for rule in group["rules"]]
    annotations = [rule["annotations"] for rule in before if "alert" in rule]
    assert [alert["annotations"] for alert in alerts] == annotations
    assert "{{ $labels." in json.dumps(annotations)


# elastic/helm-charts#1048, open-telemetry/opentelemetry-helm-charts#644
def test_one_limit_is_removed_by_null_and_the_others_stay() -> None:
    limits = pod(resources={"limits": {"memory": None}})["containers"][0]["resources"]["limits"]

    assert limits == {"ephemeral-storage": "1Gi"}


# bokysan/docker-postfix#84, Azure/iotedge#1362
@pytest.mark.parametrize(
    ("given", "asked"),
    [("", {}), ("-", {"storageClassName": ""}), ("4", {"storageClassName": "4"})],
)
def test_a_volume_has_the_default_class_no_class_or_the_given_class(
    given: str, asked: Object
) -> None:
    rendered = helm_template(values={"storage": {"storageClassName": given}})
    spec = one(rendered, "PersistentVolumeClaim")["spec"]

    assert {key: value for key, value in spec.items() if key == "storageClassName"} == asked


# meilisearch/meilisearch-kubernetes#24, SchwarzIT/node-red-chart#227
@pytest.mark.parametrize(("keep", "policy"), [(True, "keep"), (False, None)])
def test_what_is_stored_outlives_the_release_unless_the_user_says_otherwise(
    policy: str | None, *, keep: bool
) -> None:
    rendered = helm_template(values={"storage": {"keep": keep}})
    metadata = one(rendered, "PersistentVolumeClaim")["metadata"]

    assert metadata.get("annotations", {}).get("helm.sh/resource-policy") == policy


# grafana-cold-storage/oncall#4355, argoproj/argo-cd#9582
def test_the_same_values_give_the_same_objects_each_time() -> None:
    everything = {
        name: {"enabled": True}
        for name in ("ingress", "serviceMonitor", "prometheusRule", "dashboards", "crds")
    }

    assert helm_template(values=everything) == helm_template(values=everything)


# helm/helm#7802, bitnami/charts#1808
@pytest.mark.parametrize("block", ["networkPolicy", "serviceMonitor", "ingress", "storage"])
def test_a_block_that_is_missing_is_no_nil_pointer(block: str) -> None:
    assert helm_template(f"--set={block}=null") == helm_template()


# helm/helm#7496, helm/helm#4194
def test_a_commit_that_looks_like_a_number_is_a_tag_or_refused() -> None:
    given = helm_template("--set-string=image.tag=00215e6")

    assert container_of(given)["image"] == "yuptime-exporter:00215e6"
    assert "'/image/tag': got number, want string" in helm_refusal(
        values={"image": {"tag": 0e1234}}
    )


# curie-eng/curie#1253, apache/incubator-heron#3635
def test_a_large_number_of_the_configuration_is_read_as_it_was_written(tmp_path: Path) -> None:
    rendered = helm_template(values={"config": {"limits": {"push_rate": {"burst": 4475970}}}})
    (text,) = (
        content
        for each in of_kind(rendered, "ConfigMap", "Secret")
        for content in (each.get("stringData") or each.get("data") or {}).values()
        if "push_rate" in content
    )
    (tmp_path / "config.yml").write_text(text)

    assert load_configuration(tmp_path / "config.yml").push_rate.burst == 4475970


# provectus/kafka-ui#2589, argoproj/argo-helm#1691
def test_a_tag_longer_than_a_label_may_be_makes_no_invalid_label() -> None:
    tag = "f0dca99cd191663a52b0d82f153f99b7c446cb34b837104a7d6e562a0343dcab"
    rendered = helm_template(f"--set-string=image.tag={tag}")

    labels = [each["metadata"].get("labels", {}) for each in rendered]
    labels.append(one(rendered, "Deployment")["spec"]["template"]["metadata"]["labels"])
    assert all(LABEL.fullmatch(value) for some in labels for value in some.values())
