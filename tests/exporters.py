"""Exporters for tests: the whole program, in this process with the test's clock, or in its own."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.manifests import TOKEN, monitor_yaml, secret_yaml, write_manifests
from tests.waiting import eventually
from yuptime_exporter.app import Exporter
from yuptime_exporter.core.families import TARGET_LABELS
from yuptime_exporter.settings.command_line import parse_arguments

WAIT_SECONDS = 60.0


class StandingClock:
    """A clock that stands still until `advance`."""

    def __init__(self, now_timestamp: float = 1_700_000_000.0) -> None:
        self.now_timestamp = now_timestamp

    def __call__(self) -> float:
        return self.now_timestamp

    def advance(self, seconds: float) -> None:
        self.now_timestamp += seconds


@dataclass
class Answer:
    """The complete answer to a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        parsed = json.loads(self.body)
        assert isinstance(parsed, dict)
        return parsed


@dataclass
class Client:
    """The requests of jobs, operators and Prometheus to an exporter."""

    url: str
    session: aiohttp.ClientSession
    push_url: str = ""
    ready_path: str = "/-/ready"

    async def request(self, method: str, path: str, **options: object) -> Answer:
        async with self.session.request(method, self.url + path, **options) as response:  # type: ignore[arg-type]
            return Answer(response.status, dict(response.headers), await response.read())

    async def push(
        self,
        name: str = "backup",
        *,
        namespace: str = "jobs",
        token: str | None = TOKEN,
        body: bytes | None = b'{"status": "up"}',
        content_type: str | None = "application/json",
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        if content_type is not None:
            headers["Content-Type"] = content_type
        path = f"/api/push/{namespace}/{name}"
        options: dict[str, object] = {"headers": headers, "data": body}
        if content_type is None:
            options["skip_auto_headers"] = ["Content-Type"]
        async with self.session.post((self.push_url or self.url) + path, **options) as response:  # type: ignore[arg-type]
            return Answer(response.status, dict(response.headers), await response.read())

    async def samples(self) -> dict[str, float]:
        """Scrape; return every sample by `name{label="value",…}`, labels sorted."""
        text = (await self.request("GET", "/metrics")).body.decode()
        return {
            _series(sample.name, sample.labels): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def ready(self) -> bool:
        try:
            return (await self.request("GET", self.ready_path)).status == 200
        except aiohttp.ClientError:
            return False


def _series(name: str, labels: dict[str, str]) -> str:
    pairs = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{pairs}}}" if pairs else name


def series(name: str, monitor: str = "backup", namespace: str = "jobs") -> str:
    """Return the key of a monitor's sample in `Client.samples`."""
    return _series(f"yuptime_monitor_{name}", {"monitor": monitor, "namespace": namespace})


def notifications(name: str, url: str) -> str:
    """Return the key of the sample about the alerts for an Alertmanager."""
    return _series(f"yuptime_notifications_{name}", {"alertmanager": url})


def alert_labels_series(**labels: str) -> str:
    """Return the key of the sample that has the labels of a monitor's alerts."""
    unset = dict.fromkeys(TARGET_LABELS, "")
    identity = {"monitor": "backup", "namespace": "jobs"}
    return _series("yuptime_monitor_alert_labels", {**unset, **identity, **labels})


@dataclass
class Home:
    """The folder of one exporter: manifests, database, configuration.

    Attributes:
        kubeconfig: of the API server that the exporter follows; None: manifests.
    """

    folder: Path
    flags: list[str] = field(default_factory=list)
    database_folder: Path | None = None
    kubeconfig: Path | None = None

    @property
    def manifests(self) -> Path:
        return self.folder / "manifests"

    @property
    def database(self) -> Path:
        return (self.database_folder or self.folder) / "yuptime.db"

    def declare(self, *documents: str, file_name: str = "jobs.yaml") -> Path:
        """Declare these monitors; without any, one named jobs/backup with its Secret."""
        documents = documents or (monitor_yaml(), secret_yaml())
        return write_manifests(self.manifests, *documents, file_name=file_name)

    def furnish(self) -> None:
        """Declare jobs/backup, unless the home has manifests or follows an API server."""
        if self.kubeconfig is None and not self.manifests.exists():
            self.declare()

    def arguments(self) -> list[str]:
        return [
            *self._source(),
            f"--storage.url=sqlite:{self.database}",
            "--web.listen-address=127.0.0.1:0",
            *self.flags,
        ]

    def _source(self) -> list[str]:
        if self.kubeconfig is None:
            return [f"--source.manifests={self.manifests}"]
        return ["--source.kubernetes", f"--kubernetes.kubeconfig={self.kubeconfig}"]


@asynccontextmanager
async def exporter_here(
    home: Home,
    clock: Callable[[], float],
    *,
    ready_path: str = "/-/ready",
    wait_ready: bool = True,
) -> AsyncIterator[Client]:
    """Run the whole exporter in this process until the block ends.

    Args:
        home: the folder and the flags of the exporter.
        clock: the exporter's clock.
        ready_path: path of the readiness probe.
        wait_ready: False: give the client as soon as the exporter listens.
    """
    home.furnish()
    exporter = Exporter(parse_arguments(home.arguments()), clock=clock)
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession() as session:
        running = tasks.create_task(exporter.run())

        async def bound() -> bool:
            return bool(exporter.bound.get("--web.listen-address")) or running.done()

        await eventually(bound, bool)
        if running.done():
            await running
        url = f"http://{exporter.bound['--web.listen-address'][0]}"
        client = Client(url, session, ready_path=ready_path)
        if pushes := exporter.bound.get("--push.listen-address"):
            client.push_url = f"http://{pushes[0]}"
        if wait_ready:
            await eventually(client.ready, bool)
        yield client
        exporter.stop_requested.set()
        await running


@dataclass
class Process(Client):
    """An exporter in its own process."""

    process: asyncio.subprocess.Process = field(kw_only=True)
    log: list[str] = field(kw_only=True)

    async def stop(self, signal_number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(signal_number)
        return await asyncio.wait_for(self.process.wait(), WAIT_SECONDS)


@asynccontextmanager
async def exporter_process(
    home: Home,
    *,
    wait_ready: bool = True,
    wrapper: Sequence[str | Path] = (),
    program: Sequence[str | Path] = (sys.executable, "-m", "yuptime_exporter"),
) -> AsyncIterator[Process]:
    """Run the exporter in its own process; at the end of the block kill the process if it runs.

    Args:
        home: the folder and the flags of the exporter.
        wait_ready: False: give the process as soon as the exporter listens.
        wrapper: a command that runs its remaining arguments as a command.
        program: the exporter, without its flags.
    """
    home.furnish()
    process = await asyncio.create_subprocess_exec(
        *wrapper,
        *program,
        *home.arguments(),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    log: list[str] = []
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession() as session:
        reading = tasks.create_task(_read_log(process, log))
        try:
            url = f"http://{await _address(process, log, '--web.listen-address')}"
            client = Process(url, session, process=process, log=log)
            if wait_ready:
                await eventually(client.ready, bool)
            yield client
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading


async def run_to_end(home: Home) -> tuple[int, list[str]]:
    """Run an exporter that ends without a signal; return the exit code and the log."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "yuptime_exporter",
        *home.arguments(),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), WAIT_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, (out + err).decode().splitlines()


async def _read_log(process: asyncio.subprocess.Process, log: list[str]) -> None:
    assert process.stderr is not None
    while line := await process.stderr.readline():
        log.append(line.decode().rstrip("\n"))


async def _address(process: asyncio.subprocess.Process, log: list[str], flag: str) -> str:
    async def read() -> str | None:
        assert process.returncode is None, "\n".join(log)
        for line in log:
            if match := re.search(rf'msg=listening flag={flag} address="?([^" ]+)', line):
                return match[1]
        return None

    return str(await eventually(read, bool))
