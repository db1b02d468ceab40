"""Manifests: the time from a change to the first scrape with the change, and from start to ready."""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import targets
from benchmarks.tables import Row, median, print_table
from tests.manifests import monitor_yaml, write_manifests

HEADERS = ("manifests", "case", "changes", "median ms", "max ms")
MANIFESTS = 1_000

# Each monitor has this metric from its declaration on. A scrape of this metric alone is small.
_METRIC = "yuptime_monitor_expire_seconds"
_PATH = f"/metrics?name[]={_METRIC}"
_POLL_SECONDS = 0.01
_SHOWN_WITHIN_SECONDS = 15.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=20, help="of each kind")
    parser.add_argument("--starts", type=int, default=2)
    parser.add_argument("--manifests", type=int, nargs="*", default=[1_000, 10_000])
    options = parser.parse_args()
    rows: list[Row] = []
    with targets.folder() as home:
        targets.declare(home, MANIFESTS, per_file=1)
        with targets.exporter(home) as server:
            rows += _changes(server, home / "manifests", options.changes)
    for manifests in options.manifests:
        with targets.folder() as home:
            targets.declare(home, manifests, per_file=1)
            starts = [_start_seconds(home) for _ in range(options.starts)]
            rows.append(_row(manifests, "start to ready", starts))
    print_table("reload", HEADERS, rows)


def _changes(server: targets.Server, manifests: Path, count: int) -> Iterator[Row]:
    seconds = [_life(server, manifests, number) for number in range(count)]
    kinds = ("one added, until a scrape shows the change", "one changed", "one removed")
    for kind, own in zip(kinds, zip(*seconds, strict=True), strict=True):
        yield _row(MANIFESTS, kind, own)


def _life(server: targets.Server, manifests: Path, number: int) -> tuple[float, float, float]:
    """Add, change and remove a manifest; return the seconds until a scrape showed each step."""
    name, before, after = f"new-{number:05}", 300, 1_000 + number
    series = f'{_METRIC}{{monitor="{name}",namespace="{targets.NAMESPACE}"}}'
    return (
        _seconds(server, lambda: _declare(manifests, name, before), f"{series} {before}.0"),
        _seconds(server, lambda: _declare(manifests, name, after), f"{series} {after}.0"),
        _seconds(server, (manifests / f"{name}.yaml").unlink, series, gone=True),
    )


def _declare(manifests: Path, name: str, expire: int) -> None:
    document = monitor_yaml(name, namespace=targets.NAMESPACE, expire=expire)
    write_manifests(manifests, document, file_name=f"{name}.yaml")


def _seconds(
    server: targets.Server, change: Callable[[], None], text: str, *, gone: bool = False
) -> float:
    """Make a change; return the seconds until a scrape has the text, or with `gone` lacks it."""
    started = time.perf_counter()
    change()
    while (text.encode() in server.get(_PATH)[1]) is gone:
        if time.perf_counter() - started > _SHOWN_WITHIN_SECONDS:
            raise RuntimeError(f"not visible after {_SHOWN_WITHIN_SECONDS:g} s: {text}")
        time.sleep(_POLL_SECONDS)
    return time.perf_counter() - started


def _start_seconds(home: Path) -> float:
    started = time.perf_counter()
    with targets.exporter(home):
        return time.perf_counter() - started


def _row(manifests: int, case: str, seconds: Sequence[float]) -> Row:
    return (
        f"{manifests:,}",
        case,
        len(seconds),
        1e3 * median(seconds),
        1e3 * max(seconds, default=float("nan")),
    )


if __name__ == "__main__":
    main()
