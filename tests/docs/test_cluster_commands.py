"""The commands of the documents that need a cluster are executed against a real API server."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.docs.documents import CHECKOUT, Block, blocks
from tests.exporters import Home, exporter_process
from tests.peers.cluster import Cluster, connected, control_plane
from tests.peers.programs import Generation, require

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

LIMIT_SECONDS = 60.0

# Kinds of other projects; a cluster with these projects has the definitions.
OTHERS = {
    "monitoring.coreos.com": {
        "ServiceMonitor": "servicemonitors",
        "PrometheusRule": "prometheusrules",
    },
}


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


async def install_others(cluster: Cluster) -> None:
    for group, kinds in OTHERS.items():
        for kind, plural in kinds.items():
            await cluster.apply(definition(group, kind, plural))
            await cluster.kubectl("wait", "--for=condition=Established", f"crd/{plural}.{group}")


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
    programs = {
        str(require(program, Generation.NEWEST).parent)
        for program in ("kubectl", "helm")
        if re.search(rf"\b{program}\b", block.text)
    }
    process = await asyncio.create_subprocess_exec(
        *("sh", "-euc", block.text),
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
    assert process.returncode == 0, f"{block}: {printed.decode()}"
    return printed.decode()


def test_every_document_of_an_example_is_a_kubernetes_object() -> None:
    for path in (CHECKOUT / "examples" / "kubernetes").rglob("*.yaml"):
        for found in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            assert {"apiVersion", "kind", "metadata"} <= set(found), path
