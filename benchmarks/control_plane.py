"""A real API server that is filled with objects, and patched as fast as it goes."""

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from benchmarks import targets
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.cluster import (
    ADMIN_TOKEN,
    CRD,
    MERGE_PATCH,
    Cluster,
    connected,
    control_plane,
    kubeconfig_text,
)

# So many requests reach what an API server on two cores can take.
IN_FLIGHT = 16

_MONITORS = "/apis/monitoring.yuptime.io/v1/namespaces/{}/monitors"
_SECRETS = "/api/v1/namespaces/{}/secrets"


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Where it is, and who may do everything there."""

    url: str
    ca_file: Path
    kubeconfig: Path

    def patch(self, path: str, body: object) -> None:
        """Change one object."""
        asyncio.run(self._patch(path, body))

    async def _patch(self, path: str, body: object) -> None:
        async with _session(self.ca_file) as session:
            await _done(session.patch(self.url + path, data=json.dumps(body), headers=_PATCHING))

    def post(self, path: str, body: object) -> None:
        """Create one object."""
        asyncio.run(self._create([(path, body)]))

    def delete(self, path: str) -> None:
        """Delete one object."""
        asyncio.run(self._delete(path))

    async def _delete(self, path: str) -> None:
        async with _session(self.ca_file) as session:
            await _done(session.delete(self.url + path))

    def fill(self, namespace: str, monitors: int, *, secrets: bool) -> None:
        """Create so many Monitors, and the Secrets that they name: one for each, or one for all."""
        wanted: list[tuple[str, object]] = [("/api/v1/namespaces", {"metadata": {"name": namespace}})]
        asyncio.run(self._create(wanted))
        names = targets.names(monitors)
        asyncio.run(
            self._create(
                [secret(namespace, name) for name in (names if secrets else ["push-token"])]
                + [
                    monitor(namespace, name, secret_name=name if secrets else "push-token")
                    for name in names
                ]
            )
        )

    async def _create(self, wanted: list[tuple[str, object]]) -> None:
        waiting = iter(wanted)
        async with _session(self.ca_file) as session, asyncio.TaskGroup() as tasks:

            async def create() -> None:
                for path, body in waiting:
                    await _done(session.post(self.url + path, data=json.dumps(body)))

            for _ in range(IN_FLIGHT):
                tasks.create_task(create())


def monitor_path(namespace: str, name: str) -> str:
    return f"{_MONITORS.format(namespace)}/{name}"


def secret_path(namespace: str, name: str) -> str:
    return f"{_SECRETS.format(namespace)}/{name}"


def monitor(namespace: str, name: str, *, secret_name: str, expire: int = 300) -> tuple[str, Any]:
    """Return a Monitor, and where it is created."""
    text = monitor_yaml(name, namespace=namespace, secret=secret_name, expire=expire)
    return _MONITORS.format(namespace), yaml.load(text, yaml.CSafeLoader)


def secret(namespace: str, name: str) -> tuple[str, Any]:
    """Return a Secret with the token of all, and where it is created."""
    text = secret_yaml(name, namespace=namespace)
    return _SECRETS.format(namespace), yaml.load(text, yaml.CSafeLoader)


@contextmanager
def api_server(home: Path) -> Iterator[ApiServer]:
    """Run etcd and an API server, with the definition of Monitors and nothing else in it."""
    with control_plane(home / "plane") as plane:
        kubeconfig = home / "kubeconfig"
        kubeconfig.write_text(kubeconfig_text(plane.url, plane.ca_file, ADMIN_TOKEN))

        async def install() -> None:
            async with connected(plane, home / "kubectl") as cluster:
                await _install(cluster)

        asyncio.run(install())
        yield ApiServer(plane.url, plane.ca_file, kubeconfig)


async def _install(cluster: Cluster) -> None:
    await cluster.install_crd(CRD)


BareLoop = Callable[[str, int, float], "Future[float]"]


@contextmanager
def bare_loop(server: ApiServer) -> Iterator[BareLoop]:
    """Give what patches the status of so many monitors of a namespace, from another process.

    What it returns is how many patches a second were accepted.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:

        def start(namespace: str, monitors: int, seconds: float) -> "Future[float]":
            urls = [server.url + monitor_path(namespace, one) for one in targets.names(monitors)]
            return pool.submit(_patch_in_a_loop, urls, server.ca_file, seconds)

        yield start


def _patch_in_a_loop(urls: list[str], ca_file: Path, seconds: float) -> float:
    return asyncio.run(_patches_per_second(urls, ca_file, seconds))


async def _patches_per_second(urls: list[str], ca_file: Path, seconds: float) -> float:
    accepted = 0
    async with _session(ca_file) as session:
        began = time.perf_counter()

        async def patch(first: int) -> None:
            nonlocal accepted
            number = first
            while time.perf_counter() < began + seconds:
                url = f"{urls[number % len(urls)]}/status"
                body = json.dumps({"status": _heartbeat(number)})
                await _done(session.patch(url, data=body, headers=_PATCHING))
                accepted += 1
                number += IN_FLIGHT

        async with asyncio.TaskGroup() as tasks:
            for first in range(IN_FLIGHT):
                tasks.create_task(patch(first))
        return accepted / (time.perf_counter() - began)


def _heartbeat(number: int) -> Mapping[str, object]:
    """Return the part of a status that a push changes that confirms the one before."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{number % 10**6:06}Z"
    push = dict.fromkeys(("expiresAt", "downAt", "lastPushTime", "lastSuccessTime"), moment)
    return {"lastResult": {"checkedAt": moment}, "push": {**push, "count": number}}


_PATCHING = {"Content-Type": MERGE_PATCH}


def _session(ca_file: Path) -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=ca_file)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=0),
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"},
    )


async def _done(request: "aiohttp.client._RequestContextManager") -> None:
    """Make a request, and insist on success."""
    async with request as response:
        text = await response.text()
        if not response.ok:
            raise RuntimeError(f"{response.url} answered {response.status}: {text[:500]}")
