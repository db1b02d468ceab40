"""Everything beside both Pushgateways in one run: pushes, scrapes, memory, and the start.

The exporter checks a token and answers after the push and its history are on the disk. The
Pushgateways keep pushes in memory. Each round measures every server, so other load on the machine
affects all servers alike.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks import http_pushes, targets
from benchmarks.contest import Contest, Contestant, Figures, contest, on_one_core, saturate
from benchmarks.load import Generator, Load, generator
from benchmarks.scraping import scrape, scrape_until_done
from benchmarks.tables import Row, median, percentile, print_table, ratio
from benchmarks.wrk import Saturated, Wrk, wrk

HEADERS = ("monitors", "work", "server", "figure", "exporter/it", "target")

# How many pushes come between two scrapes, as a share of the monitors: 5 % of them changed.
_CHANGED_SHARE = 0.05
_PUSHES_PER_SECOND = 1_000.0

# With its check and 10,000 groups, a Pushgateway answers 32 connections after five seconds.
_SECONDS_OF_SLOW_ANSWERS = 30


@dataclass(frozen=True, slots=True)
class Bound:
    """The wanted ratio of the exporter's figure to that of a Pushgateway."""

    ratio: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.ratio:.3g}x"


@dataclass(frozen=True, slots=True)
class Plan:
    """How often and how long each figure is measured, and with which tools."""

    rounds: int
    seconds: int
    send: Generator
    wrk: Wrk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="for each measurement")
    parser.add_argument("--few", type=int, default=1_000, help="monitors of new connections")
    parser.add_argument("--many", type=int, default=10_000, help="monitors of most rows")
    parser.add_argument("--most", type=int, default=100_000, help="monitors of memory and start")
    options = parser.parse_args()
    rows: list[Row] = []
    with generator() as send, wrk() as saturation:
        plan = Plan(options.rounds, options.seconds, send, saturation)
        for monitors, parts, check in (
            (options.few, (_new_connections, _default_check), True),
            (options.many, (_saturation, _default_check, _scrapes, _beside_scrapes), True),
            (options.most, (_scrapes, _memory), False),
        ):
            with (
                targets.folder() as home,
                contest(home, monitors, send, saturation, check=check) as servers,
            ):
                for part in parts:
                    rows += part(plan, servers)
        rows += _start(plan, options.most)
    print_table("pushgateway", HEADERS, rows)


def _saturation(plan: Plan, servers: Contest) -> Iterator[Row]:
    """Yield rates, processor time and latency of pushes without the consistency check."""
    contestants = (servers.exporter, *servers.unchecked)
    for connections, rate in ((32, 1.3), (256, 2.0)):
        found = saturate(
            plan.wrk,
            contestants,
            rounds=plan.rounds,
            seconds=plan.seconds,
            connections=connections,
        )
        own = f"{connections} connections"
        yield from _rows(servers, f"pushes/s, {own}", _rates(found), Bound(rate, at_least=True))
        cpu = _each(found, lambda one: one.cpu_us)
        yield from _rows(servers, f"CPU us/push, {own}", cpu, Bound(1 / 2.5))
        p99 = _each(found, lambda one: 1e3 * one.p99_seconds)
        bound = Bound(1 / 5) if connections == 32 else None
        yield from _rows(servers, f"p99 ms, {own}", p99, bound)


def _new_connections(plan: Plan, servers: Contest) -> Iterator[Row]:
    found = saturate(
        plan.wrk,
        (servers.exporter, *servers.unchecked),
        rounds=plan.rounds,
        seconds=plan.seconds,
        connections=32,
        close=True,
    )
    yield from _rows(
        servers, "pushes/s, a new connection each", _rates(found), Bound(1.2, at_least=True)
    )


def _default_check(plan: Plan, servers: Contest) -> Iterator[Row]:
    """Yield the rates beside Pushgateways as they are by default."""
    are_many = servers.monitors >= 10_000
    found = saturate(
        plan.wrk,
        (servers.exporter, *servers.checked),
        rounds=plan.rounds,
        seconds=_SECONDS_OF_SLOW_ANSWERS if are_many else 2 * plan.seconds,
        connections=32,
    )
    bound = Bound(3_000 if are_many else 150, at_least=True)
    yield from _rows(servers, "pushes/s, 32 connections, with their check", _rates(found), bound)


def _scrapes(plan: Plan, servers: Contest) -> Iterator[Row]:
    """Yield the times of scrapes, each after pushes to some of the monitors."""
    contestants = (servers.exporter, *servers.unchecked)
    for gzip, bound in ((False, Bound(1 / 30)), (True, Bound(1 / 20))):
        milliseconds: Figures = {one.server.name: [] for one in contestants}
        megabytes: Figures = {one.server.name: [] for one in contestants}
        for _ in range(plan.rounds):
            for one in contestants:
                _change(plan.send, one)
                seconds, size_bytes = scrape(one.server, gzip=gzip)
                milliseconds[one.server.name].append(1e3 * seconds)
                megabytes[one.server.name].append(size_bytes / 1e6)
        own = "gzip" if gzip else "plain"
        yield from _rows(servers, f"scrape ms, {own}", milliseconds, bound)
        yield from _rows(servers, f"scrape MB, {own}", megabytes, None)


def _change(send: Generator, contestant: Contestant) -> None:
    changed = contestant.requests[:: round(1 / _CHANGED_SHARE)]
    targets.fill_by_pushing(contestant.server, send, changed)


def _beside_scrapes(plan: Plan, servers: Contest) -> Iterator[Row]:
    """Yield the p99 of pushes at a fixed rate, alone and beside a scrape each second."""
    yield from _beside_scrapes_on(plan, servers, one_core=False)
    yield from _beside_scrapes_on(plan, servers, one_core=True)


def _beside_scrapes_on(plan: Plan, servers: Contest, *, one_core: bool) -> Iterator[Row]:
    contestants = (servers.exporter, *servers.unchecked)
    idle: Figures = {one.server.name: [] for one in contestants}
    scraped: Figures = {one.server.name: [] for one in contestants}
    for _ in range(plan.rounds):
        for one in contestants:
            load = Load(
                one.server.port,
                one.requests,
                connections=32,
                seconds=2.0 * plan.seconds,
                per_second=_PUSHES_PER_SECOND,
            )
            with on_one_core(one.server) if one_core else nullcontext():
                idle[one.server.name].append(_p99_ms(plan.send(load).result().latencies))
                pushing = plan.send(load)
                scrape_until_done(one.server, pushing)
                scraped[one.server.name].append(_p99_ms(pushing.result().latencies))
    rate = f"{_PUSHES_PER_SECOND:,.0f}/s{' on one core' if one_core else ''}"
    yield from _rows(servers, f"p99 ms at {rate}, idle", idle, None)
    yield from _rows(servers, f"p99 ms at {rate}, scraped each second", scraped, Bound(1 / 10))
    name = servers.exporter.server.name
    compared = ratio(median(scraped[name]), median(idle[name]))
    yield (
        f"{servers.monitors:,}",
        "the same, to its own idle",
        name,
        compared,
        None,
        str(Bound(2)),
    )


def _p99_ms(latencies: Sequence[float]) -> float:
    return 1e3 * percentile(latencies, 0.99)


def _memory(plan: Plan, servers: Contest) -> Iterator[Row]:
    """Yield the resident memory after pushes and scrapes."""
    contestants = (servers.exporter, *servers.unchecked)
    saturate(plan.wrk, contestants, rounds=1, seconds=plan.seconds, connections=32)
    resident = {one.server.name: [one.server.resident_bytes() / 1e6] for one in contestants}
    yield from _rows(servers, "resident MB under load", resident, Bound(1 / 4))


def _start(plan: Plan, monitors: int) -> Iterator[Row]:
    """Yield the time from the start of the exporter until it is ready, with stored pushes."""
    with targets.folder() as home:
        targets.declare(home, monitors)
        seconds = [_start_seconds(home, plan.send, monitors) for _ in range(plan.rounds)]
    yield (f"{monitors:,}", "start to ready s", "exporter", median(seconds), None, "<= 3 s")


def _start_seconds(home: Path, send: Generator, monitors: int) -> float:
    started = time.perf_counter()
    with targets.exporter(home) as server:
        elapsed = time.perf_counter() - started
        targets.fill_by_pushing(server, send, http_pushes.exporter_requests(monitors))
    return elapsed


def _rates(found: Mapping[str, Sequence[Saturated]]) -> Figures:
    return _each(found, lambda one: one.per_second)


def _each(
    found: Mapping[str, Sequence[Saturated]], figure: Callable[[Saturated], float]
) -> Figures:
    return {name: [figure(one) for one in results] for name, results in found.items()}


def _rows(servers: Contest, work: str, figures: Figures, bound: Bound | None) -> Iterator[Row]:
    """Yield a row for each server, with the exporter's figure divided by it."""
    own = servers.exporter.server.name
    for name, values in figures.items():
        compared = None if name == own else ratio(median(figures[own]), median(values))
        target = "" if bound is None or name == own else str(bound)
        yield (f"{servers.monitors:,}", work, name, median(values), compared, target)


if __name__ == "__main__":
    main()
