"""The parts of a run with `--source.kubernetes`.

API server ─→ source ─→ follower ─→ table          Monitors, and the tokens in Secrets
table ─→ reporter ─→ patches ─→ API server         the status of each Monitor
receiver ─→ store ─→ reporter ─→ patches           with --storage.url=kubernetes: a push
"""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NoReturn

from prometheus_client import CollectorRegistry

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.replication import Adopt
from yuptime_exporter.engine.silence import SilenceCheck
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.connection import Connection
from yuptime_exporter.metrics.definition import DefinitionMetrics
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics
from yuptime_exporter.metrics.status import StatusMetrics
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.settings.model import ClusterSource, StatusStorage
from yuptime_exporter.sources.kubernetes.definition import DefinitionCheck
from yuptime_exporter.sources.kubernetes.secret_reads import SecretReads
from yuptime_exporter.sources.kubernetes.secret_watch import SecretWatch
from yuptime_exporter.sources.kubernetes.source import KubernetesSource
from yuptime_exporter.status.events import MonitorEvents
from yuptime_exporter.status.lease import ReceivingLease
from yuptime_exporter.status.limits import StatusLimits
from yuptime_exporter.status.noting import noting
from yuptime_exporter.status.patches import StatusPatches
from yuptime_exporter.status.replication import StatusReplication
from yuptime_exporter.status.reporter import Reporter
from yuptime_exporter.status.store import StatusStore
from yuptime_exporter.stores.memory.history import MemoryHistory
from yuptime_exporter.stores.sqlite.store import SqliteStore
from yuptime_exporter.wiring.parts import Parts
from yuptime_exporter.wiring.storage import database


def cluster_parts(
    settings: ClusterSource,
    table: MonitorTable,
    readiness: Readiness,
    registry: CollectorRegistry,
    *,
    adopt: Adopt,
    clock: Clock,
) -> Parts:
    """Return the parts; the API server is not asked for anything yet.

    Args:
        settings: which Monitors to follow, and where to store pushes.
        table: all monitors.
        readiness: where pushes are shared: not ready while none can be stored here.
        registry: for the metrics of these parts.
        adopt: adopts the arming and the push that another replica stored for a monitor.
        clock: Unix seconds.
    """
    cluster = _connected(settings, table, registry, adopt=adopt, clock=clock)
    readiness.explain(cluster.source.forbidden)
    replicated = settings.is_replicated
    check = SilenceCheck(table, confirm=cluster.replication.confirm) if replicated else None
    return Parts(
        source=cluster.source,
        store=cluster.store,
        history=cluster.history,
        running=cluster.running,
        after_push=cluster.reporter.pushed,
        on_receiving=readiness.receiving if replicated else readiness.storing,
        silence_check=check,
        renew_tokens=cluster.source.renew_tokens if settings.secrets_mode == "get" else None,
    )


@dataclass(frozen=True, slots=True)
class _Cluster:
    """Everything that talks to the API server."""

    connection: Connection
    source: KubernetesSource
    secrets: SecretWatch | SecretReads
    definition: DefinitionCheck
    events: MonitorEvents
    reporter: Reporter
    replication: StatusReplication
    store: StatusStore | SqliteStore
    history: MemoryHistory | SqliteStore

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow and report until the block ends, and then write the statuses that still wait.

        Raises:
            SourceUnusable: no setting says where the API server is.
        """
        try:
            await self.connection.renew()
            async with asyncio.TaskGroup() as tasks:
                endless = self._started(tasks)
                yield
                await self.reporter.flush()
                for task in endless:
                    task.cancel()
        finally:
            await self.connection.close()

    def _started(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[NoReturn]]:
        if isinstance(self.store, StatusStore):
            self.store.begin(tasks)
        return [
            *self.source.begin(tasks, self.secrets),
            *self.secrets.begin(tasks),
            tasks.create_task(self.definition.check_forever(), name="check the definition"),
            tasks.create_task(self.events.write_forever(), name="write Events"),
            tasks.create_task(self.reporter.report_forever(tasks), name="report status"),
        ]


def _connected(
    settings: ClusterSource,
    table: MonitorTable,
    registry: CollectorRegistry,
    *,
    adopt: Adopt,
    clock: Clock,
) -> _Cluster:
    metrics, status_metrics = KubernetesMetrics(registry), StatusMetrics(registry)
    connection = Connection(settings.kubeconfig, clock=clock)
    api = Api(connection)
    source = KubernetesSource(
        api,
        settings.namespaces,
        on_shown=lambda key, found: replication.shown(key, found),  # noqa: PLW0108  made below
        metrics=metrics,
        clock=clock,
    )
    events = MonitorEvents(api, instance=_instance(), metrics=status_metrics, clock=clock)
    patches = StatusPatches(api, shown=source.object, events=events, clock=clock)
    reporter = _reporter(settings, table, patches, status_metrics, clock=clock)
    store, history = _stores(settings, api, source, reporter, registry, clock=clock)
    if isinstance(history, MemoryHistory):
        adopt = noting(adopt, table, history)
    replication = StatusReplication(
        patches, adopt=adopt, on_shown=reporter.look, check_tokens=source.check_tokens
    )
    return _Cluster(
        connection=connection,
        source=source,
        secrets=_secrets(settings, api, source, metrics, clock=clock),
        definition=DefinitionCheck(api, metrics=DefinitionMetrics(registry)),
        events=events,
        reporter=reporter,
        replication=replication,
        store=store,
        history=history,
    )


def _secrets(
    settings: ClusterSource,
    api: Api,
    source: KubernetesSource,
    metrics: KubernetesMetrics,
    *,
    clock: Clock,
) -> SecretWatch | SecretReads:
    if settings.secrets_mode == "get":
        return SecretReads(api, on_change=source.secret_changed, jitter=random.random, clock=clock)
    return SecretWatch(
        api,
        settings.namespaces,
        on_change=source.secret_changed,
        metrics=metrics,
        clock=clock,
    )


def _reporter(
    settings: ClusterSource,
    table: MonitorTable,
    patches: StatusPatches,
    metrics: StatusMetrics,
    *,
    clock: Clock,
) -> Reporter:
    return Reporter(
        table,
        patches,
        jitter=random.random,
        metrics=metrics,
        clock=clock,
        limits=StatusLimits(
            max_writes_per_second=settings.status_max_qps,
            deadline_spread_seconds=1.0 if settings.is_replicated else 0.0,
        ),
    )


def _stores(
    settings: ClusterSource,
    api: Api,
    source: KubernetesSource,
    reporter: Reporter,
    registry: CollectorRegistry,
    *,
    clock: Clock,
) -> tuple[StatusStore, MemoryHistory] | tuple[SqliteStore, SqliteStore]:
    """Return the store, and the history of the pushes in it."""
    if not isinstance(settings.storage, StatusStorage):
        in_database = database(settings.storage, registry, clock=clock)
        return in_database, in_database

    async def objects() -> Iterable[tuple[MonitorKey, MonitorObject]]:
        await source.listed()
        return source.objects()

    lease = settings.lease
    history = MemoryHistory(limit=settings.storage.history_limit, clock=clock)
    store = StatusStore(
        reporter,
        history,
        objects=objects,
        lease=ReceivingLease(
            api,
            namespace=lease.namespace if lease else None,
            name=lease.name if lease else "yuptime-exporter",
            holder=_instance(),
        ),
        metrics=StoreMetrics(registry),
        clock=clock,
    )
    return store, history


def _instance() -> str:
    """Return the name of this replica: of its pod, or else of its host."""
    return os.environ.get("POD_NAME") or socket.gethostname()
