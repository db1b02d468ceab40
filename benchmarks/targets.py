"""The measured servers. Each has its own process and folder, which are removed at the end."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benchmarks.load import Generator, Load
from benchmarks.tables import CHECKOUT_VARIABLE
from tests.manifests import TOKEN, monitor_yaml, secret_yaml, write_manifests
from tests.peers.programs import Generation, find
from tests.peers.running import free_port

NAMESPACE = "bench"

_MONITORS_PER_FILE = 100  # few files, except in the benchmark of files

_READY_SECONDS = 60.0
# Each question costs the server 0.3 ms of the time in which it starts.
_POLL_SECONDS = 0.01
_STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server on 127.0.0.1."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Return status and body, which may be compressed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def cpu_seconds(self) -> float:
        """Return the used processor time of the process, in steps of 10 ms; Linux only."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """Return the resident memory of the process; Linux only."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def wait_ready(self) -> None:
        """Return as soon as the server is ready.

        Raises:
            RuntimeError: the process ended, or was not ready after a minute.
        """
        limit = time.monotonic() + _READY_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > limit:
                raise RuntimeError(f"{self.name} is not ready:\n{self.log.read_text()[-4000:]}")
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """End the process with SIGKILL, as a crash does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the process with SIGTERM.

        Raises:
            RuntimeError: the server logged errors, or did not end with code 0.
        """
        self.process.terminate()
        try:
            code = self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self.name} goes on {_STOP_SECONDS:g} s after SIGTERM") from None
        errors = re.findall(r"^.*(?:level=ERROR|Traceback).*$", self.log.read_text(), re.MULTILINE)
        if code != 0 or errors:
            shown = "\n".join(errors[:5]) or self.log.read_text()[-4000:]
            raise RuntimeError(f"{self.name} ended with {code}:\n{shown}")

    def _is_ready(self) -> bool:
        try:
            return self.get("/-/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False


@contextmanager
def folder() -> Iterator[Path]:
    """Give a temporary folder, which is removed also after SIGTERM."""

    def end(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    with tempfile.TemporaryDirectory(prefix="yuptime-benchmark-") as path:
        yield Path(path)


def names(monitors: int) -> list[str]:
    """Return the names of this number of monitors."""
    return [name_of(number) for number in range(monitors)]


def name_of(number: int) -> str:
    """Return the name of a monitor by its number, from 0 on."""
    return f"job-{number:05}"


def declare(home: Path, monitors: int, *, per_file: int = _MONITORS_PER_FILE) -> None:
    """Write manifests of this number of monitors, and a configuration without a rate limit."""
    manifests = home / "manifests"
    write_manifests(manifests, secret_yaml(namespace=NAMESPACE), file_name="secret.yaml")
    all_names = names(monitors)
    for start in range(0, monitors, per_file):
        documents = [
            monitor_yaml(name, namespace=NAMESPACE) for name in all_names[start : start + per_file]
        ]
        write_manifests(manifests, *documents, file_name=f"{all_names[start]}.yaml")
    configure(home)


def configure(home: Path) -> None:
    """Write a configuration without a rate limit."""
    (home / "config.yaml").write_text("limits: {push_rate: {interval: 0s}}\n")


def started_exporter(
    home: Path, *flags: str, kubeconfig: Path | None = None, profile: Path | None = None
) -> Server:
    """Start the exporter, and return before the exporter is ready.

    Args:
        home: a folder that `declare` or `configure` filled.
        flags: further flags.
        kubeconfig: of the API server with the monitors; None: the folder has the monitors.
        profile: the file for a profile of the event loop's thread; None: no profile.
    """
    port = free_port()
    profiler = [] if profile is None else ["-m", "cProfile", "-o", str(profile)]
    source = [f"--source.manifests={home / 'manifests'}"]
    if kubeconfig is not None:
        source = ["--source.kubernetes", f"--kubernetes.kubeconfig={kubeconfig}"]
    command = [
        sys.executable,
        *profiler,
        "-m",
        "yuptime_exporter",
        *source,
        f"--storage.url=sqlite:{home / 'yuptime.db'}",
        f"--config.file={home / 'config.yaml'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    ]
    checkout = os.environ.get(CHECKOUT_VARIABLE)
    return _started("exporter", command, port, home / "exporter.log", folder=checkout)


@contextmanager
def exporter(
    home: Path, *flags: str, kubeconfig: Path | None = None, profile: Path | None = None
) -> Iterator[Server]:
    """Run the exporter; the arguments are those of `started_exporter`."""
    server = started_exporter(home, *flags, kubeconfig=kubeconfig, profile=profile)
    try:
        server.wait_ready()
        yield server
        server.stop()
    finally:
        server.kill()


@contextmanager
def bare_receiver(home: Path, work: str) -> Iterator[Server]:
    """Run a receiver without rules; see `bare_receiver`."""
    home.mkdir()
    port = free_port()
    arguments = [work, str(port), str(home / "pushes.db")]
    command = [sys.executable, "-m", "benchmarks.bare_receiver", *arguments]
    server = _started(f"bare receiver: {work}", command, port, home / "receiver.log")
    try:
        server.wait_ready()
        yield server
    finally:
        server.kill()


def expire_seconds(server: Server, name: str) -> int:
    """Push to a monitor; return the time until the push expires, from the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", f"/api/push/{NAMESPACE}/{name}", headers=headers)
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    received, expires = (datetime.fromisoformat(answer[at]) for at in ("receivedAt", "expiresAt"))
    return round((expires - received).total_seconds())


def pushgateway_program() -> Path | None:
    """Return Debian's Pushgateway; None if `make peers` has not fetched it."""
    return find("pushgateway", Generation.DEBIAN)


@contextmanager
def pushgateway(
    home: Path, program: Path, *, check: bool, name: str = "pushgateway"
) -> Iterator[Server]:
    """Run a Pushgateway with the groups of `fill`, which writes no file while it is measured.

    Args:
        home: its folder.
        program: the executable.
        check: compare each push with all others, which is the default of the Pushgateway.
        name: of the server in the table.
    """
    home.mkdir(exist_ok=True)
    name = name if check else f"{name}, no check"
    port = free_port()
    command = [str(program), f"--web.listen-address=127.0.0.1:{port}"]
    if (home / "groups").exists():
        # The file is read at the start and not written before the end.
        command += [f"--persistence.file={home / 'groups'}", "--persistence.interval=1h"]
    if not check:
        command.append("--push.disable-consistency-check")
    server = _started(name, command, port, home / "pushgateway.log")
    try:
        server.wait_ready()
        yield server
    finally:
        server.kill()


def fill(
    home: Path, program: Path, send: Generator, requests: Sequence[bytes], copies: Sequence[Path]
) -> None:
    """Have a Pushgateway write a file of groups, and copy the file to the folders `copies`.

    The consistency check is off, since 10,000 groups would take many minutes with the check.
    """
    (home / "groups").touch()
    with pushgateway(home, program, check=False) as server:
        fill_by_pushing(server, send, requests)
        server.process.terminate()  # writes the file
        server.process.wait(_STOP_SECONDS)
    for copy in copies:
        copy.mkdir()
        shutil.copy(home / "groups", copy / "groups")


def fill_by_pushing(server: Server, send: Generator, requests: Sequence[bytes]) -> None:
    """Push once to each monitor."""
    load = Load(server.port, requests, connections=32, seconds=60, at_most=len(requests))
    answers = send(load).result()
    if answers.failed or len(answers.acknowledged) != len(requests):
        raise RuntimeError(f"{server.name} did not accept every push: {dict(answers.failed)}")


def _started(
    name: str, command: Sequence[str], port: int, log: Path, *, folder: str | None = None
) -> Server:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder
        )
    return Server(name, port, process, log)
