"""The control plane of the tests is real, and no process or file remains after the tests."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.peers.cluster import (
    CRD,
    Cluster,
    ControlPlane,
    connected,
    control_plane,
    existing_cluster,
)
from tests.peers.programs import Generation, require
from tests.peers.running import PeerDidNotStartError, free_port
from tests.peers.test_peers import CHECKOUT
from tests.waiting import eventually

pytestmark = pytest.mark.peer

NAMESPACES = "/api/v1/namespaces"
MONITORS = "/apis/monitoring.yuptime.io/v1/monitors"
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
STARTS_AND_IS_KILLED = """
import os, pathlib, signal
from tests.peers.cluster import control_plane

with control_plane(pathlib.Path("plane").absolute()) as plane:
    print(plane.etcd.pid, plane.server.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that may be stopped, frozen and compacted, without a watch cache."""
    with control_plane(tmp_path_factory.mktemp("plane"), watch_cache=False) as plane:
        yield plane


async def test_the_definition_of_monitors_is_served(cluster: Cluster) -> None:
    status, answer = await cluster.request("GET", MONITORS)

    assert (status, answer["kind"]) == (200, "MonitorList")


async def test_a_service_account_has_the_rights_of_its_roles_only(
    cluster: Cluster,
) -> None:
    namespace = await cluster.create_namespace()
    token = await cluster.service_account_token(namespace, "reader")
    await cluster.kubectl("-n", namespace, "create", "role", "r", "--verb=list", "--resource=pods")
    await cluster.kubectl(
        "-n", namespace, "create", "rolebinding", "r", "--role=r",
        f"--serviceaccount={namespace}:reader",
    )  # fmt: skip

    async def lists(resource: str) -> int:
        return (await cluster.request("GET", f"{NAMESPACES}/{namespace}/{resource}", token=token))[
            0
        ]

    assert await eventually(lambda: lists("pods"), lambda status: status != 403) == 200
    assert await lists("secrets") == 403


async def test_the_api_server_knows_the_service_account_of_a_token(cluster: Cluster) -> None:
    namespace = await cluster.create_namespace()
    token = await cluster.service_account_token(namespace, "someone", seconds=600)

    status, answer = await cluster.request("POST", REVIEWS, REVIEW, token=token)

    assert status == 201, answer
    assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:someone"


async def test_kubectl_says_why_it_failed(cluster: Cluster) -> None:
    with pytest.raises(AssertionError, match="NotFound"):
        await cluster.kubectl("get", "namespace", "nowhere")


async def test_warnings_of_kubectl_are_not_part_of_its_output(cluster: Cluster) -> None:
    asked = ("get", "pods", "-n", await cluster.create_namespace())

    assert await cluster.kubectl(*asked) == ""
    code, said = await cluster.try_kubectl(*asked)
    assert (code, said.split()[:3]) == (0, ["No", "resources", "found"])


async def test_apply_accepts_objects_texts_files_and_kustomizations(
    cluster: Cluster, tmp_path: Path
) -> None:
    namespace = await cluster.create_namespace()

    def settings(name: str) -> dict[str, object]:
        metadata = {"name": name, "namespace": namespace}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    text = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: b, namespace: {namespace}}}}}"
    (tmp_path / "c.yaml").write_text(text.replace("name: b", "name: c"))
    said = await cluster.apply(settings("a"), text, tmp_path / "c.yaml", CRD.parent)

    _, listed = await cluster.request("GET", f"{NAMESPACES}/{namespace}/configmaps")
    assert {"a", "b", "c"} <= {item["metadata"]["name"] for item in listed["items"]}
    assert "monitors.monitoring.yuptime.io serverside-applied" in said


async def test_a_stopped_api_server_comes_back_with_its_data(
    plane: ControlPlane, tmp_path: Path
) -> None:
    async with connected(plane, tmp_path) as cluster:
        namespace = await cluster.create_namespace()
        query = {"watch": "true"}
        headers = {"Authorization": f"Bearer {cluster.admin_token}"}
        url = f"{cluster.url}{NAMESPACES}"
        async with cluster.session.get(
            url, params=query, headers=headers
        ):  # an open watch must not delay the stop
            await asyncio.to_thread(plane.stop_api_server)
            with pytest.raises(aiohttp.ClientConnectorError):
                await cluster.request("GET", NAMESPACES)
            await asyncio.to_thread(plane.start_api_server)

        status, _ = await cluster.request("GET", f"{NAMESPACES}/{namespace}")
        assert status == 200


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not there: util-linux")
def test_an_api_server_outlives_the_event_loop_that_started_it(
    plane: ControlPlane, tmp_path: Path
) -> None:
    async def restart() -> None:
        await asyncio.to_thread(plane.kill_api_server)
        await asyncio.to_thread(plane.start_api_server)

    async def answers() -> int:
        async with connected(plane, tmp_path) as cluster:
            return (await cluster.request("GET", NAMESPACES))[0]

    asyncio.run(restart())  # its threads end too

    assert asyncio.run(answers()) == 200


async def test_an_api_server_that_starts_waits_for_its_port(plane: ControlPlane) -> None:
    log = plane.folder / "apiserver.log"
    plane.kill_api_server()

    async def refused() -> bool:
        return "address already in use" in log.read_text()

    with socket.create_server(("127.0.0.1", plane.port)) as rival:
        async with asyncio.TaskGroup() as tasks:
            starting = tasks.create_task(asyncio.to_thread(plane.start_api_server))
            await eventually(refused)
            rival.close()
            await starting

    assert plane.server is not None
    assert plane.server.poll() is None


async def test_a_frozen_api_server_answers_after_it_continues(
    plane: ControlPlane, tmp_path: Path
) -> None:
    async with connected(plane, tmp_path) as cluster, asyncio.TaskGroup() as tasks:
        plane.freeze_api_server()
        asked = tasks.create_task(cluster.request("GET", NAMESPACES))

        async def is_stopped() -> bool:
            assert plane.server is not None
            return "State:\tT" in Path(f"/proc/{plane.server.pid}/status").read_text()

        await eventually(is_stopped)
        assert not asked.done()
        plane.thaw_api_server()

        status, _ = await asked
        assert status == 200


async def test_a_watch_from_before_a_compaction_is_answered_as_expired(
    plane: ControlPlane, tmp_path: Path
) -> None:
    async with connected(plane, tmp_path) as cluster:
        _, before = await cluster.request("GET", NAMESPACES)
        for _ in range(3):
            await cluster.create_namespace()
        await asyncio.to_thread(plane.compact)

        query = {
            "watch": "true",
            "resourceVersion": before["metadata"]["resourceVersion"],
            "timeoutSeconds": "5",
        }
        status, answer = await cluster.request("GET", NAMESPACES, query=query)

    code = status if status != 200 else answer["object"]["code"]
    assert code == 410


async def test_tests_can_use_the_cluster_of_the_kubeconfig(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(plane, tmp_path) as owner:
        monkeypatch.setenv("KUBECONFIG", str(owner.kubeconfig()))
        with existing_cluster(tmp_path / "existing") as place:
            async with connected(place, tmp_path / "guest") as guest:
                _, answer = await guest.request("POST", REVIEWS, REVIEW)
                namespace = await guest.create_namespace()
            name = answer["status"]["userInfo"]["username"].split(":")[2]
            bound, _ = await owner.request("GET", f"{BINDINGS}/{name}")

        status, _ = await owner.request("GET", f"{NAMESPACES}/{namespace}")
        left, _ = await owner.request("GET", f"{BINDINGS}/{name}")

    assert guest.plane is None
    assert re.fullmatch(r"yuptime-tests-\w+", name)
    assert (status, bound, left) == (200, 200, 404)


def test_a_control_plane_is_gone_after_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rival:  # a lost race for a port is repeated
        taken = rival.getsockname()[1]
        ports = iter([free_port(), taken, free_port(), free_port()])
        monkeypatch.setattr("tests.peers.control_plane.free_port", lambda: next(ports))

        with control_plane(tmp_path, flags=["--v=1"]) as plane:
            assert plane.server is not None
            processes = [plane.etcd.pid, plane.server.pid]
            assert plane.port != taken

    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.killpg(process, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", plane.port))
    assert not (tmp_path / "etcd").exists()


def test_a_control_plane_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(PeerDidNotStartError, match="unknown flag: --no-such-flag"),
        control_plane(tmp_path, flags=["--no-such-flag"]),
    ):
        pass


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not there: util-linux")
def test_a_killed_test_run_leaves_no_control_plane_behind(tmp_path: Path) -> None:
    require("etcd", Generation.NEWEST)
    require("kube-apiserver", Generation.NEWEST)
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
