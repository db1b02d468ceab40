"""The mixin has the shipped rules, changed only as configured."""

from tests.rules.files import groups
from tests.rules.mixin import mixin
from yuptime_exporter.core.alerting import RUNBOOK_URL
from yuptime_exporter.core.identity import ALERT_NAME


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
