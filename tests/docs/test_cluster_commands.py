"""The commands of the documents that need a cluster are executed against a real API server."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.docs.documents import CHECKOUT, Block, blocks, documents, without_blocks
from tests.exporters import Home, exporter_process
from tests.manifests import monitor_yaml
from tests.peers.cluster import Cluster, connected, control_plane
from tests.peers.programs import Generation, require

pytestmark = pytest.mark.peer

LIMIT_SECONDS = 60.0

# Kinds of other projects; a cluster with these projects has the definitions.
OTHERS = {
    "monitoring.coreos.com": {
        "PodMonitor": "podmonitors",
        "Prometheus": "prometheuses",
        "ServiceMonitor": "servicemonitors",
        "PrometheusRule": "prometheusrules",
    },
}

_IN_PROSE = re.compile(r"`(kubectl [^`\n]+)`")

# The parts of commands that stand for something of the reader's.
PLACEHOLDERS = {
    "NAMESPACE": "yuptime",
    "NAME": "backup-job",
    "FILE": "alert-rules/yuptime.prometheusrule.yaml",
}

# It adds what the original definition lacks; tests/deploy/test_crd_of_yuptime.py applies it there.
OF_THE_ORIGINAL_DEFINITION = {
    (
        "kubectl patch crd monitors.monitoring.yuptime.io --type=json "
        "--patch-file deploy/crd/push-fields.yaml"
    )
}

# Commands that the prose names without their arguments.
NAMED_ONLY = {"kubectl apply -k", "kubectl explain"}

# An API server alone runs no pods: of these commands the object is read, which must exist.
NEEDS_PODS = re.compile(
    r"kubectl (?P<namespace>-n \S+) (?:logs|port-forward|exec|rollout (?:status|undo))"
    r" (?P<object>[\w/-]+)"
)


def commands_in_prose() -> list[str]:
    """The commands of all runbooks and documents, each once; those that delete come last."""
    found = {
        command
        for document in documents()
        for command in _IN_PROSE.findall(without_blocks(document))
    }
    found -= NAMED_ONLY | OF_THE_ORIGINAL_DEFINITION
    return sorted(found, key=lambda command: (" delete " in command, command))


def for_the_reader(command: str) -> str:
    """Return a command with names for its placeholders, as an API server alone can execute it."""
    for placeholder, name in PLACEHOLDERS.items():
        command = re.sub(rf"\b{placeholder}\b", name, command)
    if needs := NEEDS_PODS.match(command):
        return f"kubectl {needs['namespace']} get {needs['object']}"
    return command


def in_a_cluster(document: str) -> list[Block]:
    return [
        block for block in blocks("sh") if "cluster" in block.tags and block.document == document
    ]


@pytest.mark.parametrize("document", ["docs/kubernetes.md", "docs/migration.md", "README.md"])
async def test_every_command_for_a_cluster_succeeds_in_the_order_of_the_document(
    document: str, tmp_path: Path
) -> None:
    desk = tmp_path / "desk"
    for folder in ("deploy", "alert-rules", "dashboards", "examples"):
        shutil.copytree(CHECKOUT / folder, desk / folder)
    with control_plane(tmp_path / "plane") as plane:
        async with connected(plane, tmp_path / "cluster") as cluster:
            await install_others(cluster)
            first, *rest = in_a_cluster(document)
            await run(first, desk, cluster)  # installs the definition, without which none is ready
            async with exporter_process(Home(tmp_path, kubeconfig=cluster.kubeconfig())):
                for block in rest:
                    await run(block, desk, cluster)


async def test_every_command_in_prose_succeeds_where_the_exporter_is_deployed(
    tmp_path: Path,
) -> None:
    desk = tmp_path / "desk"
    for folder in ("deploy", "alert-rules", "dashboards"):
        shutil.copytree(CHECKOUT / folder, desk / folder)
    failures = []
    with control_plane(tmp_path / "plane") as plane:
        async with connected(plane, tmp_path / "cluster") as cluster:
            await install_others(cluster)
            await cluster.install_crd(desk / "deploy" / "crd" / "monitors.yaml")
            await cluster.apply(desk / "deploy" / "overlays" / "cluster-wide")
            await cluster.apply(NAMESPACE_OF_PROMETHEUS, *objects_of_the_reader())
            for command in commands_in_prose():
                try:
                    await execute(for_the_reader(command), desk, cluster)
                except AssertionError as error:
                    failures.append(f"{command}: {error}")

    assert not failures, "\n".join(failures)


NAMESPACE_OF_PROMETHEUS = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "monitoring"},
}


def objects_of_the_reader() -> list[dict[str, object]]:
    """A pod and monitors with the name that stands for one of the reader's."""
    name = PLACEHOLDERS["NAME"]
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "yuptime"},
        "spec": {
            "serviceAccountName": "yuptime-exporter",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "exporter", "image": "x", "securityContext": restricted}],
        },
    }
    monitors: list[dict[str, object]] = [
        yaml.safe_load(monitor_yaml(name, namespace=namespace))
        for namespace in ("yuptime", "default")
    ]
    return [pod, *monitors]


async def install_others(cluster: Cluster) -> None:
    for group, kinds in OTHERS.items():
        for kind, plural in kinds.items():
            await cluster.apply(definition(group, kind, plural))
            await cluster.serves(f"/apis/{group}/v1/{plural}")


def definition(group: str, kind: str, plural: str) -> dict[str, object]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


async def run(block: Block, desk: Path, cluster: Cluster) -> str:
    """Run the commands; a failure is an AssertionError."""
    return await execute(block.text, desk, cluster, where=str(block))


async def execute(commands: str, desk: Path, cluster: Cluster, *, where: str = "") -> str:
    """Run commands in the folder of a checkout; a failure is an AssertionError."""
    programs = {
        str(require(program, Generation.NEWEST).parent)
        for program in ("kubectl", "helm")
        if re.search(rf"\b{program}\b", commands)
    }
    process = await asyncio.create_subprocess_exec(
        *("sh", "-euc", commands),
        cwd=desk,
        env={
            **os.environ,
            "PATH": os.pathsep.join([*sorted(programs), os.environ["PATH"]]),
            "KUBECONFIG": str(cluster.kubeconfig()),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), LIMIT_SECONDS)
    assert process.returncode == 0, f"{where}: {printed.decode()}"
    return printed.decode()


def test_every_document_of_an_example_is_a_kubernetes_object() -> None:
    for path in (CHECKOUT / "examples" / "kubernetes").rglob("*.yaml"):
        for found in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            assert {"apiVersion", "kind", "metadata"} <= set(found), path
