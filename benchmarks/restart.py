"""Crashes: the time from `kill -9` under load until ready, and the number of lost pushes, always 0."""

import argparse
import re
import time
from collections import Counter
from pathlib import Path

from benchmarks import http_pushes, targets
from benchmarks.load import Answers, Generator, Load, generator
from benchmarks.tables import Row, median, print_table

HEADERS = (
    "monitors",
    "round",
    "kill -9 to ready ms",
    "acknowledged",
    "lost",
    "durable, not acknowledged",
)

_METRIC = "yuptime_monitor_pushes_total"
_SAMPLE = re.compile(rf'^{_METRIC}{{monitor="job-(\d+)",[^}}]*}} (\S+)$', re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of pushes before each kill")
    parser.add_argument("--monitors", type=int, default=10_000)
    options = parser.parse_args()
    with generator() as send, targets.folder() as home:
        targets.declare(home, options.monitors)
        rows = _crashes(home, send, options)
    print_table("restart", HEADERS, rows)
    assert not any(row[4] for row in rows), "acknowledged pushes were lost"


def _crashes(home: Path, send: Generator, options: argparse.Namespace) -> list[Row]:
    """Crash repeatedly on the same database; the counts add up over the rounds."""
    monitors = options.monitors
    rows: list[Row] = []
    times: list[float] = []
    server = targets.started_exporter(home)
    try:
        server.wait_ready()
        targets.fill_by_pushing(server, send, http_pushes.exporter_requests(monitors))
        acknowledged = Counter(dict.fromkeys(range(monitors), 1))
        for number in range(options.rounds):
            answers = _killed_under_load(server, send, options)
            acknowledged += answers.acknowledged
            started = time.perf_counter()
            server = targets.started_exporter(home)
            server.wait_ready()
            times.append(time.perf_counter() - started)
            durable = _durable(server)
            # The difference of Counters keeps positive counts only.
            lost, extra = (acknowledged - durable).total(), (durable - acknowledged).total()
            acknowledged = durable | acknowledged
            row_time = 1e3 * times[-1]
            rows.append(
                (f"{monitors:,}", str(number + 1), row_time, len(answers.latencies), lost, extra)
            )
        rows.append((f"{monitors:,}", "median", 1e3 * median(times), None, None, None))
        server.stop()
    finally:
        server.kill()
    return rows


def _killed_under_load(
    server: targets.Server, send: Generator, options: argparse.Namespace
) -> Answers:
    requests = http_pushes.exporter_requests(options.monitors)
    pushing = send(Load(server.port, requests, connections=64, seconds=options.seconds + 5))
    time.sleep(options.seconds)
    assert not pushing.done()
    server.kill()
    return pushing.result()


def _durable(server: targets.Server) -> Counter[int]:
    """Return the number of pushes of each monitor, as the exporter reports it."""
    text = server.get(f"/metrics?name[]={_METRIC}")[1].decode()
    return Counter({int(number): int(float(count)) for number, count in _SAMPLE.findall(text)})


if __name__ == "__main__":
    main()
