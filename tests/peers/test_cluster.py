"""The control plane that tests talk to is a real one, and leaves nothing behind."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.cluster import Cluster, connected, control_plane
from tests.peers.test_peers import CHECKOUT
from tests.waiting import eventually

pytestmark = pytest.mark.peer

MONITORS = "/apis/monitoring.yuptime.io/v1/monitors"
STARTS_AND_IS_KILLED = """
import os, pathlib, signal
from tests.peers.cluster import control_plane

with control_plane(pathlib.Path("plane").absolute()) as plane:
    print(plane.etcd.pid, plane.server.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_the_definition_of_monitors_is_served(cluster: Cluster) -> None:
    status, answer = await cluster.request("GET", MONITORS)

    assert (status, answer["kind"]) == (200, "MonitorList")


async def test_a_service_account_may_do_what_its_roles_allow_and_nothing_else(
    cluster: Cluster,
) -> None:
    namespace = await cluster.create_namespace()
    token = await cluster.service_account_token(namespace, "reader")
    await cluster.kubectl("-n", namespace, "create", "role", "r", "--verb=list", "--resource=pods")
    await cluster.kubectl(
        "-n", namespace, "create", "rolebinding", "r", "--role=r",
        f"--serviceaccount={namespace}:reader",
    )  # fmt: skip

    async def lists(what: str) -> int:
        path = f"/api/v1/namespaces/{namespace}/{what}"
        return (await cluster.request("GET", path, token=token))[0]

    assert await eventually(lambda: lists("pods"), lambda status: status != 403) == 200
    assert await lists("secrets") == 403


async def test_kubectl_says_why_it_failed(cluster: Cluster) -> None:
    with pytest.raises(AssertionError, match="NotFound"):
        await cluster.kubectl("get", "namespace", "nowhere")


async def test_a_server_that_was_stopped_comes_back_with_its_data(own_cluster: Cluster) -> None:
    assert own_cluster.plane is not None
    namespace = await own_cluster.create_namespace()
    await asyncio.to_thread(own_cluster.plane.stop_api_server)
    with pytest.raises(OSError, match="Connect"):
        await own_cluster.request("GET", MONITORS)
    await asyncio.to_thread(own_cluster.plane.start_api_server)

    status, _ = await own_cluster.request("GET", f"/api/v1/namespaces/{namespace}")
    assert status == 200


async def test_a_watch_from_before_a_compaction_is_told_that_it_expired(tmp_path: Path) -> None:
    with control_plane(tmp_path / "plane", watch_cache=False) as plane:
        async with connected(plane, tmp_path / "cluster") as cluster:
            _, before = await cluster.request("GET", "/api/v1/namespaces")
            for _ in range(3):
                await cluster.create_namespace()
            await asyncio.to_thread(plane.compact)

            query = {
                "watch": "true",
                "resourceVersion": before["metadata"]["resourceVersion"],
                "timeoutSeconds": "5",
            }
            status, answer = await cluster.request("GET", "/api/v1/namespaces", query=query)

    code = status if status != 200 else answer["object"]["code"]
    assert code == 410


def test_nothing_is_left_of_a_run_that_was_killed(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", STARTS_AND_IS_KILLED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        check=False,
    )
    started = [int(text) for text in run.stdout.split()]

    async def alive() -> list[int]:
        return [process for process in started if Path(f"/proc/{process}/cmdline").exists()]

    assert len(started) == 2
    assert asyncio.run(eventually(alive, lambda left: not left)) == []


async def test_a_token_ends_with_its_time(cluster: Cluster) -> None:
    namespace = await cluster.create_namespace()
    token = await cluster.service_account_token(namespace, "someone", seconds=600)

    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "SelfSubjectReview",
    }
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    status, answer = await cluster.request("POST", path, review, token=token)
    assert status == 201, json.dumps(answer)
    assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:someone"
