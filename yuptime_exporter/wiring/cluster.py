"""Everything that is there only with `--source.kubernetes`, connected.

API server ─→ source ─→ follower ─→ table          Monitors and the tokens of Secrets
table ─→ reporter ─→ status sink ─→ API server     what each Monitor's status says
receiver ─→ store ─→ reporter ─→ status sink       with --storage.url=kubernetes: a push
"""

import asyncio
import os
import random
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NoReturn

from prometheus_client import CollectorRegistry

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.connection import Connection
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics
from yuptime_exporter.metrics.status import StatusMetrics
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.resource.objects import secret_key_of
from yuptime_exporter.settings.flags import Settings
from yuptime_exporter.sources.kubernetes.definition import DefinitionCheck
from yuptime_exporter.sources.kubernetes.secret_reads import SecretReads
from yuptime_exporter.sources.kubernetes.secret_watch import SecretWatch
from yuptime_exporter.sources.kubernetes.source import KubernetesSource
from yuptime_exporter.status.body import stored_in
from yuptime_exporter.status.events import MonitorEvents
from yuptime_exporter.status.lease import ReceivingLease
from yuptime_exporter.status.patches import MonitorStatusSink
from yuptime_exporter.status.reporter import MAX_IN_FLIGHT, Reporter
from yuptime_exporter.status.store import KubernetesStore

Adopt = Callable[[MonitorKey, Arming | None, LastPush | None], None]

# Alerts wait for no longer than this to be certain; those that could not be asked for wait for the
# next time.
CONFIRM_SECONDS = 10.0

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Cluster:
    """The part of the exporter that talks to a Kubernetes API server.

    Attributes:
        source: of monitors.
        reporter: keeps the status of Monitors; to be told of pushes.
        store: in the status of Monitors; None where pushes rest elsewhere.
        renew_tokens: reads the tokens of a monitor anew; None where a change is told anyway.
    """

    def __init__(
        self,
        settings: Settings,
        table: MonitorTable,
        registry: CollectorRegistry,
        *,
        store_metrics: StoreMetrics,
        clock: Clock,
    ) -> None:
        """Connect everything, and ask nothing yet."""
        self._table = table
        metrics, status_metrics = KubernetesMetrics(registry), StatusMetrics(registry)
        self._connection = Connection(settings.kubeconfig, clock=clock)
        api = Api(self._connection)
        instance = os.environ.get("POD_NAME") or socket.gethostname()
        self.source = KubernetesSource(
            api, settings.namespaces, on_shown=self._shown, metrics=metrics, clock=clock
        )
        self._secrets = (
            SecretWatch(
                api,
                settings.namespaces,
                on_change=self.source.secret_changed,
                metrics=metrics,
                clock=clock,
            )
            if settings.secrets_mode == "watch"
            else SecretReads(
                api, on_change=self.source.secret_changed, jitter=random.random, clock=clock
            )
        )
        self._events = MonitorEvents(api, instance=instance, metrics=status_metrics, clock=clock)
        self._sink = MonitorStatusSink(
            api, shown=self.source.object, events=self._events, clock=clock
        )
        replicated = settings.storage_path is None
        self.reporter = Reporter(
            table,
            max_writes_per_second=settings.status_max_qps,
            jitter=random.random,
            replicated=replicated,
            metrics=status_metrics,
            clock=clock,
        )
        namespace, _, name = (settings.lease or f"{own_namespace()}/yuptime-exporter").partition(
            "/"
        )
        self.store = (
            KubernetesStore(
                listed=self.source.listed,
                objects=self.source.objects,
                write_push=self.reporter.save_push,
                lease=ReceivingLease(api, namespace=namespace, name=name, holder=instance),
                metrics=store_metrics,
                clock=clock,
            )
            if replicated
            else None
        )
        self.renew_tokens: Callable[[MonitorKey], Awaitable[None] | None] | None = (
            self._renew_tokens if settings.secrets_mode == "get" else None
        )
        self._definition = DefinitionCheck(api, metrics=metrics)
        self._adopt: Adopt = lambda _, __, ___: None

    @asynccontextmanager
    async def running(self, adopt: Adopt) -> AsyncIterator[None]:
        """Follow and report until the block ends, and then write what is left to be written.

        Args:
            adopt: takes over what a status tells of a monitor.

        Raises:
            SourceUnusable: nothing says where the API server is.
        """
        self._adopt = adopt
        try:
            await self._connection.renew()
            async with asyncio.TaskGroup() as tasks:
                ends = self._begin(tasks)
                yield
                await self.reporter.flush()
                for task in ends:
                    task.cancel()
        finally:
            await self._connection.close()

    async def confirm(self, keys: Collection[MonitorKey]) -> frozenset[MonitorKey]:
        """Take over what the API server knows of these monitors; return those that it told of."""
        confirmed: set[MonitorKey] = set()
        waiting = deque(keys)

        async def ask() -> None:
            while waiting:
                key = waiting.popleft()
                found = await self._sink.reread(key)
                if found is None:  # and so it will be for the others
                    waiting.clear()
                    return
                self._adopt(key, None, found.last_push)
                confirmed.add(key)

        with suppress(TimeoutError):
            async with asyncio.timeout(CONFIRM_SECONDS), asyncio.TaskGroup() as tasks:
                for _ in range(min(MAX_IN_FLIGHT, len(keys))):
                    tasks.create_task(ask())
        return frozenset(confirmed)

    def _begin(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[NoReturn]]:
        """Return what runs until it is cancelled."""
        if self.store is not None:
            self.store.begin(tasks)
        return [
            *self.source.begin(tasks, self._secrets),
            *self._secrets.begin(tasks),
            tasks.create_task(self._definition.check_forever(), name="check the definition"),
            tasks.create_task(self._events.tell_forever(), name="tell Events"),
            tasks.create_task(
                self.reporter.report_forever(self._sink, tasks), name="report status"
            ),
        ]

    def _shown(self, key: MonitorKey, found: MonitorObject) -> None:
        if self._sink.is_own(key, found):
            return
        stored = stored_in(found.status)
        self._adopt(key, stored.arming, stored.last_push)
        self.reporter.look(key)

    def _renew_tokens(self, key: MonitorKey) -> Awaitable[None] | None:
        row = self._table.row(key)
        return self._secrets.renew(secret_key_of(row.monitor)) if row else None


def own_namespace() -> str:
    """Return the namespace that this pod runs in; outside of a pod `default`."""
    named = os.environ.get("POD_NAMESPACE")
    if named:
        return named
    try:
        return _NAMESPACE_FILE.read_text(encoding="utf-8").strip() or "default"
    except OSError:
        return "default"
