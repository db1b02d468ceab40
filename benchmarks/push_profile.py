"""A profile of the push path: the functions of the event loop's thread, by their own time.

The profiler slows each call down, and sees no compiled function, so plain Python is profiled. Trust
the order and the number of calls; `sweep` has the times.
"""

import argparse
import marshal
import os
import re
from pathlib import Path

from benchmarks import http_pushes, targets
from benchmarks.load import Generator, Load, generator
from benchmarks.tables import CHECKOUT_VARIABLE, Row, print_table

HEADERS = ("own us/push", "share", "calls/push", "function")
Profile = dict[str, tuple[int, float]]
"""Calls and own seconds of each function."""

_SITE_PACKAGES = re.compile(r"^.*/(?:site-packages|lib/python3\.\d+)/")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--monitors", type=int, default=1_000)
    parser.add_argument("--functions", type=int, default=25, help="how many to list")
    options = parser.parse_args()
    os.environ.pop(CHECKOUT_VARIABLE, None)
    with generator() as send, targets.folder() as home:
        targets.declare(home, options.monitors)
        start, _ = _profiled(home, send, options.monitors, seconds=0.0)
        whole, pushes = _profiled(home, send, options.monitors, seconds=options.seconds)
    print_table("push_profile", HEADERS, _rows(start, whole, pushes, options.functions))


def _profiled(home: Path, send: Generator, monitors: int, *, seconds: float) -> tuple[Profile, int]:
    """Run the exporter with pushes for this time; return its profile and the number of pushes."""
    file = home / "profile"
    requests = http_pushes.exporter_requests(monitors)
    with targets.exporter(home, profile=file) as server:
        load = Load(server.port, requests, connections=32, seconds=seconds)
        pushes = len(send(load).result().latencies) if seconds else 0
    # The dump of cProfile: place and name of each function with its calls and its own time.
    dump = marshal.loads(file.read_bytes())  # noqa: S302  written by this benchmark
    return {
        f"{_place(file_name)} {name}": (calls, own_seconds)
        for (file_name, _, name), (_, calls, own_seconds, *_) in dump.items()
        if not _waits(name)
    }, pushes


def _rows(start: Profile, whole: Profile, pushes: int, functions: int) -> list[Row]:
    """Return the functions with the most time for pushes, and the total without the start."""
    counted = []
    for name, (calls, own_seconds) in whole.items():
        start_calls, start_seconds = start.get(name, (0, 0.0))
        counted.append((max(0.0, own_seconds - start_seconds), calls - start_calls, name))
    total = sum(seconds for seconds, _, _ in counted)
    rows: list[Row] = [
        (1e6 * seconds / pushes, f"{seconds / total:.0%}", calls / pushes, name)
        for seconds, calls, name in sorted(counted, reverse=True)[:functions]
    ]
    calls = sum(calls for _, calls, _ in counted)
    return [*rows, (1e6 * total / pushes, "100%", calls / pushes, "all")]


def _waits(name: str) -> bool:
    """Whether the function waits for the next event."""
    return "select.epoll" in name or name == "select"


def _place(file_name: str) -> str:
    path = _SITE_PACKAGES.sub("", file_name)
    return path[path.find("yuptime_exporter/") :] if "yuptime_exporter/" in path else path


if __name__ == "__main__":
    main()
