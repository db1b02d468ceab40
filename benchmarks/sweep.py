"""The cost of a push with 10 to 100,000 monitors, as a table and as a plot."""

import argparse
from pathlib import Path

from benchmarks import http_pushes, targets
from benchmarks.load import generator
from benchmarks.plot import Line, plot
from benchmarks.tables import Row, print_table
from benchmarks.wrk import Saturated, medians, wrk

MONITORS = (10, 100, 1_000, 10_000, 100_000)
HEADERS = ("monitors", "connections", "pushes/s", "p99 ms", "CPU us/push")
CONNECTIONS = (32, 256)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="for each measurement")
    parser.add_argument("--monitors", type=int, nargs="*", default=MONITORS)
    parser.add_argument("--plot", type=Path, help="write the plot into this SVG file")
    options = parser.parse_args()
    rows: list[Row] = []
    cpu: dict[int, list[tuple[float, float]]] = {connections: [] for connections in CONNECTIONS}
    for monitors in options.monitors:
        for connections, found in _measured(monitors, options).items():
            rate, p99_ms, cpu_us = medians(found)
            cpu[connections].append((monitors, cpu_us))
            rows.append((f"{monitors:,}", str(connections), rate, p99_ms, cpu_us))
    print_table("sweep", HEADERS, rows)
    if options.plot:
        lines = [Line(f"{connections} connections", points) for connections, points in cpu.items()]
        title = "Processor time of a durable push, in microseconds"
        options.plot.write_text(plot(lines, title=title, x_label="monitors"))


def _measured(monitors: int, options: argparse.Namespace) -> dict[int, list[Saturated]]:
    """Return the rounds by the number of connections, in one run of the exporter."""
    found: dict[int, list[Saturated]] = {connections: [] for connections in CONNECTIONS}
    with generator() as send, wrk() as saturation, targets.folder() as home:
        targets.declare(home, monitors)
        with targets.exporter(home) as server:
            requests = http_pushes.exporter_requests(monitors)
            targets.fill_by_pushing(server, send, requests)
            file = saturation.prepared(requests, "requests")
            for _ in range(options.rounds):
                for connections, results in found.items():
                    result = saturation.saturate(
                        server, file, connections=connections, seconds=options.seconds
                    )
                    results.append(result)
    return found


if __name__ == "__main__":
    main()
