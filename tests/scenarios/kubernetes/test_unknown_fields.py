"""Fields that a Monitor of a real API server has, and that mean nothing."""

import pytest

from tests.manifests import monitor_yaml, secret_yaml
from tests.scenarios.kubernetes.stage import Stage

pytestmark = pytest.mark.peer


async def test_the_condition_and_the_log_name_unknown_fields_with_a_suggestion(
    stage: Stage,
) -> None:
    misspelt = monitor_yaml(namespace=stage.namespace).replace(
        "  type: push\n",
        "  type: push\n  enable: false\n  schedule: {interval: 60}\n  alerting: {lables: {team: db}}\n",
    )
    await stage.apply(misspelt, secret_yaml(namespace=stage.namespace))
    async with stage.exporter() as exporter:
        condition = await stage.condition("Valid", "True", "UnknownFields")
        pushed = await exporter.push()

    assert condition["message"] == (
        "The spec is active. Warnings: "
        "spec.alerting.lables: unknown field, ignored; did you mean labels?, "
        "spec.enable: unknown field, ignored; did you mean enabled?, "
        "spec.schedule.interval: unknown field, ignored; did you mean intervalSeconds?"
    )
    assert (pushed.status, pushed.json()["state"]) == (200, "up")


async def test_the_condition_is_as_before_once_the_field_is_corrected(stage: Stage) -> None:
    good = monitor_yaml(namespace=stage.namespace)
    await stage.apply(
        good.replace("  type: push\n", "  type: push\n  enable: true\n"),
        secret_yaml(namespace=stage.namespace),
    )
    async with stage.exporter():
        await stage.condition("Valid", "True", "UnknownFields")
        await stage.patch("backup", {"spec": {"enable": None}})
        condition = await stage.condition("Valid", "True", "SpecValid")

    assert condition["message"] == "The spec is active."
