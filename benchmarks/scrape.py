"""Scrapes: time and size, and the latency of pushes beside scrapes."""

import argparse
from collections.abc import Iterator

from benchmarks import http_pushes, targets
from benchmarks.load import Answers, Generator, Load, generator
from benchmarks.scraping import OPENMETRICS, TEXT, scrape, scrape_until_done
from benchmarks.tables import Row, median, percentile, print_table, ratio

MONITORS = (100, 1_000, 10_000)
HEADERS = ("monitors", "case", "ms", "bytes", "to idle or plain")

FORMATS: dict[str, tuple[str, bool]] = {
    "text": (TEXT, False),
    "text, gzip": (TEXT, True),
    "OpenMetrics": (OPENMETRICS, False),
    "OpenMetrics, gzip": (OPENMETRICS, True),
}

_PUSHES_PER_SECOND = 200.0


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
                    targets.fill_by_pushing(server, send, http_pushes.exporter_requests(monitors))
                    rows += _scrapes(server, monitors, options.rounds)
                    rows += _pushes(server, send, monitors, options)
    print_table("scrape", HEADERS, rows)


def _scrapes(server: targets.Server, monitors: int, rounds: int) -> Iterator[Row]:
    seconds: dict[str, list[float]] = {name: [] for name in FORMATS}
    sizes: dict[str, int] = {}
    for _ in range(rounds):
        for name, (accept, gzip) in FORMATS.items():
            elapsed, sizes[name] = scrape(server, accept=accept, gzip=gzip)
            seconds[name].append(elapsed)
    for name, measured in seconds.items():
        plain = median(seconds[name.removesuffix(", gzip")])
        compared = ratio(median(measured), plain) if name.endswith("gzip") else None
        yield (f"{monitors:,}", f"scrape: {name}", 1e3 * median(measured), sizes[name], compared)


def _pushes(
    server: targets.Server, send: Generator, monitors: int, options: argparse.Namespace
) -> Iterator[Row]:
    """Yield the p99 of pushes without scrapes, and the p99 of pushes beside scrapes."""
    load = Load(
        server.port,
        http_pushes.exporter_requests(monitors),
        connections=16,
        seconds=options.seconds,
        per_second=_PUSHES_PER_SECOND,
    )
    idle: list[float] = []
    scraped: list[float] = []
    for _ in range(options.rounds):
        idle.append(_p99_ms(send(load).result()))
        pushing = send(load)
        scrape_until_done(server, pushing)
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


if __name__ == "__main__":
    main()
