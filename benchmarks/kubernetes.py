"""A cluster: start with many objects, pushes beside a busy watch, pushes stored in statuses.

The API server and etcd are real, except for the busy watch: an API server of this size cannot make
1,000 changes a second, so a stand-in sends prepared changes.
"""

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import http_pushes, targets
from benchmarks.api_clients import bare_patches_per_second, declare, set_expire_seconds
from benchmarks.busy_watch import KINDS, busy_watch
from benchmarks.load import Generator, Load, generator
from benchmarks.tables import Row, median, percentile, print_table, ratio
from tests.peers.cluster import ADMIN_TOKEN, ControlPlane, connected, control_plane, kubeconfig_text

HEADERS = ("objects", "case", "figure", "beside", "ratio")

# The API server reaches its full rate with this many requests in flight.
IN_FLIGHT = 16

# Far below the exporter's capacity, so that latency shows waiting and not load.
PUSHES_PER_SECOND = 200.0
CHANGES_PER_SECOND = 1000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--monitors", type=int, default=10_000, help="and as many Secrets")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    monitors, seconds, rounds = options.monitors, options.seconds, options.rounds
    rows: list[Row] = []
    with generator() as send:
        with cluster(monitors) as (plane, kubeconfig):
            rows += starts(monitors, kubeconfig, rounds)
            rows += changes(monitors, plane, kubeconfig)
        rows += beside_a_busy_watch(monitors, seconds, rounds, send)
        with cluster(1_000) as (plane, kubeconfig):
            rows.append(store(plane, kubeconfig, seconds, rounds, send))
    print_table("kubernetes", HEADERS, rows)


@contextmanager
def cluster(monitors: int) -> Iterator[tuple[ControlPlane, Path]]:
    """Run a control plane with this number of Monitors, each with its own Secret."""
    with targets.folder() as folder, control_plane(folder / "plane") as plane:
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(kubeconfig_text(plane.url, plane.ca_file, ADMIN_TOKEN))

        async def fill() -> None:
            async with connected(plane, folder / "cluster") as connection:
                await connection.install_crd()
                await declare(connection, targets.names(monitors), in_flight=IN_FLIGHT)

        asyncio.run(fill())
        yield plane, kubeconfig


def starts(monitors: int, kubeconfig: Path, rounds: int) -> Iterator[Row]:
    """Measure the time from the start of the process until ready, and its memory at that moment."""
    seconds: list[float] = []
    sizes: list[float] = []
    for _ in range(rounds):
        with targets.folder() as home:
            targets.configure(home)
            began = time.perf_counter()
            with targets.exporter(home, kubeconfig=kubeconfig) as server:
                seconds.append(time.perf_counter() - began)
                sizes.append(server.resident_bytes())
    yield f"{monitors:,}", "start to ready, s", median(seconds), None, None
    yield f"{monitors:,}", "resident memory, MiB", median(sizes) / 2**20, None, None


def changes(monitors: int, plane: ControlPlane, kubeconfig: Path) -> Iterator[Row]:
    """From one change of a spec until the next push is judged by it."""
    with targets.folder() as home:
        targets.configure(home)
        with targets.exporter(home, kubeconfig=kubeconfig) as server:
            seconds = [
                asyncio.run(_until_in_force(server, plane, home, 1_000 + number))
                for number in range(20)
            ]
    yield f"{monitors:,}", "one change to in force, ms", 1e3 * median(seconds), None, None


async def _until_in_force(
    server: targets.Server, plane: ControlPlane, home: Path, expire_seconds: int
) -> float:
    name = targets.names(1)[0]
    async with connected(plane, home / "cluster") as connection:
        await set_expire_seconds(connection, name, expire_seconds)
        began = time.perf_counter()
        await asyncio.to_thread(_until_pushed, server, name, expire_seconds)
        return time.perf_counter() - began


def _until_pushed(server: targets.Server, name: str, expire_seconds: int) -> None:
    while targets.expire_seconds(server, name) != expire_seconds:
        time.sleep(0.005)


def beside_a_busy_watch(
    monitors: int, seconds: float, rounds: int, send: Generator
) -> Iterator[Row]:
    """Measure the p99 of pushes at a fixed rate, in turn alone and beside a watch with changes."""
    for kind in KINDS:
        alone: list[float] = []
        beside: list[float] = []
        with targets.folder() as home, busy_watch(home, kind, monitors) as watch:
            targets.configure(home)
            with targets.exporter(home, kubeconfig=watch.kubeconfig) as server:
                requests = http_pushes.exporter_requests(monitors)
                for _ in range(rounds):
                    for rate, found in ((0.0, alone), (CHANGES_PER_SECOND, beside)):
                        watch.set_rate(rate)
                        load = Load(
                            server.port, requests, 32, seconds, per_second=PUSHES_PER_SECOND
                        )
                        answers = send(load).result()
                        assert not answers.failed, answers.failed
                        found.append(percentile(answers.latencies, 0.99))
                watch.set_rate(0)
        case = f"push p99 beside {CHANGES_PER_SECOND:,.0f} {kind} changes/s, ms; alone"
        busy, idle = 1e3 * median(beside), 1e3 * median(alone)
        yield f"{monitors:,}", case, busy, idle, ratio(busy, idle)


def store(
    plane: ControlPlane, kubeconfig: Path, seconds: float, rounds: int, send: Generator
) -> Row:
    """Measure in turn pushes that are stored in statuses, and bare patches of statuses."""
    pushes: list[float] = []
    patches: list[float] = []
    with targets.folder() as home:
        targets.configure(home)
        flags = ("--storage.url=kubernetes:", "--kubernetes.lease=default/benchmark")
        with targets.exporter(home, *flags, kubeconfig=kubeconfig) as server:
            requests = http_pushes.exporter_requests(1_000)
            _settle(server)
            for _ in range(rounds):
                answers = send(Load(server.port, requests, IN_FLIGHT, seconds)).result()
                assert not answers.failed, answers.failed
                pushes.append(answers.per_second)
                patches.append(_bare(plane, home, seconds))
    case = f"pushes/s with kubernetes:, {IN_FLIGHT} in flight; bare status patches/s"
    ours, bare = median(pushes), median(patches)
    return "1,000", case, ours, bare, ratio(ours, bare)


def _bare(plane: ControlPlane, home: Path, seconds: float) -> float:
    async def patch() -> float:
        async with connected(plane, home / "cluster") as connection:
            return await bare_patches_per_second(
                connection, targets.names(1_000), seconds, in_flight=IN_FLIGHT
            )

    return asyncio.run(patch())


def _settle(server: targets.Server) -> None:
    """Wait until the statuses of a first start are written."""
    _wait(lambda: b"\nyuptime_status_queue_length 0.0\n" in server.get("/metrics")[1])


def _wait(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + 120
    while not done():
        if time.monotonic() > limit:
            raise RuntimeError("the statuses of the first start are not written in two minutes")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
