"""Real peers, started for one test and stopped after the test.

    async with prometheus(Generation.NEWEST, tmp_path / "prometheus", config) as prometheus_:
        samples = await eventually(lambda: prometheus_.query('up == 1'))

Each peer listens on 127.0.0.1 only, keeps its files in the given folder, and runs in its own process
group, which ends with the block. A second start in the same folder continues with the same data. Two
peers at once need two folders.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import yaml

from tests.peers.programs import Generation, require
from tests.waiting import POLL_SECONDS

Config = Mapping[str, object] | str

HOST = "127.0.0.1"

START_LIMIT_SECONDS = 90.0  # a start takes one second, on a loaded machine many
STOP_LIMIT_SECONDS = 10.0
ANSWER_LIMIT_SECONDS = 60.0
STARTS_AT_MOST = 5  # another process may take the free port before the peer does

NO_NOTIFICATIONS: Config = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}


class PeerDidNotStartError(Exception):
    """A peer ended, or was not ready in time; the message contains the end of its log."""


class PortTakenError(PeerDidNotStartError):
    """Another process took the free port before the peer did."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an instant query's result; a scalar has no labels."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert in an answer of Prometheus or Alertmanager.

    Attributes:
        state: at Prometheus `pending` or `firing`, at Alertmanager `active`, `suppressed` or
            `unprocessed`.
        ends: None at Prometheus.
    """

    labels: dict[str, str]
    annotations: dict[str, str]
    state: str
    starts: datetime
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """A running program on an address of this machine, mostly 127.0.0.1."""

    url: str
    port: int
    process_id: int
    log: Path
    session: aiohttp.ClientSession

    async def get(self, path: str, **parameters: str) -> Any:
        """Return the JSON of an answer.

        Raises:
            AssertionError: the status of the answer is not 2xx.
        """
        async with self.session.get(self.url + path, params=parameters) as response:
            await _must_be_good(response)
            return await response.json()

    async def post(self, path: str, body: object = None) -> None:
        """Send JSON, or an empty body.

        Raises:
            AssertionError: the status of the answer is not 2xx.
        """
        async with self.session.post(self.url + path, json=body) as response:
            await _must_be_good(response)


class Prometheus(Peer):
    """A running Prometheus."""

    async def query(self, promql: str, *, at_timestamp: float | None = None) -> list[Sample]:
        """Return the result of an instant query.

        Args:
            promql: the query.
            at_timestamp: the moment in Unix seconds; None: now.
        """
        moment = {} if at_timestamp is None else {"time": repr(at_timestamp)}
        data = (await self.get("/api/v1/query", query=promql, **moment))["data"]
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(one["metric"], float(one["value"][1])) for one in data["result"]]

    async def alerts(self) -> list[Alert]:
        """Return the pending and firing alerts of the rules."""
        data = (await self.get("/api/v1/alerts"))["data"]
        return [
            Alert(
                labels=one["labels"],
                annotations=one["annotations"],
                state=one["state"],
                starts=datetime.fromisoformat(one["activeAt"]),
            )
            for one in data["alerts"]
        ]

    async def reload(self) -> None:
        """Read the configuration and the rules again."""
        await self.post("/-/reload")


class Alertmanager(Peer):
    """A running Alertmanager without other members in its cluster."""

    async def alerts(self) -> list[Alert]:
        """Return the alerts that are not resolved."""
        return [
            Alert(
                labels=one["labels"],
                annotations=one["annotations"],
                state=one["status"]["state"],
                starts=datetime.fromisoformat(one["startsAt"]),
                ends=datetime.fromisoformat(one["endsAt"]),
            )
            for one in await self.get("/api/v2/alerts")
        ]

    async def accept(self, alerts: Sequence[Mapping[str, object]]) -> None:
        """Post alerts to the API."""
        await self.post("/api/v2/alerts", alerts)


@asynccontextmanager
async def prometheus(
    generation: Generation,
    folder: Path,
    config: Config,
    *,
    flags: Sequence[str] = (),
    port: int | None = None,
) -> AsyncIterator[Prometheus]:
    """Run a Prometheus.

    Args:
        generation: the age of Prometheus.
        folder: for configuration, data and log; made if missing.
        config: YAML text, used unchanged; or a mapping, where scrapes and rules run each second
            unless `global` says otherwise. File names are relative to `folder`.
        flags: further flags, except the log level: the log shows whether the start succeeded.
        port: of 127.0.0.1; None: a free port.
    """
    program = require("prometheus", generation)
    if not isinstance(config, str):
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, **config}
    config_file = _write(folder / "prometheus.yml", config)
    command = [
        str(program),
        f"--config.file={config_file}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.enable-lifecycle",
        *flags,
    ]
    async with _running(Prometheus, command, folder, port) as peer:
        yield peer


@asynccontextmanager
async def alertmanager(
    generation: Generation,
    folder: Path,
    config: Config = NO_NOTIFICATIONS,
    *,
    flags: Sequence[str] = (),
    host: str = HOST,
    port: int | None = None,
) -> AsyncIterator[Alertmanager]:
    """Run an Alertmanager, by default without notifications.

    The arguments are those of `prometheus`, and the host for one that comes back on its port.
    """
    program = require("alertmanager", generation)
    config_file = _write(folder / "alertmanager.yml", config)
    command = [
        str(program),
        f"--config.file={config_file}",
        f"--storage.path={folder / 'data'}",
        "--cluster.listen-address=",
        *flags,
    ]
    async with _running(Alertmanager, command, folder, port, host) as peer:
        yield peer


async def output_of(program: str | Path, *arguments: str | Path) -> str:
    """Return the output of a tool, for example promtool.

    Raises:
        AssertionError: the exit code is not 0.
    """
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = printed.decode()
    assert process.returncode == 0, f"{Path(program).name} ended with {process.returncode}: {text}"
    return text


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_address() -> str:
    """Return `HOST:PORT` for a listener that comes later; no other test process listens there.

    A port of 127.0.0.1 may be taken by then. So the host is an address of this process alone.
    """
    number = os.getpid()
    host = f"127.{64 + (number >> 16) % 64}.{(number >> 8) % 256}.{number % 256}"
    with socket.socket() as probe:
        probe.bind((host, 0))
        return f"{host}:{probe.getsockname()[1]}"


P = TypeVar("P", bound=Peer)


@asynccontextmanager
async def _running(
    kind: type[P], command: Sequence[str], folder: Path, port: int | None, host: str = HOST
) -> AsyncIterator[P]:
    limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT_SECONDS)
    log = folder / "log"
    async with aiohttp.ClientSession(timeout=limit) as session:
        process, port = await _start(command, log, host, port, session)
        try:
            yield kind(f"http://{host}:{port}", port, process.pid, log, session)
        finally:
            await _stop(process)


async def _start(
    command: Sequence[str],
    log: Path,
    host: str,
    port: int | None,
    session: aiohttp.ClientSession,
) -> tuple[asyncio.subprocess.Process, int]:
    for _ in range(STARTS_AT_MOST - 1 if port is None else 0):
        chosen = free_port()
        with suppress(PortTakenError):
            return await _start_on(host, chosen, command, log, session), chosen
    chosen = port or free_port()
    return await _start_on(host, chosen, command, log, session), chosen


async def _start_on(
    host: str, port: int, command: Sequence[str], log: Path, session: aiohttp.ClientSession
) -> asyncio.subprocess.Process:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *dying_with_us(),
            *command,
            f"--web.listen-address={host}:{port}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        await _ready(f"http://{host}:{port}/-/ready", process, log, session)
    except PeerDidNotStartError as error:
        await _stop(process)
        written = _read(log)
        taken = process.returncode != 0 and "address already in use" in written
        kind = PortTakenError if taken else PeerDidNotStartError
        raise kind(f"{error}: {Path(command[0]).name}\n{written[-4000:]}") from error
    except BaseException:
        await _stop(process)
        raise
    return process


async def _ready(
    url: str, process: asyncio.subprocess.Process, log: Path, session: aiohttp.ClientSession
) -> None:
    try:
        async with asyncio.timeout(START_LIMIT_SECONDS):
            while process.returncode is None:
                # A rival on the same port would answer too, but only the holder logs this line.
                if "Listening on" in _read(log):
                    async with session.get(url) as response:
                        if response.ok:
                            return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise PeerDidNotStartError(f"not ready after {START_LIMIT_SECONDS} s") from error
    raise PeerDidNotStartError(f"ended with {process.returncode}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    try:
        _signal_group(process, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT_SECONDS):
                await process.wait()
    finally:  # also if the test is cancelled
        _signal_group(process, signal.SIGKILL)
        await process.wait()


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    # The process group exists until its last member ends.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def dying_with_us() -> list[str]:
    """Return a command prefix, so that the peer is killed even if the test run is killed."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _read(log: Path) -> str:
    return log.read_text(errors="replace")


def _write(path: Path, config: Config) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = config if isinstance(config, str) else yaml.safe_dump(dict(config), sort_keys=False)
    path.write_text(text)
    return path


async def _must_be_good(response: aiohttp.ClientResponse) -> None:
    if not response.ok:
        raise AssertionError(f"{response.url} answered {response.status}: {await response.text()}")
