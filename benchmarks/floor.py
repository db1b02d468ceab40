"""What is left to gain: the exporter beside bare receivers, which have none of its rules.

The receivers run on the same interpreter, event loop and SQLite. See `bare_receiver` for what each of
them does. A Pushgateway without its consistency check shows what the machine can do.
"""

import argparse
from contextlib import ExitStack

from benchmarks import http_pushes, targets
from benchmarks.contest import Contestant, saturate
from benchmarks.load import generator
from benchmarks.tables import Row, print_table
from benchmarks.wrk import medians, wrk

HEADERS = ("connections", "server", "pushes/s", "p99 ms", "CPU us/push")
WORKS = ("store", "remember", "answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="for each measurement")
    parser.add_argument("--monitors", type=int, default=10_000)
    options = parser.parse_args()
    rows: list[Row] = []
    with generator() as send, wrk() as saturation, targets.folder() as home, ExitStack() as stack:
        targets.declare(home, options.monitors)
        requests = http_pushes.exporter_requests(options.monitors)
        servers = [stack.enter_context(targets.exporter(home))]
        servers += [stack.enter_context(targets.bare_receiver(home / work, work)) for work in WORKS]
        file = saturation.prepared(requests, "pushes")
        contestants = [Contestant(server, requests, {False: file}) for server in servers]
        if program := targets.pushgateway_program():
            server = stack.enter_context(
                targets.pushgateway(home / "pushgateway", program, check=False)
            )
            requests = http_pushes.pushgateway_requests(options.monitors)
            file = saturation.prepared(requests, "groups")
            contestants.append(Contestant(server, requests, {False: file}))
        for one in contestants:
            targets.fill_by_pushing(one.server, send, one.requests)
        for connections in (32, 256):
            found = saturate(
                saturation,
                contestants,
                rounds=options.rounds,
                seconds=options.seconds,
                connections=connections,
            )
            for name, results in found.items():
                rows.append((str(connections), name, *medians(results)))
    print_table("floor", HEADERS, rows)


if __name__ == "__main__":
    main()
