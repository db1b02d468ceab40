"""The time that `yuptime run` adds to a job, beside the job alone and beside curl.

The job is `true`. Each round runs every command once, in an order that changes. Processor time
includes the processes that a command starts; on a machine with other load it says more than the time
on the clock.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import targets
from benchmarks.tables import Row, median, print_table
from tests.manifests import TOKEN

HEADERS = ("command", "ms", "best ms", "CPU ms")


class Spent(NamedTuple):
    """The time of one command, with all processes that it started."""

    seconds: float
    cpu_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with targets.folder() as home:
        targets.declare(home, 1)
        with targets.exporter(home) as server:
            (name,) = targets.names(1)
            print_table("wrapper", HEADERS, _rows(_commands(server.port, name), options.rounds))


def _commands(port: int, name: str) -> dict[str, Sequence[str]]:
    url, monitor = f"http://127.0.0.1:{port}", f"{targets.NAMESPACE}/{name}"
    yuptime = (str(Path(sys.executable).parent / "yuptime"),)
    push = ("curl", "-fsS", "-H", f"Authorization: Bearer {TOKEN}", "-d", "status=up")
    return {
        "true": ("true",),
        "python -c pass": (sys.executable, "-c", "pass"),
        "curl": (*push, f"{url}/api/push/{monitor}"),
        "yuptime run --no-start true": (
            *yuptime,
            "run",
            "--no-start",
            "--url",
            url,
            monitor,
            "--",
            "true",
        ),
        "yuptime run true": (*yuptime, "run", "--url", url, monitor, "--", "true"),
        "yuptime push": (*yuptime, "push", "--url", url, monitor),
    }


def _rows(commands: dict[str, Sequence[str]], rounds: int) -> Iterator[Row]:
    found: dict[str, list[Spent]] = {name: [] for name in commands}
    for number in range(-1, rounds):  # the first round fills caches
        for name in commands if number % 2 == 0 else reversed(commands):
            spent = _spent(commands[name])
            if number >= 0:
                found[name].append(spent)
    for name, results in found.items():
        seconds = [one.seconds for one in results]
        cpu_seconds = median([one.cpu_seconds for one in results])
        yield name, 1e3 * median(seconds), 1e3 * min(seconds), 1e3 * cpu_seconds


def _spent(command: Sequence[str]) -> Spent:
    """Run a command that must succeed without a word of error."""
    environment = {**os.environ, "YUPTIME_TOKEN": TOKEN}
    began = time.monotonic()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or errors:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {errors.decode()}")
    return Spent(seconds, usage.ru_utime + usage.ru_stime)


if __name__ == "__main__":
    main()
