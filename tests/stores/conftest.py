"""The places of every store; see `contract`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.api_server import FakeApiServer, fake_api_server
from tests.peers.cluster import Cluster
from tests.status.place import ClusterObjects, FakeObjects, StatusPlace
from tests.stores.contract import Place
from tests.stores.sqlite.place import SqlitePlace


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[FakeApiServer]:
    async with fake_api_server(tmp_path) as server:
        yield server


@pytest.fixture
async def cluster_objects(cluster: Cluster) -> ClusterObjects:
    namespace = await cluster.create_namespace("contract")
    return ClusterObjects(cluster, namespace)


@pytest.fixture(params=["sqlite", "status", pytest.param("cluster", marks=pytest.mark.peer)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return a new place: an SQLite file, or Monitors of a fake or of a real API server."""
    match request.param:
        case "sqlite":
            return SqlitePlace(tmp_path)
        case "status":
            return StatusPlace(FakeObjects(request.getfixturevalue("server")))
        case _:
            return StatusPlace(request.getfixturevalue("cluster_objects"))
