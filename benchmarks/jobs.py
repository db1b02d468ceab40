"""The cost of what a push may carry: history, a cron schedule, and the fields of a run.

All exporters run side by side, and each round measures every one of them, in an order that changes.
The first has neither history nor schedules, and its pushes have a status and a message only. No two
pushes are the same. A ratio is the median of the ratios of the rounds, so that the load of other
programs on the machine counts for both sides.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import http_pushes, targets
from benchmarks.load import Generator, generator
from benchmarks.tables import Ratio, Row, median, print_table
from benchmarks.wrk import Saturated, Wrk, wrk

HEADERS = ("push", "connections", "pushes/s", "CPU us/push", "to the first: pushes/s", "CPU")
CONNECTIONS = (32, 256)
# With the default of monitors, more pushes than the exporter remembers: each is read as a new one, as
# those of jobs with messages or runs are.
PUSHES_OF_A_MONITOR = 2
CRON = '  type: push\n  schedule: {cron: "30 2 * * *", timeZone: Europe/Berlin}\n'


@dataclass(frozen=True, slots=True)
class Case:
    """One exporter with its pushes."""

    name: str
    run_fields: tuple[str, ...] = ()
    cron: bool = False
    history: int = 100


CASES = (
    Case("message", history=0),
    Case("message, history"),
    Case("message, history, cron", cron=True),
    Case("message, history, cron, run id", ("runId",), cron=True),
    Case("the same, duration, exit code", ("runId", "durationSeconds", "exitCode"), cron=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=1, help="for each measurement")
    parser.add_argument("--monitors", type=int, default=600)
    options = parser.parse_args()
    found: dict[tuple[int, Case], list[Saturated]] = defaultdict(list)
    with generator() as send, wrk() as saturation, targets.folder() as home, ExitStack() as stack:
        running = {
            case: _started(case, home / str(number), stack, send, saturation, options.monitors)
            for number, case in enumerate(CASES)
        }
        for number in range(options.rounds):
            cases = list(running.items())
            for connections in CONNECTIONS:
                for case, (server, file) in cases if number % 2 == 0 else reversed(cases):
                    result = saturation.saturate(
                        server, file, connections=connections, seconds=options.seconds
                    )
                    found[connections, case].append(result)
    print_table("jobs", HEADERS, _rows(found))


def _started(
    case: Case,
    home: Path,
    stack: ExitStack,
    send: Generator,
    saturation: Wrk,
    monitors: int,
) -> tuple[targets.Server, Path]:
    """Start the exporter of a case with a first push to each monitor, and prepare its pushes."""
    home.mkdir()
    targets.declare(home, monitors)
    if case.cron:
        for file in (home / "manifests").iterdir():
            file.write_text(file.read_text().replace("  type: push\n", CRON))
    server = stack.enter_context(targets.exporter(home, f"--storage.history={case.history}"))
    requests = http_pushes.different_requests(
        monitors, each=PUSHES_OF_A_MONITOR, run_fields=case.run_fields
    )
    targets.fill_by_pushing(server, send, requests)
    return server, saturation.prepared(requests, home.name)


def _rows(found: dict[tuple[int, Case], list[Saturated]]) -> Iterator[Row]:
    for connections in CONNECTIONS:
        reference = found[connections, CASES[0]]
        for case in CASES:
            results = found[connections, case]
            rounds = list(zip(results, reference, strict=True))
            yield (
                case.name,
                str(connections),
                median([one.per_second for one in results]),
                median([one.cpu_us for one in results]),
                Ratio(median([one.per_second / first.per_second for one, first in rounds])),
                Ratio(median([one.cpu_us / first.cpu_us for one, first in rounds])),
            )


if __name__ == "__main__":
    main()
