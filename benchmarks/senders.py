"""A push as jobs really send it: by several clients, and through proxies and tracers.

Each row is the same report. "by aiohttp" is the same exporter with `--no-web.fast-pushes`.
"""

import argparse
import random
from collections.abc import Callable
from functools import partial

from benchmarks import targets
from benchmarks.http_pushes import empty_requests, exporter_requests, ping_requests
from benchmarks.load import generator
from benchmarks.tables import Row, print_table
from benchmarks.wrk import Saturated, medians, wrk

HEADERS = ("sender", "pushes/s", "p99 ms", "CPU us/push", "CPU us/push by aiohttp")

_chance = random.Random(13)  # noqa: S311  the same ids in each run


def _id(digits: int) -> str:
    return f"{_chance.getrandbits(4 * digits):0{digits}x}"


def _ingress_nginx() -> str:
    address = f"10.0.{_chance.randrange(4)}.{_chance.randrange(250)}"
    return (
        f"X-Request-ID: {_id(32)}\r\nX-Real-IP: {address}\r\nX-Forwarded-For: {address}\r\n"
        "X-Forwarded-Host: push.example.com\r\nX-Forwarded-Port: 443\r\n"
        "X-Forwarded-Proto: https\r\nX-Forwarded-Scheme: https\r\nX-Scheme: https\r\n"
    )


def _envoy() -> str:
    return (
        f"x-request-id: {_id(8)}-{_id(4)}-{_id(4)}-{_id(4)}-{_id(12)}\r\n"
        f"x-envoy-attempt-count: 1\r\ntraceparent: 00-{_id(32)}-{_id(16)}-01\r\n"
    )


# From the number of monitors to a push to each of them.
SENDERS: dict[str, Callable[[int], tuple[bytes, ...]]] = {
    "curl --json": exporter_requests,
    "curl -X POST, no body": empty_requests,
    "curl, a ping of healthchecks": ping_requests,
    "curl through ingress-nginx": partial(exporter_requests, headers=_ingress_nginx),
    "curl through Envoy with tracing": partial(exporter_requests, headers=_envoy),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="for each measurement")
    parser.add_argument("--monitors", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    ways = ("--web.fast-pushes", "--no-web.fast-pushes")
    found: dict[str, dict[str, list[Saturated]]] = {
        sender: {way: [] for way in ways} for sender in SENDERS
    }
    with generator() as send, wrk() as saturation, targets.folder() as home:
        targets.declare(home, options.monitors)
        files = {
            sender: saturation.prepared(requests(options.monitors), f"requests-{number}")
            for number, (sender, requests) in enumerate(SENDERS.items())
        }
        for way in ways:
            with targets.exporter(home, way, "--push.dialects=healthchecks") as server:
                pushes = exporter_requests(options.monitors)
                targets.fill_by_pushing(server, send, pushes)
                for _ in range(options.rounds):
                    for sender, file in files.items():
                        result = saturation.saturate(
                            server,
                            file,
                            connections=options.connections,
                            seconds=options.seconds,
                        )
                        found[sender][way].append(result)
    rows: list[Row] = []
    for sender, results in found.items():
        fast, slow = (medians(results[way]) for way in ways)
        rows.append((sender, *fast, slow[-1]))
    print_table("senders", HEADERS, rows)


if __name__ == "__main__":
    main()
