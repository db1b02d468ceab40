"""Releases of the chart in a real cluster: installed, upgraded, beside each other, and removed."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import randrange
from typing import Any

import pytest
import yaml

from tests.deploy.rendering import CHART, helm, helm_template, of_kind, one
from tests.deploy.test_applied import admitted
from tests.exporters import Home, exporter_here
from tests.peers.cluster import Cluster
from tests.peers.programs import Generation, require

pytestmark = pytest.mark.peer

FULL = Path(__file__).parent / "data" / "full-values.yaml"
KINDS = "deployment,service,serviceaccount,role,rolebinding,networkpolicy,configmap,pvc"


class Release:
    """A release of the chart in a namespace of a cluster."""

    def __init__(self, cluster: Cluster, namespace: str, name: str = "yuptime-exporter") -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.name = name

    def __call__(self, verb: str, *arguments: str | Path) -> str:
        """The output of a helm command that succeeds."""
        flags = (f"--namespace={self.namespace}", f"--kubeconfig={self.cluster.kubeconfig()}")
        ended = helm(*verb.split(), self.name, *arguments, *flags)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    async def names(self, kinds: str = KINDS) -> set[str]:
        """Kind and name of each object of this release."""
        labels = f"app.kubernetes.io/instance={self.name}"
        listed = await self.cluster.kubectl(
            "-n", self.namespace, "get", kinds, "-l", labels, "-o", "name"
        )
        return set(listed.split())


@asynccontextmanager
async def installed(
    cluster: Cluster,
    *values: str,
    namespace: str | None = None,
    name: str = "yuptime-exporter",
    chart: Path = CHART,
) -> AsyncIterator[Release]:
    """A release that is uninstalled at the end of the block, with its objects of the whole cluster."""
    release = Release(cluster, namespace or await cluster.create_namespace("chart"), name)
    release("install", chart, *values)
    try:
        yield release
    finally:
        release("uninstall", "--cascade=background", "--ignore-not-found")


async def numbered_namespace(cluster: Cluster) -> str:
    name = str(randrange(10**9, 10**10))  # noqa: S311  a name, no secret
    await cluster.kubectl("create", "namespace", name)
    return name


async def test_a_release_has_all_its_objects_and_leaves_only_the_volume_claim(
    cluster: Cluster,
) -> None:
    async with installed(cluster) as release:
        there = await release.names()
        assert len(there) == 9, there

    assert await release.names() == {"persistentvolumeclaim/yuptime-exporter"}
    assert not await deleted(release)
    # The next release takes over the claim and the stored pushes.
    async with installed(cluster, "--set=storage.keep=false", namespace=release.namespace):
        assert len(await release.names()) == 9
    # Its finalizer waits for a controller that this cluster does not have.
    assert await deleted(release)


async def deleted(release: Release) -> bool:
    """Whether the volume claim is on its way out."""
    return bool(
        await release.cluster.kubectl(
            *("-n", release.namespace, "get", "pvc", "--ignore-not-found"),
            *("-o", "jsonpath={.items[*].metadata.deletionTimestamp}"),
        )
    )


# juspay/hyperswitch-helm#78, meilisearch/meilisearch-kubernetes#15
@pytest.mark.parametrize("mode", ["watch", "get"])
async def test_the_notes_end_with_a_push_that_works(
    cluster: Cluster, tmp_path: Path, mode: str
) -> None:
    values = [f"--set=secrets.mode={mode}", "--set=secrets.names={first-push-token}"]
    async with installed(cluster, *values, name="heartbeat") as release:
        notes = release("get notes")
        if mode == "get":
            await release.cluster.kubectl(
                *("-n", release.namespace, "create", "secret", "generic", "first-push-token"),
                "--from-literal=token=of-somebody",
            )
        await shell(cluster, section(notes, "To try it"))
        # No node runs the pod, so another exporter is behind the port that is forwarded.
        forwarded = section(notes, "In a second terminal").split()
        service = one(
            [yaml.safe_load(await cluster.kubectl(*as_command(release, forwarded), "-o", "yaml"))],
            "Service",
            "heartbeat-yuptime-exporter-push",
        )
        assert forwarded[-1] == str(service["spec"]["ports"][0]["port"])
        home = Home(
            tmp_path, ["--push.listen-address=127.0.0.1:0"], kubeconfig=cluster.kubeconfig()
        )
        home.flags.append(f"--kubernetes.namespace={release.namespace}")
        async with exporter_here(home, clock=lambda: 1_700_000_000.0) as exporter:
            push = section(notes, "Then push").replace("http://localhost:10092", exporter.push_url)
            said = await shell(cluster, push)
            assert '"state":"up"' in said.replace(" ", ""), said
    assert notes.rstrip().endswith("-d status=up")


async def test_the_push_of_the_notes_uses_https_where_the_ports_serve_tls(cluster: Cluster) -> None:
    async with installed(cluster, "--set=webConfig.tlsSecretName=certificate") as release:
        push = section(release("get notes"), "Then push")

        # The certificate is not one for localhost.
        assert push.startswith("curl --insecure -X POST https://localhost:10092/api/push/")
        assert f"secret/{release.name}-web-config" in await release.names("secret")


def section(notes: str, beginning: str) -> str:
    """The commands below a line of the notes."""
    below = re.split(rf"^{beginning}.*\n", notes, flags=re.MULTILINE)[1]
    commands, *_ = re.split(r"\n\n(?=[A-Z])", below)
    return commands.strip()


def as_command(release: Release, forwarded: list[str]) -> list[str]:
    """How to get the service to which kubectl would forward a port."""
    kubectl, verb, option, namespace, service, _ = forwarded
    assert (kubectl, verb, option) == ("kubectl", "port-forward", "--namespace")
    assert namespace == release.namespace
    return ["--namespace", namespace, "get", service]


async def shell(cluster: Cluster, commands: str) -> str:
    folder = require("kubectl", Generation.NEWEST).parent
    process = await asyncio.create_subprocess_exec(
        *("sh", "-euc", commands),
        env={
            **os.environ,
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": str(cluster.kubeconfig()),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = await process.communicate()
    assert process.returncode == 0, f"{commands}: {complaints.decode()}"
    return printed.decode()


async def test_release_namespace_and_followed_namespace_may_all_be_numbers(
    cluster: Cluster,
) -> None:
    namespace = await numbered_namespace(cluster)
    followed = await numbered_namespace(cluster)
    values = ("--set-string", f"namespaces={{{namespace},{followed}}}")

    async with installed(cluster, *values, namespace=namespace, name="4711") as release:
        assert "deployment.apps/yuptime-exporter-4711" in await release.names()
        account = await cluster.service_account_token(namespace, "yuptime-exporter-4711")
        for place in (namespace, followed):
            await cluster.serves(
                f"/apis/monitoring.yuptime.io/v1/namespaces/{place}/monitors", token=account
            )


@pytest.mark.parametrize("scope", ["all namespaces", "one namespace"])
async def test_releases_of_the_same_name_in_two_namespaces_are_beside_each_other(
    cluster: Cluster, scope: str
) -> None:
    shared = await cluster.create_namespace("shared")
    values = ["--set=dashboards.enabled=true", f"--set=dashboards.namespace={shared}"]
    if scope == "one namespace":
        values.append(f"--set=namespaces={{{shared}}}")

    async with AsyncExitStack() as stack:
        one_of_them = await stack.enter_async_context(installed(cluster, *values))
        other = await stack.enter_async_context(installed(cluster, *values))
        for release in (one_of_them, other):
            token = await cluster.service_account_token(release.namespace, "yuptime-exporter")
            await cluster.serves(
                f"/apis/monitoring.yuptime.io/v1/namespaces/{shared}/monitors", token=token
            )
        boards = await cluster.kubectl("-n", shared, "get", "configmap", "-o", "name")
        assert len([board for board in boards.split() if "-dashboard." in board]) == 6


# argoproj/argo-helm#1114, cilium/cilium#18115
async def test_a_release_of_an_older_chart_is_upgraded_with_the_values_that_it_has(
    cluster: Cluster, tmp_path: Path
) -> None:
    """`helm upgrade --reuse-values` leaves the defaults of the newer chart out."""
    older = tmp_path / "older"
    shutil.copytree(CHART, older)
    known: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    for name in ("extraEnv", "extraVolumes", "extraVolumeMounts", "strategy", "global"):
        del known[name]
    for name in ("podSecurityContext", "securityContext", "openshift", "podAntiAffinity"):
        del known[name]
    del known["storage"]["keep"], known["serviceMonitor"]["namespace"], known["image"]["digest"]
    (older / "values.yaml").write_text(yaml.safe_dump(known))

    async with installed(cluster, "--set=config.limits.push_rate.burst=7", chart=older) as release:
        release("upgrade", CHART, "--reuse-values")

        now = tuple(yaml.safe_load_all(release("get manifest")))
        values = {"config": {"limits": {"push_rate": {"burst": 7}}}}
        assert now == helm_template(namespace=release.namespace, values=values)


async def test_an_upgrade_may_change_how_pods_are_replaced_and_back(cluster: Cluster) -> None:
    several = ("--set=storage.type=kubernetes", "--set=replicas=2")
    async with installed(cluster, *several) as release:
        for values in ([], several, ["--set=strategy.type=Recreate"]):
            release("upgrade", CHART, "--reset-values", *values)
            strategy = await release.cluster.kubectl(
                *("-n", release.namespace, "get", "deployment", "yuptime-exporter"),
                *("-o", "jsonpath={.spec.strategy.type}"),
            )
            assert strategy == ("RollingUpdate" if values is several else "Recreate")


async def test_every_value_is_one_that_the_api_server_takes(cluster: Cluster) -> None:
    namespace = await cluster.create_namespace("full")
    rendered = helm_template(
        f"--values={FULL}", f"--set=namespaces={{{namespace}}}", namespace=namespace
    )
    ours = [
        each
        for each in rendered
        if each["metadata"].get("namespace") == namespace
        and not each["apiVersion"].startswith("monitoring.coreos.com")
    ]
    assert len(ours) == len(rendered) - 2 - 3 - 1, "ServiceMonitor, rules, dashboards, definition"

    said = await cluster.kubectl(
        *("apply", "--server-side", "--validate=strict", "--dry-run=server", "-f", "-"),
        stdin=yaml.safe_dump_all(ours),
    )

    assert len(said.splitlines()) == len(ours)


async def test_entries_of_the_values_take_the_place_of_the_charts_and_nothing_is_there_twice(
    cluster: Cluster,
) -> None:
    values: dict[str, Any] = {
        "extraEnv": [{"name": "POD_NAME", "value": "fixed"}, {"name": "A", "value": "4711"}],
        "extraVolumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
        "extraVolumeMounts": [{"name": "tmp", "mountPath": "/tmp", "subPath": "a"}],  # noqa: S108
        "podLabels": {"app.kubernetes.io/name": "b", "app.kubernetes.io/version": "c"},
        "podAnnotations": {"kubectl.kubernetes.io/default-container": "d"},
    }
    namespace = await cluster.create_namespace("chart")
    deployment = one(helm_template(namespace=namespace, values=values), "Deployment")
    template = deployment["spec"]["template"]
    (main,) = template["spec"]["containers"]

    # A server-side apply refuses a list in which a name is there twice.
    await cluster.apply(deployment)

    assert [each["name"] for each in main["env"]] == ["POD_NAMESPACE", "POD_NAME", "A"]
    assert main["env"][1] == {"name": "POD_NAME", "value": "fixed"}
    assert [each["mountPath"] for each in main["volumeMounts"]][-1] == "/tmp"  # noqa: S108
    assert template["spec"]["volumes"][-1] == values["extraVolumes"][0]
    assert template["metadata"]["labels"]["app.kubernetes.io/version"] == "c"
    assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "yuptime-exporter"
    assert template["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] == "d"


OPENSHIFT = [
    {"openshift": True},
    {"podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None}},
]


@pytest.mark.parametrize("values", OPENSHIFT, ids=["openshift", "null"])
async def test_a_pod_without_a_user_of_its_own_is_as_restricted(
    cluster: Cluster, values: dict[str, Any]
) -> None:
    namespace = await cluster.create_namespace(
        "restricted", **{"pod-security.kubernetes.io/enforce": "restricted"}
    )
    (deployment,) = of_kind(helm_template(values=values), "Deployment")
    pod = deployment["spec"]["template"]["spec"]

    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert await admitted(cluster, namespace, pod) == (201, "")
