"""Scrapes: time and size, and the latency of pushes beside scrapes."""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import Future

from benchmarks import targets
from benchmarks.load import Answers, Generator, Load, generator
from benchmarks.tables import Row, median, percentile, print_table, ratio

MONITORS = (100, 1_000, 10_000)
HEADERS = ("monitors", "case", "ms", "bytes", "to idle or plain")

_TEXT = "text/plain;version=0.0.4"
_OPENMETRICS = "application/openmetrics-text;version=1.0.0"
FORMATS: dict[str, dict[str, str]] = {
    "text": {"Accept": _TEXT},
    "text, gzip": {"Accept": _TEXT, "Accept-Encoding": "gzip"},
    "OpenMetrics": {"Accept": _OPENMETRICS},
    "OpenMetrics, gzip": {"Accept": _OPENMETRICS, "Accept-Encoding": "gzip"},
}

_PUSHES_PER_SECOND = 200.0
_SCRAPE_INTERVAL_SECONDS = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.4, help="of pushes in each round")
    parser.add_argument("--monitors", type=int, nargs="*", default=MONITORS)
    options = parser.parse_args()
    rows: list[Row] = []
    with generator() as send:
        for monitors in options.monitors:
            with targets.folder() as home:
                targets.declare(home, monitors)
                with targets.exporter(home) as server:
                    targets.fill_by_pushing(server, send, targets.exporter_requests(monitors))
                    rows += _scrapes(server, monitors, options.rounds)
                    rows += _pushes(server, send, monitors, options)
    print_table("scrape", HEADERS, rows)


def _scrapes(server: targets.Server, monitors: int, rounds: int) -> Iterator[Row]:
    seconds: dict[str, list[float]] = {name: [] for name in FORMATS}
    sizes: dict[str, int] = {}
    for _ in range(rounds):
        for name, headers in FORMATS.items():
            elapsed, sizes[name] = _scrape(server, headers)
            seconds[name].append(elapsed)
    for name, measured in seconds.items():
        plain = median(seconds[name.removesuffix(", gzip")])
        compared = ratio(median(measured), plain) if name.endswith("gzip") else None
        yield (f"{monitors:,}", f"scrape: {name}", 1e3 * median(measured), sizes[name], compared)


def _scrape(server: targets.Server, headers: dict[str, str]) -> tuple[float, int]:
    started = time.perf_counter()
    status, body = server.get("/metrics", headers)
    assert status == 200
    return time.perf_counter() - started, len(body)


def _pushes(
    server: targets.Server, send: Generator, monitors: int, options: argparse.Namespace
) -> Iterator[Row]:
    """Yield the p99 of pushes without scrapes, and the p99 of pushes beside scrapes."""
    load = Load(
        server.port,
        targets.exporter_requests(monitors),
        connections=16,
        seconds=options.seconds,
        per_second=_PUSHES_PER_SECOND,
    )
    idle: list[float] = []
    scraped: list[float] = []
    for _ in range(options.rounds):
        idle.append(_p99_ms(send(load).result()))
        pushing = send(load)
        _scrape_until_done(server, pushing)
        scraped.append(_p99_ms(pushing.result()))
    rate = f"{_PUSHES_PER_SECOND:g}/s"
    yield (f"{monitors:,}", f"push p99 at {rate}: idle", median(idle), None, None)
    compared = ratio(median(scraped), median(idle))
    yield (
        f"{monitors:,}",
        f"push p99 at {rate}: scraped each second",
        median(scraped),
        None,
        compared,
    )


def _p99_ms(answers: Answers) -> float:
    if answers.failed:
        raise RuntimeError(f"pushes failed: {dict(answers.failed)}")
    return 1e3 * percentile(answers.latencies, 0.99)


def _scrape_until_done(server: targets.Server, pushing: "Future[Answers]") -> None:
    """Scrape as Prometheus does: OpenMetrics, compressed, at a fixed interval."""
    due = time.monotonic() + _SCRAPE_INTERVAL_SECONDS / 4
    while not pushing.done():
        time.sleep(0.005)
        if time.monotonic() >= due:
            due += _SCRAPE_INTERVAL_SECONDS
            _scrape(server, FORMATS["OpenMetrics, gzip"])


if __name__ == "__main__":
    main()
