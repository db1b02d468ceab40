"""The SQLite store alone: pushes a second and processor time, without HTTP and without judging."""

import argparse
import asyncio
import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from benchmarks import targets
from benchmarks.tables import Row, median, print_table
from yuptime_exporter.core.model import (
    Arming,
    LastPush,
    Monitor,
    MonitorKey,
    Push,
    PushKind,
    TokenRef,
)
from yuptime_exporter.core.model import (
    Row as MonitorRow,
)
from yuptime_exporter.core.ports import PushSave
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.stores.sqlite.store import SqliteStore

WAITING = (1, 32, 256)
HEADERS = ("monitors", "waiting", "pushes/s", "cpu us", "p99 ms", "file MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pushes", type=int, default=60_000, help="of each round")
    parser.add_argument("--monitors", type=int, nargs="*", default=(10, 10_000))
    options = parser.parse_args()
    rows: list[Row] = []
    for monitors in options.monitors:
        for waiting in WAITING:
            pushes = options.pushes if waiting > 1 else options.pushes // 20
            rounds = [_round(monitors, waiting, pushes) for _ in range(options.rounds)]
            figures = [median(column) for column in zip(*rounds, strict=True)]
            rows.append((f"{monitors:,}", f"{waiting}", *figures))
    print_table("store", HEADERS, rows)


def _round(monitors: int, waiting: int, pushes: int) -> tuple[float, float, float, float]:
    """Return pushes a second, us of processor time, ms of the slowest percent, and MB of the file."""
    with targets.folder() as home:
        path = Path(home) / "yuptime.db"
        figures = asyncio.run(_stored(path, monitors, waiting, pushes))
        return *figures, path.stat().st_size / 1e6


async def _stored(
    path: Path, monitors: int, waiting: int, pushes: int
) -> tuple[float, float, float]:
    store = SqliteStore(
        path, metrics=StoreMetrics(CollectorRegistry()), clock=time.time, history_limit=100
    )
    await store.restore()
    declared = [
        Monitor(MonitorKey("prod", f"monitor-{number}"), TokenRef("tokens", "token"))
        for number in range(monitors)
    ]
    last: dict[MonitorKey, LastPush] = {}
    order = random.Random(1)  # noqa: S311  no secret
    numbers = iter([order.randrange(monitors) for _ in range(pushes + monitors)])
    latencies: list[float] = []

    async def push_until(ends: Iterator[int]) -> None:
        for _ in ends:
            monitor = declared[next(numbers)]
            before = last.get(monitor.key)
            push = Push(PushKind.UP, time.time(), "42 files copied")
            total = before.pushes_total + 1 if before else 1
            at = push.received_timestamp
            after = LastPush(PushKind.UP, push.message, at, at, at, total)
            last[monitor.key] = after  # several pushes to one monitor may wait
            began = time.perf_counter()
            saved: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            save = PushSave(MonitorRow(monitor, Arming(0.0), before), after, (push,))
            store.save_pushes([save], partial(_saved, saved))
            await saved
            latencies.append(time.perf_counter() - began)

    began, used = time.perf_counter(), time.process_time()
    ends = iter(range(pushes))
    await asyncio.gather(*(push_until(ends) for _ in range(waiting)))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - used
    await store.close()
    latencies.sort()
    p99 = latencies[int(0.99 * len(latencies))]
    return pushes / seconds, 1e6 * cpu_seconds / pushes, 1e3 * p99


def _saved(saved: "asyncio.Future[object]", _saves: object, outcome: object) -> None:
    if isinstance(outcome, Exception):
        saved.set_exception(outcome)
    else:
        saved.set_result(outcome)


if __name__ == "__main__":
    main()
