"""The examples for clusters work as their comments say."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.definition import CHECKOUT
from tests.deploy.rendering import (
    OLDEST_AND_NEWEST,
    Object,
    helm_template,
    one,
    overlay,
    strict_problem,
)
from tests.exporters import Home, Process, exporter_process
from tests.waiting import LIMIT_SECONDS
from yuptime_exporter.resource.objects import Declared
from yuptime_exporter.sources.manifests.manifest import read_manifest

EXAMPLES = CHECKOUT / "examples" / "kubernetes"
TOKEN = "a-token-of-the-job"


def documents(name: str) -> list[Object]:
    return list(yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8")))


def job_container() -> Object:
    job = one(documents("cronjob.yaml"), "CronJob", "nightly-dump")["spec"]["jobTemplate"]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    found: Object = container
    return found


@pytest.mark.parametrize("version", OLDEST_AND_NEWEST)
@pytest.mark.parametrize("name", ["cronjob.yaml", "ingress.yaml", "gitops/argocd-cm.yaml"])
def test_every_object_of_an_example_has_a_valid_form(name: str, version: str) -> None:
    assert [problem for each in documents(name) if (problem := strict_problem(each, version))] == []


def test_the_monitor_of_the_example_job_is_valid() -> None:
    manifest = read_manifest((EXAMPLES / "cronjob.yaml").read_bytes(), "cronjob.yaml")

    assert (manifest.problems, manifest.warnings) == ((), ())
    assert [type(one) for one in manifest.declared] == [Declared, Declared]
    secret = one(documents("cronjob.yaml"), "Secret", "nightly-dump-push")
    (token,) = [each for each in job_container()["env"] if each["name"] == "PUSH_TOKEN"]
    wanted = token["valueFrom"]["secretKeyRef"]
    assert wanted["name"] == secret["metadata"]["name"]
    assert wanted["key"] in secret["stringData"]


@pytest.mark.peer  # starts a process
@pytest.mark.parametrize(
    ("dump", "code", "status", "message"),
    [
        ("echo copying; echo 42 MB in 3 s", 0, "up", "42 MB in 3 s"),
        ("echo no space left >&2; exit 7", 1, "down", "exit code 7: no space left"),
    ],
)
async def test_the_example_job_reports_success_and_failure(
    tmp_path: Path, dump: str, code: int, status: str, message: str
) -> None:
    home = Home(tmp_path)
    text = (EXAMPLES / "cronjob.yaml").read_text()
    secret = one(documents("cronjob.yaml"), "Secret", "nightly-dump-push")
    home.declare(text.replace(secret["stringData"]["token"], TOKEN))
    async with exporter_process(home) as exporter:
        ended = await run_job(tmp_path, exporter, dump)

        metrics = (await exporter.request("GET", "/metrics")).body.decode()
        page = (await exporter.request("GET", "/monitors/shop/nightly-dump")).body.decode()
    labels = '{monitor="nightly-dump",namespace="shop"}'
    assert ended == code
    assert f"yuptime_monitor_pushes_total{labels} 1.0" in metrics
    assert f"yuptime_monitor_up{labels} {float(status == 'up')}" in metrics
    assert message in page


async def run_job(folder: Path, exporter: Process, dump: str) -> int | None:
    """Run the container's command with a replaced dump program."""
    program = folder / "dump"
    program.write_text(f"#!/bin/sh\n{dump}\n")
    program.chmod(0o755)
    container = job_container()
    (script,) = container["args"]
    (url,) = [each["value"] for each in container["env"] if each["name"] == "PUSH_URL"]
    path = url.partition(".svc:10092")[2]
    assert path == "/api/push/shop/nightly-dump"
    process = await asyncio.create_subprocess_exec(
        *container["command"],
        script.replace("/usr/local/bin/dump", str(program)),
        env={**os.environ, "PUSH_TOKEN": TOKEN, "PUSH_URL": exporter.url + path},
        stdout=asyncio.subprocess.DEVNULL,
    )
    return await asyncio.wait_for(process.wait(), LIMIT_SECONDS)


@pytest.mark.peer
def test_the_example_job_pushes_to_a_service_that_exists() -> None:
    (url,) = [each["value"] for each in job_container()["env"] if each["name"] == "PUSH_URL"]
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    name, namespace, _ = host.split(".")
    service = one(overlay("cluster-wide"), "Service", name)

    assert service["metadata"]["namespace"] == namespace
    assert [str(each["port"]) for each in service["spec"]["ports"]] == [port]


@pytest.mark.peer
def test_the_example_ingress_equals_that_of_the_chart() -> None:
    (ours,) = documents("ingress.yaml")
    values = ("--set=ingress.enabled=true", "--set=ingress.className=nginx",
              "--set=ingress.tlsSecretName=push-example-com-tls")  # fmt: skip
    charts = one(helm_template(*values), "Ingress", "yuptime-exporter-push")

    assert ours["spec"] == charts["spec"]


def test_the_example_for_argo_cd_ignores_statuses() -> None:
    (settings,) = documents("gitops/argocd-cm.yaml")
    data: dict[str, Any] = settings["data"]
    ignored = data["resource.customizations.ignoreResourceUpdates.monitoring.yuptime.io_Monitor"]

    assert yaml.safe_load(ignored) == {"jsonPointers": ["/status"]}
    assert data["resource.ignoreResourceUpdatesEnabled"] == "true"
