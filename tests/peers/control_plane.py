"""The processes of a Kubernetes control plane: etcd and an API server on 127.0.0.1, no nodes.

The functions here block and use no event loop, so that one control plane can serve many tests. A
test with an event loop calls them by `asyncio.to_thread`. Controllers do not run: namespaces are
never finalised, and service accounts get tokens by TokenRequest only.
"""

import json
import os
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.programs import Generation, require
from tests.peers.running import (
    START_LIMIT_SECONDS,
    STARTS_AT_MOST,
    PeerDidNotStartError,
    PortTakenError,
    dying_with_us,
    free_port,
)
from tests.waiting import POLL_SECONDS

ADMIN_TOKEN = "admin-of-the-tests"

# After SIGTERM the API server closes its listener at once and waits a minute for watches to end.
STOP_LIMIT_SECONDS = 1.0

# A process with a parent-death signal dies with the thread that started the process, and the threads
# of `asyncio.to_thread` end with their event loop. This thread ends with the tests.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")

Process = subprocess.Popen[bytes]


@dataclass
class ControlPlane:
    """A running control plane, which a test may stop, freeze and compact.

    Attributes:
        watch_cache: False: the API server serves watches from etcd, and a compaction ends them.
        flags: further flags of the API server; may be changed while the API server is stopped.
        server: None while the API server is stopped.
    """

    folder: Path
    port: int
    etcd_port: int
    etcd: Process
    watch_cache: bool
    flags: Sequence[str] = ()
    server: Process | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def admin_token(self) -> str:
        return ADMIN_TOKEN

    def start_api_server(self) -> None:
        """Start the API server on the same port with the same data; return as soon as it is ready."""
        until = time.monotonic() + START_LIMIT_SECONDS
        while time.monotonic() < until:
            with suppress(PortTakenError):  # a client's connection may hold the port for a moment
                return self._launch_api_server()
        return self._launch_api_server()

    def stop_api_server(self) -> None:
        """Stop the API server, also while frozen; etcd keeps running."""
        assert self.server is not None
        _signal(self.server, signal.SIGTERM)
        _signal(self.server, signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            self.server.wait(STOP_LIMIT_SECONDS)
        self.kill_api_server()

    def kill_api_server(self) -> None:
        """Kill the API server; etcd keeps running."""
        assert self.server is not None
        _kill(self.server)
        self.server = None

    def freeze_api_server(self) -> None:
        """Freeze the API server: connections stay open without answers."""
        assert self.server is not None
        _signal(self.server, signal.SIGSTOP)

    def thaw_api_server(self) -> None:
        """Continue the frozen API server."""
        assert self.server is not None
        _signal(self.server, signal.SIGCONT)

    def compact(self) -> None:
        """Compact etcd: only the newest revision remains."""
        status = self._ask_etcd("/v3/maintenance/status", {})
        revision = status["header"]["revision"]
        self._ask_etcd("/v3/kv/compaction", {"revision": revision, "physical": True})

    def end(self) -> None:
        """Kill all processes and remove the data."""
        if self.server is not None:
            self.kill_api_server()
        _kill(self.etcd)
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def _launch_api_server(self) -> None:
        program = require("kube-apiserver", Generation.NEWEST)
        certificates, log = self.folder / "certificates", self.folder / "apiserver.log"
        key = certificates / "apiserver.key"  # of the certificate that the API server makes
        command = [
            str(program),
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            f"--cert-dir={certificates}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            f"--service-account-issuer={self.url}/",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--disable-admission-plugins=ServiceAccount",
            "--allow-privileged=true",
            "--endpoint-reconciler-type=none",
            f"--watch-cache={str(self.watch_cache).lower()}",
            *self.flags,
        ]
        self.server = _started(command, log)
        try:
            self._wait_until_ready(self.server)
        except BaseException as error:
            self.kill_api_server()
            if isinstance(error, PeerDidNotStartError):
                _explain(error, log, self.folder / "etcd.log")
            raise

    def _wait_until_ready(self, server: Process) -> None:
        until = time.monotonic() + START_LIMIT_SECONDS
        while time.monotonic() < until:
            for process, name in ((self.etcd, "etcd"), (server, "kube-apiserver")):
                if (code := process.poll()) is not None:
                    raise PeerDidNotStartError(f"{name} ended with {code}")
            with suppress(OSError):  # not listening yet, not ready yet, or another process
                self._ask_readiness()
                return
            time.sleep(POLL_SECONDS)
        raise PeerDidNotStartError(f"kube-apiserver is not ready after {START_LIMIT_SECONDS} s")

    def _ask_readiness(self) -> None:
        request = urllib.request.Request(  # noqa: S310  loopback
            f"{self.url}/readyz", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}
        )
        context = ssl.create_default_context(cafile=self.ca_file)
        with _direct(urllib.request.HTTPSHandler(context=context)).open(request, timeout=2):
            pass

    def _ask_etcd(self, path: str, body: Mapping[str, object]) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.etcd_port}{path}", data=json.dumps(body).encode()
        )
        with _direct().open(request, timeout=10) as answer:
            return json.loads(answer.read())


@contextmanager
def control_plane(
    folder: Path, *, watch_cache: bool = True, flags: Sequence[str] = ()
) -> Iterator[ControlPlane]:
    """Run a control plane for the length of the block, without the definition of Monitors."""
    require("etcd", Generation.NEWEST)
    require("kube-apiserver", Generation.NEWEST)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.csv").write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')
    plane = _start(folder, watch_cache=watch_cache, flags=flags)
    try:
        yield plane
    finally:
        plane.end()


def _start(folder: Path, *, watch_cache: bool, flags: Sequence[str]) -> ControlPlane:
    for _ in range(STARTS_AT_MOST - 1):
        with suppress(PortTakenError):
            return _start_once(folder, watch_cache=watch_cache, flags=flags)
    return _start_once(folder, watch_cache=watch_cache, flags=flags)


def _start_once(folder: Path, *, watch_cache: bool, flags: Sequence[str]) -> ControlPlane:
    etcd_port, port = free_port(), free_port()
    etcd_url = f"http://127.0.0.1:{etcd_port}"
    peers_url = "http://127.0.0.1:0"  # a cluster of one member
    command = [
        str(require("etcd", Generation.NEWEST)),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={etcd_url}",
        f"--advertise-client-urls={etcd_url}",
        f"--listen-peer-urls={peers_url}",
        f"--initial-advertise-peer-urls={peers_url}",
        f"--initial-cluster=default={peers_url}",
        "--unsafe-no-fsync",  # the data ends with the test
    ]
    etcd = _started(command, folder / "etcd.log")
    plane = ControlPlane(folder, port, etcd_port, etcd, watch_cache, flags)
    try:
        plane._launch_api_server()
    except BaseException:
        plane.end()
        raise
    return plane


def _started(command: Sequence[str], log: Path) -> Process:
    def start() -> Process:
        with log.open("wb") as output:
            return subprocess.Popen(
                [*dying_with_us(), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    return _starter.submit(start).result()


def _explain(error: PeerDidNotStartError, *logs: Path) -> None:
    """Raise the error with the end of the logs, as PortTakenError if the logs show a taken port."""
    written = [f"{log.name}: {log.read_text(errors='replace')[-4000:]}" for log in logs]
    taken = any("address already in use" in text for text in written)
    kind = PortTakenError if taken else PeerDidNotStartError
    raise kind("\n".join([str(error), *written])) from error


def _direct(*handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """Return a client that ignores the proxy settings of the machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)


def _kill(process: Process) -> None:
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    # The process group exists until its last member ends.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
