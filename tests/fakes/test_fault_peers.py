"""The fault proxy before a real API server."""

import asyncio
import dataclasses
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes import fault_answers
from tests.fakes.fault_proxy import FaultProxy, fault_proxy
from tests.fakes.faults import BOOKMARK, WATCHES, Answer, At, Cut, Double, How, Pad, When
from tests.peers.cluster import MERGE_PATCH, Cluster
from tests.peers.programs import Generation, require

pytestmark = pytest.mark.peer

API = "/apis/monitoring.yuptime.io/v1"
NAME = "backup"
MONITOR = {
    "apiVersion": "monitoring.yuptime.io/v1",
    "kind": "Monitor",
    "metadata": {"name": NAME},
    "spec": {"type": "push", "target": {"push": {"tokenSecretRef": {"name": "a", "key": "b"}}}},
}
INITIAL_EVENTS = {
    "watch": "1",
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": "true",
}


@pytest.fixture
async def proxy(cluster: Cluster, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    async with fault_proxy(cluster.url, cluster.ca_file, folder=tmp_path / "proxy") as proxy:
        yield proxy


@pytest.fixture
def through(cluster: Cluster, proxy: FaultProxy) -> Cluster:
    """The same cluster, with a kubectl that connects to the proxy."""
    return dataclasses.replace(cluster, url=proxy.url, ca_file=proxy.ca_file)


@pytest.fixture
async def client(cluster: Cluster, proxy: FaultProxy) -> AsyncIterator[aiohttp.ClientSession]:
    trust = ssl.create_default_context(cafile=proxy.ca_file)
    async with aiohttp.ClientSession(
        proxy.url,
        connector=aiohttp.TCPConnector(ssl=trust),
        headers={"Authorization": f"Bearer {cluster.admin_token}"},
        # An API server that shares two cores with others may send nothing for half a minute.
        timeout=aiohttp.ClientTimeout(total=None, sock_read=120),
        read_bufsize=16 * 1024 * 1024,  # half of the longest line that aiohttp then reads
    ) as session:
        yield session


@pytest.fixture
async def monitors(cluster: Cluster) -> str:
    """The path of the Monitors of a namespace with one Monitor."""
    path = f"{API}/namespaces/{await cluster.create_namespace()}/monitors"
    status, answer = await cluster.request("POST", path, MONITOR)
    assert status == 201, answer
    return path


def namespace_of(path: str) -> str:
    return path.split("/")[-2]


class TestKubectl:
    async def test_kubectl_gets_and_applies_through_the_fault_proxy(
        self, cluster: Cluster, through: Cluster, proxy: FaultProxy, monitors: str
    ) -> None:
        get = ("get", "monitors", "-n", namespace_of(monitors), "-o", "yaml")
        told = [await through.kubectl(*get), await cluster.kubectl(*get)]
        metadata = {"name": "another", "namespace": namespace_of(monitors)}
        await through.apply({**MONITOR, "metadata": metadata})

        assert told[0] == told[1]
        assert "name: another" in await cluster.kubectl(*get)
        assert proxy.seen(When(method="PATCH", path="/monitors/another"))

    async def test_kubectl_watches_through_the_fault_proxy(
        self, through: Cluster, proxy: FaultProxy, cluster: Cluster, monitors: str
    ) -> None:
        process = await asyncio.create_subprocess_exec(
            require("kubectl", Generation.NEWEST),
            f"--kubeconfig={proxy.kubeconfig(cluster.admin_token)}",
            f"--cache-dir={through.folder / 'kubectl-cache'}",
            *("get", "monitors", "-n", namespace_of(monitors), "--watch", "-o", "name"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            first = await process.stdout.readline()
            await cluster.request("POST", monitors, {**MONITOR, "metadata": {"name": "new"}})
            second = await process.stdout.readline()
        finally:
            process.kill()
            await process.communicate()

        assert [line.decode().strip().split("/")[1] for line in (first, second)] == [NAME, "new"]
        assert len(proxy.seen(WATCHES)) == 1


class TestRealStreams:
    async def test_a_padded_event_reaches_the_client_whole(
        self, proxy: FaultProxy, client: aiohttp.ClientSession, monitors: str
    ) -> None:
        proxy.apply(Pad(5_000_000), when=When(path=monitors, frame=b'"ADDED"'))
        async with client.get(monitors, params=INITIAL_EVENTS) as response:
            line = await response.content.readline()

        event = json.loads(line)
        assert (len(line), event["object"]["metadata"]["name"]) == (5_000_000, NAME)

    async def test_the_fault_proxy_recognises_bookmarks_of_a_real_api_server(
        self, proxy: FaultProxy, client: aiohttp.ClientSession, monitors: str
    ) -> None:
        proxy.apply(Double(), when=When(watch=True, frame=BOOKMARK))
        async with client.get(monitors, params=INITIAL_EVENTS) as response:
            events = [json.loads(await response.content.readline()) for _ in range(3)]

        assert [event["type"] for event in events] == ["ADDED", "BOOKMARK", "BOOKMARK"]

    async def test_a_patch_with_a_lost_answer_is_applied(
        self, proxy: FaultProxy, client: aiohttp.ClientSession, cluster: Cluster, monitors: str
    ) -> None:
        proxy.apply(Cut(How.RESET, At.HEADERS), when=When(method="PATCH"), times=1)
        with pytest.raises(aiohttp.ClientError):
            await client.patch(
                f"{monitors}/{NAME}",
                json={"spec": {"enabled": False}},
                headers={"Content-Type": MERGE_PATCH},
            )

        _, monitor = await cluster.request("GET", f"{monitors}/{NAME}")
        assert monitor["spec"]["enabled"] is False


Asked = tuple[str, str, dict[str, str], object]  # method, end of the path, query, body
REFUSALS: dict[str, tuple[Answer, Asked]] = {
    "404 of an object": (
        fault_answers.object_not_found("none"),
        ("GET", "/none", {}, None),
    ),
    "404 of a path": (fault_answers.not_found(), ("GET", "/../../../nothing/here", {}, None)),
    "409": (
        fault_answers.conflict(NAME),
        ("PATCH", f"/{NAME}", {}, {"metadata": {"resourceVersion": "1"}, "spec": {"tags": []}}),
    ),
    "422": (
        fault_answers.invalid("new", "spec", "Invalid value"),
        ("POST", "", {}, {**MONITOR, "metadata": {"name": "new"}, "spec": {"type": "push"}}),
    ),
    "422 to sendInitialEvents": (
        fault_answers.no_initial_events(),
        ("GET", "", {"watch": "1", "sendInitialEvents": "true"}, None),
    ),
    "504": (
        fault_answers.too_large_resource_version(),
        ("GET", "", {"resourceVersion": "999999999"}, None),
    ),
}


def shape(value: Any) -> Any:
    """The JSON without values that differ from case to case."""
    if isinstance(value, dict):
        return {
            key: one if key in ("reason", "code", "kind", "group", "status") else shape(one)
            for key, one in value.items()
        }
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


class TestRefusals:
    @pytest.mark.parametrize("name", REFUSALS)
    async def test_injected_errors_look_like_those_of_a_real_api_server(
        self, name: str, client: aiohttp.ClientSession, monitors: str
    ) -> None:
        answer, (method, path, query, body) = REFUSALS[name]
        headers = {"Content-Type": MERGE_PATCH} if method == "PATCH" else {}
        async with client.request(
            method, monitors + path, params=query, json=body, headers=headers
        ) as response:
            told = await response.text()

        assert response.status == answer.status
        assert response.headers["Content-Type"] == answer.headers["Content-Type"]
        if response.content_type == "application/json":
            assert shape(json.loads(told)) == shape(json.loads(answer.body))
        else:
            assert told.encode() == answer.body

    @pytest.mark.parametrize("token", ["wrong", "of nobody"])
    async def test_a_client_without_rights_gets_the_error_of_the_api_server(
        self, token: str, cluster: Cluster, monitors: str
    ) -> None:
        answer = fault_answers.unauthorized()
        if token == "of nobody":
            answer = fault_answers.forbidden()
            token = await cluster.service_account_token(namespace_of(monitors), "nobody")

        status, told = await cluster.request("GET", f"{API}/monitors", token=token)

        assert status == answer.status
        assert shape(told) == shape(json.loads(answer.body))

    async def test_an_expired_watch_gets_the_error_of_the_api_server(
        self, client: aiohttp.ClientSession, monitors: str
    ) -> None:
        query = {"watch": "1", "resourceVersion": "1", "timeoutSeconds": "5"}
        async with client.get(monitors, params=query) as response:
            told = json.loads(await response.content.readline())

        assert shape(told) == shape(json.loads(fault_answers.expired_event().data))
