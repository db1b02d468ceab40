"""CronJobs of Kubernetes in, their monitors and patches out.

The image of a job may lack every program that could report. So the patch moves the containers of the
job before a last container that reports: it runs only after they succeeded. A job that fails does
not report, and its monitor is down at its deadline.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.onboarding.monitors import SECRET_KEY, SECRET_NAME, ImportedJob

DEFAULT_IMAGE = "docker.io/curlimages/curl:8.11.1"

_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)")
_CONTAINERS = "/spec/jobTemplate/spec/template/spec/containers"
# Kubernetes refuses these fields of init containers.
_NOT_BEFORE_OTHERS = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")

_INIT_CONTAINERS = "/spec/jobTemplate/spec/template/spec/initContainers"


@dataclass(frozen=True, slots=True)
class ImportedCronJob:
    """A CronJob with its monitor and its patch (RFC 6902); no patch: it is changed by hand."""

    job: ImportedJob
    patch: str


@dataclass(frozen=True, slots=True)
class SkippedCronJob:
    """A CronJob without a monitor or without a patch, and why."""

    key: MonitorKey
    reason: str


def import_cronjobs(
    objects: Iterable[object], *, exporter_url: str, image: str = DEFAULT_IMAGE
) -> tuple[list[ImportedCronJob], list[SkippedCronJob]]:
    """Return a monitor and a patch for each CronJob among the objects.

    Args:
        objects: as `kubectl get cronjobs -o yaml` prints them.
        exporter_url: as the pods of the jobs reach it.
        image: of the container that reports; it needs curl.
    """
    imported: list[ImportedCronJob] = []
    skipped: list[SkippedCronJob] = []
    for one in _single(objects):
        if not (isinstance(one, dict) and one.get("kind") == "CronJob"):
            continue
        metadata = one.get("metadata") or {}
        key = MonitorKey(str(metadata.get("namespace") or "default"), str(metadata.get("name")))
        try:
            job = _job(key, one["spec"])
            patch, reason = _patch(key, one["spec"], exporter_url, image)
        except (LookupError, TypeError, AttributeError):
            skipped.append(SkippedCronJob(key, "expected the spec of a CronJob, got another"))
            continue
        if problem := job.problem():
            skipped.append(SkippedCronJob(key, problem))
            continue
        imported.append(ImportedCronJob(job, patch))
        if reason:
            skipped.append(SkippedCronJob(key, reason))
    return imported, skipped


def _single(objects: Iterable[object]) -> Iterator[object]:
    """Return the objects, with the items of a CronJobList one by one."""
    for one in objects:
        if isinstance(one, dict) and one.get("kind") == "CronJobList":
            items = one.get("items")
            for item in items if isinstance(items, list) else ():
                yield {"kind": "CronJob", **item} if isinstance(item, dict) else item
        else:
            yield one


def _job(key: MonitorKey, spec: Mapping[str, Any]) -> ImportedJob:
    expression, zone = str(spec["schedule"]).strip(), str(spec.get("timeZone") or "")
    if own := _ZONE.fullmatch(expression):
        zone, expression = own[1], own[2]
    limit = spec["jobTemplate"]["spec"].get("activeDeadlineSeconds")
    return ImportedJob(
        key,
        expression,
        zone,
        enabled=not spec.get("suspend", False),
        max_runtime_seconds=limit if isinstance(limit, int) and limit > 0 else None,
    )


def _patch(key: MonitorKey, spec: Mapping[str, Any], url: str, image: str) -> tuple[str, str]:
    """Return the patch, or an empty text and the reason why there is none."""
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    containers = pod["containers"]
    before = list(pod.get("initContainers") or [])
    if any(one.get("name") == "yuptime-report" for one in containers):
        return "", "reports already"
    if len(containers) != 1:
        return "", (
            f"has {len(containers)} containers, which cannot run one after the other: let the job "
            "push by itself"
        )
    unfit = [name for name in _NOT_BEFORE_OTHERS if name in containers[0]]
    if unfit:
        return "", (
            f"its container has {unfit[0]}, which a container that runs before another cannot have: "
            "let the job push by itself"
        )
    steps = [
        {"op": "add", "path": _INIT_CONTAINERS, "value": [*before, *containers]},
        {
            "op": "replace",
            "path": _CONTAINERS,
            "value": [_reporting(key, url, image, containers[0])],
        },
    ]
    return json.dumps(steps, indent=1) + "\n", ""


def _reporting(
    key: MonitorKey, url: str, image: str, job: Mapping[str, Any]
) -> Mapping[str, object]:
    """Return the container that reports.

    It may do and use what the container of the job may, so that rules and quotas of the namespace
    admit it. It always succeeds: a failure would make Kubernetes run the job again.
    """
    address = f"{url.rstrip('/')}/api/push/{key.namespace}/{key.name}"
    command = (
        'printf \'header = "Authorization: Bearer %s"\' "$YUPTIME_TOKEN" | '
        f"curl -fsS --retry 5 --retry-connrefused -K - -X POST '{address}' "
        "|| echo 'yuptime: not reported'"
    )
    token = {"secretKeyRef": {"name": SECRET_NAME, "key": SECRET_KEY}}
    return {
        "name": "yuptime-report",
        "image": image,
        "command": ["sh", "-c", command],
        "env": [{"name": "YUPTIME_TOKEN", "valueFrom": token}],
        **{name: job[name] for name in ("resources", "securityContext") if name in job},
    }
