"""System calls of a push in the whole program, counted and not timed."""

import asyncio
from pathlib import Path

import pytest

from tests.exporters import Home, Process, exporter_process
from tests.manifests import TOKEN

pytestmark = [
    pytest.mark.peer,  # takes whole seconds
    pytest.mark.hot,
    pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux counts system calls"),
]

# A change that needs more than a tenth above this makes every push slower; lower the figure after
# one that needs less. A push that shares its commit with no other: the request, the answer, two writes
# of the commit, and a wake-up of the event loop that is written and read.
READS_AND_WRITES_OF_A_PUSH = 6.1

PUSHES = 300


REQUEST = (
    "POST /api/push/jobs/backup?status=up HTTP/1.1\r\nHost: exporter:10091\r\n"
    f"Authorization: Bearer {TOKEN}\r\nContent-Length: 0\r\n\r\n"
).encode()


def reads_and_writes(exporter: Process) -> int:
    """Return the number of system calls that read or wrote something, since the start."""
    lines = Path(f"/proc/{exporter.process.pid}/io").read_text().splitlines()
    counts = dict(line.split(": ") for line in lines)
    return int(counts["syscr"]) + int(counts["syscw"])


async def push_in_turn(exporter: Process, pushes: int) -> None:
    host, port = exporter.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for _ in range(pushes):
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0]))
    writer.close()


async def test_a_push_makes_no_more_system_calls_than_it_did(home: Home) -> None:
    config = home.folder / "config.yaml"
    config.write_text("limits: {push_rate: {interval: 0s}}\n")
    home.flags = [f"--config.file={config}"]
    async with exporter_process(home) as exporter:
        await push_in_turn(exporter, 50)
        before = reads_and_writes(exporter)
        await push_in_turn(exporter, PUSHES)
        made = reads_and_writes(exporter) - before

    assert made / PUSHES <= READS_AND_WRITES_OF_A_PUSH * 1.1
