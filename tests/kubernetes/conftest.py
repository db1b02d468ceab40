"""Clients and servers of the tests, and a mirror behind a proxy."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.exporters import StandingClock
from tests.fakes.fault_proxy import FaultProxy, fault_proxy
from tests.fakes.fault_sides import make_certificates
from tests.kubernetes.following import Monitors, Scene, watching
from tests.kubernetes.servers import Pod, Server, server_at
from tests.peers.cluster import Cluster


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with server_at() as server:
        yield server


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    return Pod(tmp_path / "serviceaccount", monkeypatch)


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[Server]:
    async with server_at(make_certificates(tmp_path / "authority")) as server:
        yield server


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    return tmp_path / "authority" / "ca.crt"


@pytest.fixture
async def monitors(cluster: Cluster) -> Monitors:
    return Monitors(cluster, await cluster.create_namespace())


@pytest.fixture
async def proxy(cluster: Cluster, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    async with fault_proxy(cluster.url, cluster.ca_file, folder=tmp_path / "proxy") as proxy:
        yield proxy


@pytest.fixture
async def scene(monitors: Monitors, proxy: FaultProxy, cluster: Cluster) -> AsyncIterator[Scene]:
    async with watching(monitors, proxy, cluster) as scene:
        yield scene
