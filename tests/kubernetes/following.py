"""A mirror that follows the Monitors of one namespace, and the changes that it has reported."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from prometheus_client import CollectorRegistry

from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.faults import WATCHES, When
from tests.peers.cluster import Cluster
from tests.waiting import eventually
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.collection import Collection, ObjectName
from yuptime_exporter.kubernetes.connection import Connection
from yuptime_exporter.kubernetes.limits import ApiLimits
from yuptime_exporter.kubernetes.mirror import Mirror
from yuptime_exporter.metrics.kubernetes import FollowFailure, KubernetesMetrics
from yuptime_exporter.sources.kubernetes import remedies

LISTS = When(path="/monitors", watch=False)
GROUP = "/apis/monitoring.yuptime.io/v1"


class Following:
    """Keeps the `expireSeconds` of each Monitor; one with 13 is not kept."""

    def __init__(self, api: Api, collection: Collection) -> None:
        self.registry = CollectorRegistry()
        self.told: list[tuple[str, int | None, int | None]] = []
        self.shown: dict[str, int] = {}
        self.api = api
        self.mirror = Mirror[int](
            api,
            collection,
            decode=self._decode,
            on_change=self._changed,
            metrics=KubernetesMetrics(self.registry),
            clock=monotonic,
        )

    def _decode(self, raw: Mapping[str, Any]) -> int | None:
        seconds: int = raw["spec"]["target"]["push"]["expireSeconds"]
        return None if seconds == 13 else seconds

    def _changed(self, name: ObjectName, before: int | None, after: int | None) -> None:
        assert self.shown.get(name.name) == before
        self.told.append((name.name, before, after))
        if after is None:
            del self.shown[name.name]
        else:
            self.shown[name.name] = after

    @property
    def held(self) -> dict[str, int]:
        return {name.name: value for name, value in self.mirror.objects.items()}

    def count(self, what: str) -> float:
        name = f"yuptime_kubernetes_{what}"
        value = self.registry.get_sample_value(name, {"resource": "monitors"})
        assert value is not None
        return value

    @property
    def lists(self) -> float:
        return self.count("lists_total")

    @property
    def errors(self) -> dict[str, float]:
        """The number of errors by reason, without zeros."""
        found = {}
        for failure in FollowFailure:
            labels = {"resource": "monitors", "reason": str(failure)}
            value = self.registry.get_sample_value("yuptime_kubernetes_errors_total", labels)
            if value:
                found[str(failure)] = value
        return found

    async def holds(self, expected: dict[str, int]) -> None:
        """Return when these are held, and their changes are reported."""

        async def ask() -> tuple[dict[str, int], dict[str, int]]:
            return self.held, self.shown

        await eventually(ask, lambda both: both == (expected, expected))

    async def fails(self, about: str) -> None:
        async def ask() -> str | None:
            return self.mirror.failure

        await eventually(ask, lambda failure: failure is not None and about in failure)

    async def is_well(self) -> None:
        async def ask() -> str | None:
            return self.mirror.failure

        await eventually(ask, lambda failure: failure is None)


@asynccontextmanager
async def following(
    kubeconfig: Path, namespace: str, *, limits: ApiLimits | None = None
) -> AsyncIterator[Following]:
    """Follow until the end of the block; an error that ends the mirror fails the test."""
    connection = Connection(kubeconfig, clock=monotonic, limits=limits)
    path = f"{GROUP}/namespaces/{namespace}/monitors"
    one = Following(Api(connection), Collection("monitors", path, remedies=remedies.MONITORS))
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(one.mirror.run())
            yield one
            running.cancel()
    finally:
        await connection.close()


class Monitors:
    """The Monitors of a namespace, changed by their owner without the proxy."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.path = f"{GROUP}/namespaces/{namespace}/monitors"

    async def create(self, name: str, seconds: int = 300) -> dict[str, Any]:
        push = {"expireSeconds": seconds, "tokenSecretRef": {"name": "s", "key": "token"}}
        body = {
            "apiVersion": "monitoring.yuptime.io/v1",
            "kind": "Monitor",
            "metadata": {"name": name},
            "spec": {"type": "push", "target": {"push": push}},
        }
        return await self._done("POST", self.path, body)

    async def change(self, name: str, seconds: int) -> dict[str, Any]:
        body = {"spec": {"target": {"push": {"expireSeconds": seconds}}}}
        return await self._done("PATCH", f"{self.path}/{name}", body)

    async def delete(self, name: str) -> None:
        await self._done("DELETE", f"{self.path}/{name}")

    async def _done(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        status, answer = await self.cluster.request(method, path, body, content_type=kind)
        assert status < 300, answer
        found: dict[str, Any] = answer
        return found


@dataclass
class Scene:
    """A mirror that has listed two Monitors through a proxy, and watches them."""

    monitors: Monitors
    proxy: FaultProxy
    one: Following

    async def watched_again(self) -> None:
        """Break all connections; return when the next watch was requested."""
        count = len(self.proxy.seen(WATCHES))
        self.proxy.drop_connections()
        await eventually(self.proxy.asked(WATCHES), lambda asked: asked > count)


@asynccontextmanager
async def watching(
    monitors: Monitors, proxy: FaultProxy, cluster: Cluster, *, limits: ApiLimits | None = None
) -> AsyncIterator[Scene]:
    """List two Monitors through the proxy and watch them, until the end of the block."""
    await monitors.create("a", 100)
    await monitors.create("b", 200)
    kubeconfig = proxy.kubeconfig(cluster.admin_token)
    async with following(kubeconfig, monitors.namespace, limits=limits) as one:
        await one.mirror.synced.wait()
        await eventually(proxy.waiting(WATCHES))
        yield Scene(monitors, proxy, one)
