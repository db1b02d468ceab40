"""CronJobs keep what they do, and report when they have done it."""

import json
from typing import Any

import pytest

from yuptime_exporter.onboarding.cronjobs import import_cronjobs

URL = "http://yuptime-exporter.monitoring:10092/"


def cronjob(name: str = "report", **spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "report", "image": "shop:1"}], "restartPolicy": "OnFailure"}
    whole = {
        "schedule": "30 2 * * *",
        "jobTemplate": {"spec": {"template": {"spec": pod}}},
        **spec,
    }
    return {"kind": "CronJob", "metadata": {"namespace": "shop", "name": name}, "spec": whole}


def applied(patch: str, value: dict[str, Any]) -> dict[str, Any]:
    pod = value["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    for step in json.loads(patch):
        pod[step["path"].rpartition("/")[2]] = step["value"]
    return dict(pod)


def test_a_cronjob_becomes_a_monitor_with_its_schedule_and_its_limit() -> None:
    one = cronjob(timeZone="Europe/Berlin", suspend=True)
    one["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] = 600

    ((found,), skipped) = import_cronjobs([one], exporter_url=URL)

    assert skipped == []
    spec: Any = found.job.monitor()["spec"]
    assert spec["schedule"] == {"cron": "30 2 * * *", "timeZone": "Europe/Berlin"}
    assert spec["enabled"] is False
    assert spec["target"]["push"]["maxRuntimeSeconds"] == 600


@pytest.mark.parametrize("prefix", ["TZ", "CRON_TZ"])
def test_a_zone_in_the_schedule_is_the_zone_of_the_monitor(prefix: str) -> None:
    one = cronjob(schedule=f"{prefix}=Asia/Tokyo 0 3 * * *")

    ((found,), _) = import_cronjobs([one], exporter_url=URL)

    assert (found.job.expression, found.job.zone) == ("0 3 * * *", "Asia/Tokyo")


def test_the_patched_job_runs_first_and_reports_after_it_succeeded() -> None:
    one = cronjob()
    pod = one["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    pod["initContainers"] = [{"name": "migrate", "image": "shop:1"}]

    ((found,), _) = import_cronjobs([one], exporter_url=URL)
    after = applied(found.patch, one)

    assert [each["name"] for each in after["initContainers"]] == ["migrate", "report"]
    (reporting,) = after["containers"]
    assert (
        "http://yuptime-exporter.monitoring:10092/api/push/shop/report" in reporting["command"][2]
    )
    assert reporting["env"][0]["valueFrom"]["secretKeyRef"] == {
        "name": "yuptime-token",
        "key": "token",
    }


def test_a_job_with_several_containers_gets_a_monitor_and_no_patch() -> None:
    one = cronjob()
    one["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"] *= 2

    ((found,), (skipped,)) = import_cronjobs([one], exporter_url=URL)

    assert found.patch == ""
    assert "2 containers" in skipped.reason


def test_a_job_that_was_patched_is_not_patched_again() -> None:
    one = cronjob()
    ((found,), _) = import_cronjobs([one], exporter_url=URL)
    one["spec"]["jobTemplate"]["spec"]["template"]["spec"] = applied(found.patch, one)

    ((again,), (skipped,)) = import_cronjobs([one], exporter_url=URL)

    assert (again.patch, skipped.reason) == ("", "reports already")


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "CronJob", "metadata": {"name": "a"}},
        {"kind": "CronJob", "metadata": {"name": "a"}, "spec": None},
        {"kind": "CronJob", "metadata": {"name": "a"}, "spec": {"schedule": "x"}},
    ],
)
def test_a_cronjob_that_cannot_be_read_is_named_and_costs_no_other(broken: Any) -> None:
    found, skipped = import_cronjobs([broken, cronjob()], exporter_url=URL)

    assert [str(one.job.key) for one in found] == ["shop/report"]
    assert [str(one.key) for one in skipped] == ["default/a"]


def test_other_objects_are_ignored() -> None:
    assert import_cronjobs([{"kind": "Job"}, None, 3], exporter_url=URL) == ([], [])
