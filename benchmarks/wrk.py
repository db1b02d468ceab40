"""Saturation: wrk sends prepared requests as fast as the server answers.

A load generator in Python would be slower than the servers. wrk is a Debian package, which
`make peers` fetches. Its script reads the requests from a file and prints the result as JSON.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables import median
from benchmarks.targets import Server
from tests.peers.programs import Generation, find

_SCRIPT = """
local requests, sent = {}, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local length = file:read("*n")
  while length do
    file:read(1)
    requests[#requests + 1] = file:read(length)
    length = file:read("*n")
  end
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\\n{"answers": %d, "failed": %d, "seconds": %f, "p50": %f, "p99": %f}\\n',
    summary.requests, failed, summary.duration / 1e6,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end
"""

# With its consistency check the Pushgateway answers after seconds.
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Saturated:
    """The result of one server at saturation.

    Attributes:
        per_second: answers with a 2xx status.
        p50_seconds: median latency.
        p99_seconds: 99th percentile of the latency.
        cpu_us: processor time of the server for each answer, in microseconds.
    """

    per_second: float
    p50_seconds: float
    p99_seconds: float
    cpu_us: float


def medians(results: Sequence[Saturated]) -> tuple[float, float, float]:
    """Return the medians of pushes per second, p99 in milliseconds, and microseconds per push."""
    return (
        median([one.per_second for one in results]),
        1e3 * median([one.p99_seconds for one in results]),
        median([one.cpu_us for one in results]),
    )


class Wrk:
    """Runs wrk in a folder of its own."""

    def __init__(self, program: Path, folder: Path) -> None:
        """Write the script into the folder."""
        self._program = program
        self._folder = folder
        self._script = folder / "requests.lua"
        self._script.write_text(_SCRIPT)

    def prepared(self, requests: Sequence[bytes], name: str) -> Path:
        """Return a file with the requests, for `saturate`."""
        file = self._folder / name
        file.write_bytes(b"".join(b"%d\n%b\n" % (len(one), one) for one in requests))
        return file

    def saturate(
        self, server: Server, requests: Path, *, connections: int, seconds: int
    ) -> Saturated:
        """Send the requests in turn over this number of connections.

        Raises:
            RuntimeError: a request failed.
        """
        command: list[str | Path] = [
            self._program,
            f"--connections={connections}",
            "--threads=1",
            f"--duration={seconds}s",
            f"--timeout={_TIMEOUT_SECONDS}s",
            f"--script={self._script}",
            f"http://127.0.0.1:{server.port}/",
            requests,
        ]
        before = server.cpu_seconds()
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        used = server.cpu_seconds() - before
        found = json.loads(output.rstrip().rpartition("\n")[2])
        if found["failed"] or not found["answers"]:
            raise RuntimeError(f"{server.name}, {connections} connections: {found}")
        return Saturated(
            found["answers"] / found["seconds"],
            found["p50"],
            found["p99"],
            1e6 * used / found["answers"],
        )


@contextmanager
def wrk() -> Iterator[Wrk]:
    """Give wrk with a temporary folder.

    Raises:
        RuntimeError: wrk is missing.
    """
    program = find("wrk", Generation.DEBIAN)
    if program is None:
        raise RuntimeError("wrk is missing: run `make peers`, which says why")
    with tempfile.TemporaryDirectory(prefix="yuptime-wrk-") as folder:
        yield Wrk(program, Path(folder))
