"""The alert rules as files: complete, documented, and about metrics that exist."""

import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.all_metrics import page_of_all_metrics
from tests.rules.files import (
    ALERT_RULES,
    RULE_TESTS,
    RULES,
    RUNBOOKS,
    Rule,
    alerts,
    groups,
    rules,
    run,
)
from yuptime_exporter.core.alerting import RUNBOOK_URL
from yuptime_exporter.core.identity import ALERT_NAME, RESERVED_LABELS

RUNBOOK_BASE = "https://github.com/yuptime/yuptime-exporter/blob/main/docs/runbooks/"
RUNBOOK_HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]

each_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])


async def exposed_metrics(folder: Path) -> frozenset[str]:
    text = await page_of_all_metrics(folder)
    return frozenset(
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(text)
    )


def metrics_in(promql: str) -> frozenset[str]:
    """Return the names of the exporter's metrics; a recorded name has a colon."""
    return frozenset(re.findall(r"(?<![\w:])yuptime_\w+", promql))


def test_the_generated_prometheusrule_is_the_committed_one(tmp_path: Path):
    for name in ("generate.py", RULES.name):
        shutil.copy(ALERT_RULES / name, tmp_path)

    ended = run(sys.executable, tmp_path / "generate.py")

    assert ended.returncode == 0, ended.stdout
    generated = (tmp_path / "yuptime.prometheusrule.yaml").read_text()
    committed = (ALERT_RULES / "yuptime.prometheusrule.yaml").read_text()
    assert generated == committed, "run `make rules-generate`"


def test_the_operator_reads_the_same_rules_as_prometheus():
    resource = yaml.safe_load((ALERT_RULES / "yuptime.prometheusrule.yaml").read_text())

    assert (resource["apiVersion"], resource["kind"]) == (
        "monitoring.coreos.com/v1",
        "PrometheusRule",
    )
    assert resource["metadata"]["name"]
    assert resource["metadata"]["labels"]
    assert resource["spec"] == {"groups": groups()}


def test_the_alert_of_a_monitor_has_the_labels_of_the_monitor_only():
    alert = alert_named(ALERT_NAME)

    assert "labels" not in alert
    assert "for" not in alert
    assert RUNBOOK_URL in alert["annotations"]["runbook_url"]


def test_no_rule_drops_a_label_that_a_monitor_can_have():
    dropped = re.findall(r"without \(([^)]+)\)", alert_named(ALERT_NAME)["expr"])

    assert dropped
    for names in dropped:
        assert set(names.split(", ")) <= RESERVED_LABELS


def test_the_alert_of_a_monitor_is_in_the_group_of_the_series_that_it_reads():
    (group,) = [group for group in groups() if group["name"] == "yuptime-monitors"]

    assert [rule.get("record") or rule["alert"] for rule in group["rules"]] == [
        "namespace_monitor:yuptime_monitor_overdue_seconds:max",
        "namespace_monitor:yuptime_monitor_state",
        ALERT_NAME,
    ]


@pytest.mark.parametrize(
    "alert",
    [alert for alert in alerts() if alert["alert"] != ALERT_NAME],
    ids=lambda alert: alert["alert"],
)
def test_every_alert_about_the_exporter_has_a_severity(alert: Rule):
    assert set(alert["labels"]) == {"severity"}
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    summary = alert["annotations"]["summary"]
    assert re.fullmatch(r"[A-Za-z][^{}\n]*\.", summary), "static, with a full stop"


@each_alert
def test_every_alert_has_a_name_and_an_explanation(alert: Rule):
    annotations = alert["annotations"]

    assert re.fullmatch(r"Yuptime([A-Z][a-z]+)+", alert["alert"])
    assert set(annotations) - {"message", "page"} == {"summary", "description", "runbook_url"}
    assert annotations["description"].endswith((".", "{{- end }}"))
    assert "  " not in annotations["description"]


@each_alert
def test_every_alert_has_a_runbook(alert: Rule):
    name = alert["alert"]
    page = (RUNBOOKS / f"{name}.md").read_text()

    assert f"{RUNBOOK_BASE}{name}.md" in alert["annotations"]["runbook_url"]
    assert page.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == RUNBOOK_HEADINGS
    assert all(part.strip() for part in re.split(r"^## .+$", page, flags=re.MULTILINE))


def test_every_runbook_has_an_alert():
    pages = {page.stem for page in RUNBOOKS.glob("*.md")}

    assert pages == {alert["alert"] for alert in alerts()}


@each_alert
def test_every_alert_has_a_test_of_promtool(alert: Rule):
    tested = "".join(path.read_text() for path in RULE_TESTS)

    assert f"alertname: {alert['alert']}\n" in tested, "firing"
    assert re.search(rf"alertname: {alert['alert']}, .*exp_alerts: \[\]", tested), "silent"


async def test_the_rules_read_only_metrics_that_the_exporter_exposes(tmp_path: Path):
    used = frozenset[str]().union(*(metrics_in(rule["expr"]) for rule in rules()))

    assert len(used) > 10
    assert used - await exposed_metrics(tmp_path) == frozenset()


async def test_the_tests_of_rules_use_only_series_that_the_exporter_exposes(tmp_path: Path):
    scraped = frozenset[str]().union(*(metrics_in(path.read_text()) for path in RULE_TESTS))

    assert scraped - await exposed_metrics(tmp_path) == frozenset()


def alert_named(name: str) -> Rule:
    (alert,) = [alert for alert in alerts() if alert["alert"] == name]
    return alert
