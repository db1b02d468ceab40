"""An exporter before a real API server, with the rights that are shipped and no others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.peers.cluster import Cluster
from tests.scenarios.kubernetes.passing import PassingTime
from tests.scenarios.kubernetes.stage import Stage, stage_in


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


@pytest.fixture
async def own_stage(
    own_cluster: Cluster, tmp_path: Path, time: PassingTime
) -> AsyncIterator[Stage]:
    """Set a stage in a cluster of the test's own: an exporter that follows all namespaces."""
    async with stage_in(own_cluster, tmp_path, time, overlay="cluster-wide") as stage:
        yield stage
