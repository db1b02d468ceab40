"""The mixin, as Jsonnet evaluates it."""

import json
from typing import Any

import _gojsonnet  # type: ignore[import-not-found]

from tests.rules.files import ALERT_RULES, groups
from yuptime_exporter.core.alerting import RUNBOOK_URL
from yuptime_exporter.core.identity import ALERT_NAME


def mixin(**config: str) -> Any:
    """Return the mixin with this configuration, as Jsonnet makes it."""
    code = f"""
        local mixin = (import 'mixin.libsonnet') + {{ _config+:: {json.dumps(config)} }};
        {{ groups: mixin.prometheusAlerts.groups, boards: mixin.grafanaDashboards }}"""
    return json.loads(_gojsonnet.evaluate_snippet(str(ALERT_RULES / "snippet"), code))


def test_the_mixin_has_the_rules_that_prometheus_reads():
    assert mixin()["groups"] == groups()


def test_the_mixin_names_the_runbooks_of_a_given_address():
    given = mixin(runbookURLPattern="https://wiki.example.com/%s#do")["groups"]

    for group, own_group in zip(given, groups(), strict=True):
        for rule, own in zip(group["rules"], own_group["rules"], strict=True):
            if "alert" in rule:
                found = rule["annotations"].pop("runbook_url")
                before = own["annotations"].pop("runbook_url")
                project = RUNBOOK_URL.replace(ALERT_NAME, rule["alert"])
                assert found == before.replace(
                    project, f"https://wiki.example.com/{rule['alert']}#do"
                )
                assert found != before
            assert rule == own
