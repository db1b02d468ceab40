"""Requests of a benchmark to a real API server."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from benchmarks.targets import NAMESPACE
from tests.manifests import TOKEN
from tests.peers.cluster import MERGE_PATCH, Cluster
from yuptime_exporter.moments import exact_rfc3339

_MONITORS = f"/apis/monitoring.yuptime.io/v1/namespaces/{NAMESPACE}/monitors"


async def declare(cluster: Cluster, names: Iterable[str], *, in_flight: int) -> None:
    """Create a Monitor and a Secret for each name; all Secrets have the same token."""
    await _good(cluster, "POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})

    async def create(name: str) -> None:
        secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"
        secret = {"metadata": {"name": name}, "stringData": {"token": TOKEN}}
        await _good(cluster, "POST", secrets, secret)
        await _good(cluster, "POST", _MONITORS, monitor(name, 3600))

    await _each(list(names), create, in_flight)


def monitor(name: str, expire_seconds: int) -> dict[str, object]:
    """Return a Monitor with its token in the Secret of the same name."""
    push = {"tokenSecretRef": {"name": name, "key": "token"}, "expireSeconds": expire_seconds}
    return {
        "apiVersion": "monitoring.yuptime.io/v1",
        "kind": "Monitor",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "type": "push",
            "target": {"push": push},
            "alerting": {"labels": {"team": "benchmarks"}},
        },
    }


async def set_expire_seconds(cluster: Cluster, name: str, seconds: int) -> None:
    """Change the spec of a Monitor."""
    patch = {"spec": {"target": {"push": {"expireSeconds": seconds}}}}
    await _good(cluster, "PATCH", f"{_MONITORS}/{name}", patch, MERGE_PATCH)


async def bare_patches_per_second(
    cluster: Cluster, names: Sequence[str], seconds: float, *, in_flight: int
) -> float:
    """Patch statuses with the fields that a push changes, for this number of seconds."""
    began = time.perf_counter()
    done = 0

    async def patch(first: int) -> None:
        nonlocal done
        turn = first
        while time.perf_counter() < began + seconds:
            now = exact_rfc3339(time.time())
            push = dict.fromkeys(("lastPushTime", "expiresAt", "downAt", "lastSuccessTime"), now)
            status = {"push": {**push, "count": turn}, "lastResult": {"checkedAt": now}}
            path = f"{_MONITORS}/{names[turn % len(names)]}/status"
            await _good(cluster, "PATCH", path, {"status": status}, MERGE_PATCH)
            turn += in_flight
            done += 1

    async with asyncio.TaskGroup() as tasks:
        for first in range(in_flight):
            tasks.create_task(patch(first))
    return done / (time.perf_counter() - began)


async def _each(names: Sequence[str], do: Callable[[str], Awaitable[None]], in_flight: int) -> None:
    left = iter(names)

    async def work() -> None:
        for name in left:
            await do(name)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(in_flight):
            tasks.create_task(work())


async def _good(
    cluster: Cluster, method: str, path: str, body: object, content_type: str = "application/json"
) -> None:
    status, answer = await cluster.request(method, path, body, content_type=content_type)
    if status >= 300:
        raise RuntimeError(f"{method} {path} was answered {status}: {json.dumps(answer)[:500]}")
