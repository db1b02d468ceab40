"""The examples for users work unchanged with the tools of both generations, and fit together."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.peers.programs import Generation, require
from tests.rules.files import EXAMPLES, RULES, rules, run
from yuptime_exporter.settings.configuration import load_configuration

every_generation = pytest.mark.parametrize("generation", list(Generation))


def example(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text())


@pytest.mark.peer
@every_generation
def test_prometheus_accepts_its_example_with_the_rules_beside_it(
    generation: Generation, tmp_path: Path
):
    for path in (EXAMPLES / "prometheus.yml", RULES):
        shutil.copy(path, tmp_path)

    checked = run(require("promtool", generation), "check", "config", tmp_path / "prometheus.yml")

    assert checked.returncode == 0, checked.stdout
    assert f"{len(list(rules()))} rules found" in checked.stdout


@pytest.mark.peer
@every_generation
def test_alertmanager_accepts_its_example(generation: Generation):
    checked = run(require("amtool", generation), "check-config", EXAMPLES / "alertmanager.yml")

    assert checked.returncode == 0, checked.stdout


@pytest.mark.peer
@every_generation
@pytest.mark.parametrize(
    ("severity", "receiver"), [("critical", "pager"), ("warning", "tickets"), ("page", "tickets")]
)
def test_alertmanager_routes_an_alert_by_its_severity(
    severity: str, receiver: str, generation: Generation
):
    routed = run(
        require("amtool", generation),
        *("config", "routes", "test", f"--config.file={EXAMPLES / 'alertmanager.yml'}"),
        *("alertname=YuptimeMonitorDown", "namespace=prod", "monitor=backup"),
        f"severity={severity}",
    )

    assert routed.returncode == 0, routed.stdout
    assert routed.stdout.splitlines()[-1].strip() == receiver  # 0.25 warns before it answers


def test_the_alert_of_a_monitor_inhibits_no_alert_of_another():
    inhibit_rules = example("alertmanager.yml")["inhibit_rules"]

    assert inhibit_rules
    assert all({"alertname", "monitor"} <= set(rule["equal"]) for rule in inhibit_rules)


def test_every_example_of_a_scrape_honours_the_labels_of_monitors():
    (scrape,) = example("prometheus.yml")["scrape_configs"]
    (endpoint,) = example("servicemonitor.yaml")["spec"]["endpoints"]

    assert scrape["honor_labels"] is True
    assert endpoint["honorLabels"] is True


def test_the_servicemonitor_drops_the_labels_that_the_operator_adds():
    resource = example("servicemonitor.yaml")
    (endpoint,) = resource["spec"]["endpoints"]
    _, relabeling = endpoint["relabelings"]

    assert (resource["apiVersion"], resource["kind"]) == (
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
    )
    assert relabeling["action"] == "labeldrop"
    for label in ("container", "endpoint", "namespace", "pod", "service"):
        assert re.fullmatch(relabeling["regex"], label)
    for label in ("instance", "job", "__address__"):
        assert not re.fullmatch(relabeling["regex"], label)


def test_both_paths_add_the_same_external_labels():
    prometheus = example("prometheus.yml")
    (dropped,) = prometheus["alerting"]["alert_relabel_configs"]
    exporter = load_configuration(EXAMPLES / "yuptime-exporter.yml")

    assert dropped["action"] == "labeldrop"
    assert dict(exporter.alerting.defaults.external_labels) == {
        name: value
        for name, value in prometheus["global"]["external_labels"].items()
        if not re.fullmatch(dropped["regex"], name)
    }


def test_both_paths_use_the_same_alertmanagers():
    (alertmanagers,) = example("prometheus.yml")["alerting"]["alertmanagers"]
    (static,) = alertmanagers["static_configs"]
    exporter = load_configuration(EXAMPLES / "yuptime-exporter.yml")

    told = [endpoint.url.removeprefix("http://") for endpoint in exporter.alertmanagers]
    assert told == static["targets"]
