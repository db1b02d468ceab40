"""The status of Monitors as the place where pushes are stored: of a fake or of a real API server."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import yaml
from prometheus_client import CollectorRegistry

from tests.exporters import StandingClock
from tests.fakes.api_server import FakeApiServer
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.cluster import MERGE_PATCH, Cluster
from tests.stores.contract import HISTORY_LIMIT, Capability, Connected, SettableClock
from tests.waiting import eventually
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.replication import Replication
from yuptime_exporter.metrics.process import ReadinessMetrics
from yuptime_exporter.moments import whole_rfc3339
from yuptime_exporter.settings.model import ClusterSource, LeaseName, StatusStorage
from yuptime_exporter.wiring.cluster import cluster_parts

Object = dict[str, Any]


class Objects(Protocol):
    """The Monitor objects of one namespace."""

    namespace: str
    clock: SettableClock
    kubeconfig: Path

    async def create(self, monitor: Object) -> None:
        """Create a Monitor, now by the clock."""

    async def change(self, monitor: Object) -> None:
        """Change the spec of a Monitor."""

    async def delete(self, name: str) -> None:
        """Delete a Monitor."""

    async def is_past(self, timestamp: float) -> bool:
        """Return whether a Monitor would now be created after this moment."""


class StatusPlace:
    """A `Place` in the status of Monitors."""

    lacks: Mapping[Capability, str] = {
        Capability.REMOVED_HISTORY: "the status of a Monitor is deleted together with it",
        Capability.DURABLE_HISTORY: "a status has room for the last push only",
    }

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._declared: set[str] = set()
        self.namespace = objects.namespace
        self.clock = objects.clock

    @asynccontextmanager
    async def connected(
        self, table: MonitorTable, replication: Replication
    ) -> AsyncIterator[Connected]:
        registry = CollectorRegistry()
        settings = ClusterSource(
            namespaces=(self.namespace,),
            kubeconfig=self._objects.kubeconfig,
            secrets_mode="watch",
            lease=LeaseName(self.namespace, "yuptime-exporter"),
            status_max_qps=100.0,
            storage=StatusStorage(HISTORY_LIMIT),
        )
        parts = cluster_parts(
            settings,
            table,
            Readiness(ReadinessMetrics(registry)),
            registry,
            adopt=replication.adopt,
            clock=self.clock,
        )
        async with parts.running():
            yield Connected(parts.store, parts.history, parts.source, parts.after_push)

    async def declare(self, enabled: Mapping[str, bool]) -> None:
        for name in self._declared - enabled.keys():
            await self._objects.delete(name)
        for name, active in enabled.items():
            monitor = yaml.safe_load(monitor_yaml(name, namespace=self.namespace, enabled=active))
            act = self._objects.change if name in self._declared else self._objects.create
            await act(monitor)
        self._declared = set(enabled)

    async def recreate(self, name: str) -> None:
        last_push = self.clock()

        async def is_past() -> bool:
            return await self._objects.is_past(last_push + MAX_FUTURE_SECONDS)

        await eventually(is_past)
        await self._objects.delete(name)
        await self._objects.create(yaml.safe_load(monitor_yaml(name, namespace=self.namespace)))

    async def restored(self) -> Restored:
        """Return the state that one more replica restores from the API server."""
        table = MonitorTable(silence_is_outage_after_seconds=0)
        replication = Replication(table, on_push=lambda *_: None, clock=self.clock)
        async with self.connected(table, replication) as connected:
            return await connected.store.restore()


class FakeObjects:
    """`Objects` of the fake API server, which creates them by the clock of the test."""

    namespace = "jobs"

    def __init__(self, server: FakeApiServer) -> None:
        self.kubeconfig = server.kubeconfig
        self.clock: SettableClock = StandingClock()
        self._server = server
        secret = yaml.safe_load(secret_yaml(namespace=self.namespace))
        server.put("secrets", self.namespace, secret["metadata"]["name"], data={"token": "eA=="})

    async def create(self, monitor: Object) -> None:
        created = {"creationTimestamp": whole_rfc3339(self.clock())}
        self._put({**monitor, "metadata": {**monitor["metadata"], **created}})

    async def change(self, monitor: Object) -> None:
        self._put(monitor)

    async def delete(self, name: str) -> None:
        self._server.delete("monitors", self.namespace, name)

    async def is_past(self, timestamp: float) -> bool:
        self.clock.advance(max(0.0, timestamp + 1 - self.clock()))
        return True

    def _put(self, monitor: Object) -> None:
        self._server.put("monitors", self.namespace, monitor["metadata"]["name"], **monitor)


class PassingClock:
    """A clock that goes on by itself, as that of an API server does, and can be set."""

    def __init__(self) -> None:
        self._ahead_seconds = 0.0

    def __call__(self) -> float:
        return round(time.time() + self._ahead_seconds, 6)  # noqa: TID251

    def advance(self, seconds: float) -> None:
        self._ahead_seconds += seconds


class ClusterObjects:
    """`Objects` of a real API server, which creates them by its own clock."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.namespace = namespace
        self.kubeconfig = cluster.kubeconfig()
        self.clock: SettableClock = PassingClock()
        self._cluster = cluster
        self._path = f"/apis/monitoring.yuptime.io/v1/namespaces/{namespace}/monitors"

    async def create(self, monitor: Object) -> None:
        await self._ask("POST", self._path, monitor)

    async def change(self, monitor: Object) -> None:
        path = f"{self._path}/{monitor['metadata']['name']}"
        await self._ask("PATCH", path, {"spec": monitor["spec"]}, content_type=MERGE_PATCH)

    async def delete(self, name: str) -> None:
        await self._ask("DELETE", f"{self._path}/{name}")

    async def is_past(self, timestamp: float) -> bool:
        probe = yaml.safe_load(monitor_yaml("probe", namespace=self.namespace))
        created = await self._ask("POST", self._path, probe, query={"dryRun": "All"})
        moment = datetime.fromisoformat(created["metadata"]["creationTimestamp"])
        return moment.timestamp() > timestamp

    async def _ask(self, method: str, path: str, body: object = None, **options: Any) -> Object:
        status, answer = await self._cluster.request(method, path, body, **options)
        assert status in (200, 201), answer
        return dict(answer)
