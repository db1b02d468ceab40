"""The parts of a run, by the source of monitors and the storage."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.parts import ready, table_of
from tests.exporters import StandingClock
from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.settings.command_line import parse_arguments
from yuptime_exporter.settings.model import (
    ClusterSource,
    LeaseName,
    ManifestSource,
    SecretsMode,
    SqliteStorage,
    StatusStorage,
)
from yuptime_exporter.settings.web_configuration import CurrentWebConfiguration
from yuptime_exporter.sources.kubernetes.source import KubernetesSource
from yuptime_exporter.sources.manifests.source import DirectorySource
from yuptime_exporter.status.store import StatusStore
from yuptime_exporter.stores.sqlite.store import SqliteStore
from yuptime_exporter.wiring.connect import connect
from yuptime_exporter.wiring.parts import Parts
from yuptime_exporter.wiring.registry import Metrics
from yuptime_exporter.wiring.shared import Shared

SQLITE = SqliteStorage(Path("data/yuptime.db"))


def ignore(_key: MonitorKey, _arming: Arming | None, _push: LastPush | None) -> None:
    """Adopt nothing."""


@asynccontextmanager
async def connected(
    settings: ManifestSource | ClusterSource, readiness: Readiness | None = None
) -> AsyncIterator[Parts]:
    """Give the parts, and close their connection at the end of the block."""
    run = replace(parse_arguments(["--source.manifests=x"]), source=settings)
    clock, metrics = StandingClock(1000), Metrics()
    web = CurrentWebConfiguration(None, metrics=metrics.reload, clock=clock)
    table = table_of(at=1000)
    shared = Shared(run, table, Rejudging(table), readiness or ready(), metrics, web, clock)
    parts = connect(shared, adopt=ignore, defaults=dict)
    yield parts
    with suppress(SourceUnusable):  # there is no API server
        async with parts.running():
            pass


def cluster(
    storage: SqliteStorage | StatusStorage, *, secrets_mode: SecretsMode = "watch"
) -> ClusterSource:
    return ClusterSource(
        namespaces=("jobs",),
        kubeconfig=Path("/nowhere/kubeconfig"),
        secrets_mode=secrets_mode,
        lease=LeaseName("yuptime", "yuptime-exporter"),
        status_max_qps=100.0,
        storage=storage,
    )


async def test_manifests_are_stored_in_a_database_and_have_no_other_replica() -> None:
    async with connected(ManifestSource((Path("jobs"),), SQLITE)) as parts:
        assert isinstance(parts.source, DirectorySource)
        assert isinstance(parts.store, SqliteStore)
        assert (parts.silence_check, parts.renew_tokens) == (None, None)


async def test_a_cluster_with_a_database_has_no_other_replica_that_takes_pushes() -> None:
    async with connected(cluster(SQLITE)) as parts:
        assert isinstance(parts.source, KubernetesSource)
        assert isinstance(parts.store, SqliteStore)
        assert parts.silence_check is None


async def test_a_cluster_that_stores_pushes_in_statuses_confirms_silence() -> None:
    async with connected(cluster(StatusStorage())) as parts:
        assert isinstance(parts.store, StatusStore)
        assert parts.silence_check is not None


@pytest.mark.parametrize(("mode", "renews"), [("watch", False), ("get", True)])
async def test_tokens_are_renewed_only_if_secrets_are_not_watched(
    mode: SecretsMode, renews: bool
) -> None:
    async with connected(cluster(SQLITE, secrets_mode=mode)) as parts:
        assert (parts.renew_tokens is not None) is renews


@pytest.mark.parametrize(
    ("settings", "is_ready"),
    [
        (ManifestSource((Path("jobs"),), SQLITE), True),
        (cluster(SQLITE), True),
        (cluster(StatusStorage()), False),
    ],
    ids=["manifests", "cluster with a database", "cluster with statuses"],
)
async def test_an_exporter_that_cannot_store_pushes_is_not_ready_only_beside_other_replicas(
    settings: ManifestSource | ClusterSource, is_ready: bool
) -> None:
    readiness = ready()
    async with connected(settings, readiness) as parts:
        parts.on_receiving(failure="the disk is full")

        assert readiness.ready is is_ready


def test_a_run_without_a_cluster_does_not_import_the_kubernetes_library() -> None:
    program = (
        "import sys, yuptime_exporter.cli\n"
        "from yuptime_exporter.settings.command_line import parse_arguments\n"
        "from yuptime_exporter.app import Exporter\n"
        "Exporter(parse_arguments(['--source.manifests=jobs']), clock=lambda: 0.0)\n"
        "print([name for name in sys.modules if name.startswith('kubernetes_asyncio')])\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"
