"""An exporter before a real API server, with the rights that are shipped and no others."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.peers.cluster import (
    Cluster,
    ControlPlane,
    connected,
    control_plane,
    uses_existing_cluster,
)
from tests.scenarios.kubernetes.passing import PassingTime
from tests.scenarios.kubernetes.stage import Stage, stage_in
from yuptime_exporter.resource.monitor_object import CRD_NAME


@pytest.fixture
async def time() -> AsyncIterator[PassingTime]:
    """Return the time by which everything in a test lives."""
    passing = PassingTime()
    yield passing
    passing.restore()


@pytest.fixture
async def stage(cluster: Cluster, tmp_path: Path, time: PassingTime) -> AsyncIterator[Stage]:
    """Set a stage in the shared cluster: an exporter that follows its own namespace."""
    async with stage_in(cluster, tmp_path, time, overlay="namespaced") as stage:
        yield stage


@pytest.fixture(scope="session")
def fragile_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Start a control plane that tests may break, one after the other.

    Without a watch cache, the API server forgets the same versions as etcd.
    """
    if uses_existing_cluster():
        pytest.skip("breaks its cluster, so it needs one of its own: unset USE_EXISTING_CLUSTER")
    with control_plane(tmp_path_factory.mktemp("fragile"), watch_cache=False) as plane:
        yield plane


@pytest.fixture
async def own_stage(
    fragile_plane: ControlPlane, tmp_path: Path, time: PassingTime
) -> AsyncIterator[Stage]:
    """Set a stage with its own cluster: an exporter that follows all namespaces."""
    if fragile_plane.server is None:  # a test has failed in between
        fragile_plane.start_api_server()
    async with connected(fragile_plane, tmp_path / "cluster") as cluster:
        # With the definition go the Monitors of the test before.
        await cluster.kubectl("delete", "crd", CRD_NAME, "--ignore-not-found", "--timeout=60s")
        await cluster.install_crd()
        async with stage_in(cluster, tmp_path, time, overlay="cluster-wide") as stage:
            yield stage
