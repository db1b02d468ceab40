"""The patches of `yuptime import cronjobs`, applied to a real API server."""

import json
from typing import Any

import pytest

from tests.scenarios.kubernetes.stage import JSON_PATCH, Stage
from yuptime_exporter.onboarding.cronjobs import import_cronjobs

pytestmark = pytest.mark.peer

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def cronjob(namespace: str, **container: Any) -> dict[str, Any]:
    job = {"name": "report", "image": "shop:1", **container}
    pod = {"containers": [job], "restartPolicy": "OnFailure"}
    spec = {
        "schedule": "30 2 * * *",
        "jobTemplate": {"spec": {"template": {"spec": pod}}},
    }
    metadata = {"namespace": namespace, "name": "report"}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    return dict(job["spec"]["jobTemplate"]["spec"]["template"]["spec"])


async def patched(stage: Stage, job: dict[str, Any], patch: object) -> tuple[int, dict[str, Any]]:
    """Create a CronJob, and patch it as patch.sh does."""
    path = f"/apis/batch/v1/namespaces/{stage.namespace}/cronjobs"
    status, created = await stage.cluster.request("POST", path, job)
    assert status == 201, created
    status, answer = await stage.cluster.request(
        "PATCH", f"{path}/report", patch, content_type=JSON_PATCH
    )
    return status, dict(answer)


async def test_a_patched_cronjob_is_accepted_and_admitted_as_the_job_was(stage: Stage) -> None:
    resources = {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}
    job = cronjob(stage.namespace, resources=resources, securityContext=RESTRICTED)
    ((found,), _) = import_cronjobs([job], exporter_url="http://exporter:10092")

    status, answer = await patched(stage, job, json.loads(found.patch))

    assert status == 200, answer
    pod = pod_of(answer)
    assert [one["name"] for one in pod["initContainers"]] == ["report"]
    (reporting,) = pod["containers"]
    assert (reporting["resources"], reporting["securityContext"]) == (resources, RESTRICTED)
    again, _ = import_cronjobs([answer], exporter_url="http://exporter:10092")
    assert again[0].patch == ""


async def test_an_api_server_refuses_the_fields_for_which_no_patch_is_made(stage: Stage) -> None:
    """So the rule stands on what Kubernetes does, and not on its documentation alone."""
    probe = {"exec": {"command": ["true"]}}
    job = cronjob(stage.namespace, livenessProbe=probe)
    ((without,), (skipped,)) = import_cronjobs([job], exporter_url="http://exporter:10092")
    plain = cronjob(stage.namespace)
    ((found,), _) = import_cronjobs([plain], exporter_url="http://exporter:10092")
    steps = json.loads(found.patch)
    steps[0]["value"][0]["livenessProbe"] = probe

    status, answer = await patched(stage, job, steps)

    assert (without.patch, "livenessProbe" in skipped.reason) == ("", True)
    assert status == 422
    assert "livenessProbe: Forbidden" in answer["message"]
