"""Profiles of Hypothesis, signals, and clusters for all tests, started on first use and then stopped."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import tests.laws  # noqa: F401  registers the profiles
from tests.compiled.prepare import CHECKOUT, IS_COMPILED
from tests.peers.cluster import (
    Cluster,
    ControlPlane,
    ExistingCluster,
    connected,
    control_plane,
    existing_cluster,
    uses_existing_cluster,
)

# A shell ignores these for a command in the background, and `nohup` does. Every program that a test
# starts would inherit that, and no test could stop it.
for _number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)

# Commands in the virtual environment would import the plain package of the checkout.
if IS_COMPILED:
    os.environ["PYTHONPATH"] = str(CHECKOUT)


@pytest.fixture(scope="session")
def shared_plane(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ControlPlane | ExistingCluster]:
    """One control plane for all tests of a worker. Tests isolate themselves by namespaces."""
    folder = tmp_path_factory.mktemp("cluster")
    with existing_cluster(folder) if uses_existing_cluster() else control_plane(folder) as place:
        yield place


@pytest.fixture
async def cluster(
    shared_plane: ControlPlane | ExistingCluster, tmp_path: Path
) -> AsyncIterator[Cluster]:
    """The shared cluster, with the CRD. A test may create namespaces and must change nothing else."""
    async with connected(shared_plane, tmp_path / "cluster") as shared:
        status, _ = await shared.request("GET", "/apis/monitoring.yuptime.io/v1/monitors")
        if status != 200:
            await shared.install_crd()
        yield shared


@pytest.fixture
async def own_cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster for one test, with the CRD. The test may stop, compact and break the cluster."""
    if uses_existing_cluster():
        pytest.skip("the test breaks its cluster and needs its own: unset USE_EXISTING_CLUSTER")
    with control_plane(tmp_path / "plane") as plane:
        async with connected(plane, tmp_path / "cluster") as own:
            await own.install_crd()
            yield own
