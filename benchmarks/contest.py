"""The exporter and both Pushgateways with the same monitors, running side by side."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import http_pushes, targets
from benchmarks.load import Generator
from benchmarks.targets import Server
from benchmarks.wrk import Saturated, Wrk
from tests.peers.programs import Generation, find

Figures = dict[str, list[float]]
"""What each server did in each round, by the name of the server."""

_NAMES = {Generation.DEBIAN: "Debian's Pushgateway", Generation.NEWEST: "newest Pushgateway"}


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server and its pushes to all monitors.

    Attributes:
        requests: as values, for a fixed rate.
        files: the same for wrk, by whether each request has a connection of its own.
    """

    server: Server
    requests: Sequence[bytes]
    files: dict[bool, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contest:
    """All servers, each with one push of each monitor.

    Attributes:
        unchecked: the Pushgateways without their consistency check.
        checked: with it, which is their default.
    """

    monitors: int
    exporter: Contestant
    unchecked: tuple[Contestant, ...]
    checked: tuple[Contestant, ...]


@contextmanager
def contest(
    home: Path, monitors: int, send: Generator, wrk: Wrk, *, check: bool
) -> Iterator[Contest]:
    """Run all servers in a folder; those with the consistency check only with `check`.

    Raises:
        RuntimeError: a Pushgateway is missing.
    """
    targets.declare(home, monitors)
    with ExitStack() as stack:

        def contestant(server: Server, requests: Callable[..., tuple[bytes, ...]]) -> Contestant:
            files = {
                close: wrk.prepared(requests(monitors, close=close), f"{server.port}-{close}")
                for close in (False, True)
            }
            return Contestant(server, requests(monitors), files)

        def gateways(*, check: bool) -> tuple[Contestant, ...]:
            started = []
            for generation, name in _NAMES.items():
                own_home = home / f"{generation}-{check}"
                program = _pushgateway(generation)
                server = targets.pushgateway(own_home, program, check=check, name=name)
                started.append(
                    contestant(stack.enter_context(server), http_pushes.pushgateway_requests)
                )
            return tuple(started)

        for generation in _NAMES:
            filling = home / f"{generation}-filling"
            filling.mkdir()
            copies = [
                home / f"{generation}-{value}" for value in (False, *([True] if check else []))
            ]
            requests = http_pushes.pushgateway_requests(monitors)
            targets.fill(filling, _pushgateway(generation), send, requests, copies)
        exporter = stack.enter_context(targets.exporter(home))
        targets.fill_by_pushing(exporter, send, http_pushes.exporter_requests(monitors))
        yield Contest(
            monitors,
            contestant(exporter, http_pushes.exporter_requests),
            gateways(check=False),
            gateways(check=True) if check else (),
        )


def saturate(
    wrk: Wrk,
    contestants: Sequence[Contestant],
    *,
    rounds: int,
    seconds: int,
    connections: int,
    close: bool = False,
) -> dict[str, list[Saturated]]:
    """Saturate each server in each round."""
    results: dict[str, list[Saturated]] = {one.server.name: [] for one in contestants}
    for _ in range(rounds):
        for one in contestants:
            result = wrk.saturate(
                one.server, one.files[close], connections=connections, seconds=seconds
            )
            results[one.server.name].append(result)
    return results


@contextmanager
def on_one_core(server: Server) -> Iterator[None]:
    """Give a server the first core only, as a container with a limit of one; Linux only."""
    cores = os.sched_getaffinity(0)
    _use_cores(server, {min(cores)})
    try:
        yield
    finally:
        _use_cores(server, cores)


def _use_cores(server: Server, cores: set[int]) -> None:
    # Each thread has its own cores; a new thread gets those of the thread that makes it.
    for thread in Path(f"/proc/{server.process.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def _pushgateway(generation: Generation) -> Path:
    if program := find("pushgateway", generation):
        return program
    raise RuntimeError(f"{_NAMES[generation]} is missing: run `make peers`, which says why")
