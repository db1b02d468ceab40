"""The cost of open pages for pushes and scrapes: 0 and 100 browsers follow the same exporter.

Each round measures every case, in an order that changes. A browser follows the events of all
monitors or of one namespace, and fetches its page again when the events ask for it, as the script
of the pages does.
"""

import argparse
import asyncio
import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks import http_pushes, targets
from benchmarks.load import Generator, Load, generator
from benchmarks.scraping import OPENMETRICS, scrape
from benchmarks.tables import Row, median, percentile, print_table, ratio

HEADERS = (
    "browsers",
    "follow",
    "CPU us/push",
    "push p99 ms",
    "scrape ms",
    "events/s",
    "pages/s",
    "to none: CPU",
    "scrape",
)

_FILTERS = {"all monitors": "", "one namespace": f"namespace={targets.NAMESPACE}"}
_SCRAPES = 4
_random = random.Random(1).random  # noqa: S311  no secret

# The pauses of web/pages/static/live.js.
_SHORTEST_PAUSE_SECONDS, _SPREAD_SECONDS, _BETWEEN_FETCHES_SECONDS = 0.2, 1.0, 3.0


@dataclass(frozen=True, slots=True)
class Case:
    """A number of browsers, and the monitors that they follow; a key of `_FILTERS`."""

    browsers: int
    follow: str


@dataclass(slots=True)
class Measured:
    """The figures of one round."""

    cpu_us: float
    p99_ms: float
    scrape_ms: float
    events_per_second: float
    pages_per_second: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="for each measurement")
    parser.add_argument("--monitors", type=int, default=10_000)
    parser.add_argument("--browsers", type=int, default=100)
    parser.add_argument("--rate", type=int, default=500, help="of pushes a second")
    options = parser.parse_args()
    cases = [Case(0, "-"), *(Case(options.browsers, follow) for follow in _FILTERS)]
    found: dict[Case, list[Measured]] = defaultdict(list)
    with generator() as send, targets.folder() as home:
        targets.declare(home, options.monitors)
        requests = http_pushes.exporter_requests(options.monitors)
        with targets.exporter(home) as server:
            targets.fill_by_pushing(server, send, requests)
            for number in range(options.rounds):
                for case in cases if number % 2 == 0 else reversed(cases):
                    load = Load(server.port, requests, 32, options.seconds, per_second=options.rate)
                    found[case].append(_measured(case, server, send, load))
    print_table("browsers", HEADERS, _rows(found))


def _measured(case: Case, server: targets.Server, send: Generator, load: Load) -> Measured:
    with _browsers(case, server.port) as seen:
        before, events, pages = server.cpu_seconds(), seen.events, seen.pages
        pushing = send(load)
        scrapes = []
        for _ in range(_SCRAPES):
            threading.Event().wait(load.seconds / (_SCRAPES + 1))
            scrapes.append(scrape(server, accept=OPENMETRICS)[0])
        answers = pushing.result()
        cpu_seconds = server.cpu_seconds() - before
        events, pages = seen.events - events, seen.pages - pages
    if answers.failed:
        raise RuntimeError(f"{server.name} refused pushes: {dict(answers.failed)}")
    return Measured(
        cpu_us=1e6 * cpu_seconds / len(answers.latencies),
        p99_ms=1e3 * percentile(answers.latencies, 0.99),
        scrape_ms=1e3 * median(scrapes),
        events_per_second=events / answers.seconds,
        pages_per_second=pages / answers.seconds,
    )


def _rows(found: dict[Case, list[Measured]]) -> Iterator[Row]:
    none = next(iter(found.values()))
    for case, rounds in found.items():
        figures = [
            median([getattr(one, name) for one in rounds]) for name in Measured.__dataclass_fields__
        ]
        cpu, scrapes = (
            ratio(
                median([getattr(one, name) for one in rounds]),
                median([getattr(one, name) for one in none]),
            )
            for name in ("cpu_us", "scrape_ms")
        )
        yield (str(case.browsers), case.follow, *figures, cpu, scrapes)


@dataclass(slots=True)
class _Seen:
    """The counts of all browsers."""

    opened: int = 0
    events: int = 0
    pages: int = 0
    everyone_is_in: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _browsers(case: Case, port: int) -> Iterator[_Seen]:
    """Have the browsers of a case open while the block runs, in a thread of their own."""
    seen, loop = _Seen(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def browse() -> None:
        tasks = [
            asyncio.create_task(_browser(port, case.follow, seen, case.browsers))
            for _ in range(case.browsers)
        ]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(browse(),))
    thread.start()
    if case.browsers and not seen.everyone_is_in.wait(30):
        raise RuntimeError("the exporter did not accept every browser")
    try:
        yield seen
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _browser(port: int, follow: str, seen: _Seen, browsers: int) -> None:
    """Follow the events, and fetch the page again when they ask for it."""
    await asyncio.sleep(_random())  # people do not open their pages at once
    query = _FILTERS[follow]
    page = await _page(port, query, seen)
    version = page.partition(b'data-version="')[2].partition(b'"')[0].decode()
    reader, writer = await _request(port, f"/api/v1/events?since={version}&{query}")
    seen.opened += 1
    if seen.opened == browsers:
        seen.everyone_is_in.set()
    fetching: asyncio.Task[None] | None = None
    last_id, fetched = version, 0.0
    clock = asyncio.get_running_loop().time
    try:
        while line := await reader.readline():
            if line.startswith(b"id: "):
                last_id = line[4:].decode().strip()
            if not line.startswith(b"data: "):
                continue
            seen.events += 1
            lists_differ = b'"moved": true' in line or b'"moved"' not in line
            if lists_differ and (fetching is None or fetching.done()):
                pause = max(_SHORTEST_PAUSE_SECONDS, fetched + _BETWEEN_FETCHES_SECONDS - clock())
                fetched = clock() + pause
                fetching = asyncio.create_task(_fetch(port, query, last_id, pause, seen))
    finally:
        writer.close()
        if fetching is not None:
            fetching.cancel()


async def _fetch(port: int, query: str, last_id: str, pause: float, seen: _Seen) -> None:
    await asyncio.sleep(pause + _random() * _SPREAD_SECONDS)
    await _page(port, query, seen, f"Last-Event-ID: {last_id}\r\n")


async def _page(port: int, query: str, seen: _Seen, headers: str = "") -> bytes:
    reader, writer = await _request(port, f"/?{query}", f"{headers}Connection: close\r\n")
    page = await reader.read()
    writer.close()
    seen.pages += 1
    return page


async def _request(
    port: int, path: str, headers: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
    return reader, writer


if __name__ == "__main__":
    main()
