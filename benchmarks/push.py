"""Pushes: rate, latency and processor time, beside Debian's Pushgateway in the same run.

The exporter checks a token and answers after the push is on the disk. The Pushgateway does neither.
Each round measures every server, so other load on the machine affects all servers alike.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import http_pushes, targets
from benchmarks.load import Answers, Generator, Load, generator
from benchmarks.tables import Row, median, percentile, print_table, ratio

MONITORS = (10, 1_000, 10_000)
HEADERS = (
    "monitors",
    "connections",
    "server",
    "pushes/s",
    "p50 ms",
    "p99 ms",
    "CPU us/push",
    "exporter/it: pushes/s",
    "p99",
    "CPU",
)

# With its consistency check the Pushgateway needs time in proportion to its groups. If groups times
# connections exceed this product, the last connection waits for seconds.
_CHECKED_AT_MOST = 50_000


@dataclass(frozen=True, slots=True)
class Shape:
    """The connections of a load."""

    connections: int
    new_connections: bool = False

    def __str__(self) -> str:
        return f"{self.connections} new each" if self.new_connections else str(self.connections)


SHAPES = (Shape(1), Shape(32), Shape(256), Shape(32, new_connections=True))

Requests = Callable[..., tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server and its prepared pushes.

    Attributes:
        requests: by whether each request has its own connection.
        checks: the server compares each push with all others.
    """

    server: targets.Server
    requests: Mapping[bool, tuple[bytes, ...]]
    checks: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """The result of one server in one round."""

    answers: Answers
    cpu_seconds: float

    @property
    def cpu_us(self) -> float:
        """Processor time of the server for each push, in microseconds."""
        return 1e6 * self.cpu_seconds / max(1, len(self.answers.latencies))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.4, help="for each measurement")
    parser.add_argument("--monitors", type=int, nargs="*", default=MONITORS)
    parser.add_argument("--alone", action="store_true", help="do not measure the Pushgateway")
    options = parser.parse_args()
    rows: list[Row] = []
    with generator() as send:
        for monitors in options.monitors:
            with targets.folder() as home, ExitStack() as stack:
                program = None if options.alone else targets.pushgateway_program()
                contestants = _contestants(home, stack, send, monitors, program)
                for shape in SHAPES:
                    rounds = _measured(contestants, shape, send, monitors, options)
                    rows += _rows(monitors, shape, rounds)
    print_table("push", HEADERS, rows)


def _contestants(
    home: Path, stack: ExitStack, send: Generator, monitors: int, pushgateway: Path | None
) -> list[Contestant]:
    """Start all servers, with a first push to each monitor."""
    targets.declare(home, monitors)
    exporter = stack.enter_context(targets.exporter(home))
    targets.fill_by_pushing(exporter, send, http_pushes.exporter_requests(monitors))
    contestants = [Contestant(exporter, _both(http_pushes.exporter_requests, monitors))]
    if pushgateway:
        homes = {False: home / "unchecked", True: home / "checked"}
        (home / "filling").mkdir()
        requests = _both(http_pushes.pushgateway_requests, monitors)
        targets.fill(home / "filling", pushgateway, send, requests[False], list(homes.values()))
        for check, own_home in homes.items():
            server = stack.enter_context(targets.pushgateway(own_home, pushgateway, check=check))
            contestants.append(Contestant(server, requests, checks=check))
    return contestants


def _both(requests: Requests, monitors: int) -> dict[bool, tuple[bytes, ...]]:
    return {close: requests(monitors, close=close) for close in (False, True)}


def _measured(
    contestants: list[Contestant],
    shape: Shape,
    send: Generator,
    monitors: int,
    options: argparse.Namespace,
) -> dict[str, list[Round]]:
    rounds: dict[str, list[Round]] = defaultdict(list)
    for _ in range(options.rounds):
        for contestant in contestants:
            if not contestant.checks or monitors * shape.connections <= _CHECKED_AT_MOST:
                one = _round(contestant, shape, send, options.seconds)
                rounds[contestant.server.name].append(one)
    return rounds


def _round(contestant: Contestant, shape: Shape, send: Generator, seconds: float) -> Round:
    load = Load(
        contestant.server.port,
        contestant.requests[shape.new_connections],
        shape.connections,
        seconds,
        new_connections=shape.new_connections,
    )
    before = contestant.server.cpu_seconds()
    answers = send(load).result()
    used = contestant.server.cpu_seconds() - before
    if answers.failed:
        raise RuntimeError(f"{contestant.server.name}, {shape}: {dict(answers.failed)}")
    return Round(answers, used)


def _rows(monitors: int, shape: Shape, rounds: Mapping[str, list[Round]]) -> Iterator[Row]:
    ours = _figures(rounds["exporter"])
    for name, own in rounds.items():
        figures = _figures(own)
        compared = (
            [None] * 3
            if name == "exporter"
            else [ratio(ours[index], figures[index]) for index in (0, 2, 3)]
        )
        yield (f"{monitors:,}", str(shape), name, *figures, *compared)


def _figures(rounds: list[Round]) -> tuple[float, float, float, float]:
    """Return the medians of pushes/s, p50 ms, p99 ms and CPU us over the rounds."""
    answers = [one.answers for one in rounds]
    return (
        median([one.per_second for one in answers]),
        median([1e3 * percentile(one.latencies, 0.50) for one in answers]),
        median([1e3 * percentile(one.latencies, 0.99) for one in answers]),
        median([one.cpu_us for one in rounds]),
    )


if __name__ == "__main__":
    main()
