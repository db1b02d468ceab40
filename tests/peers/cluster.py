"""A real Kubernetes control plane: etcd and an API server on 127.0.0.1, without nodes.

    with control_plane(tmp_path) as plane:
        async with connected(plane) as cluster:
            await cluster.apply(monitor)
            assert "up" in await cluster.kubectl("get", "monitors", "-A")

Nothing of it runs controllers: namespaces are never finalised, and service accounts get tokens by
TokenRequest only. With USE_EXISTING_CLUSTER=true the cluster of the kubeconfig is used instead.
"""

import asyncio
import base64
import json
import os
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.peers.programs import Generation, require
from tests.peers.running import (
    START_LIMIT_SECONDS,
    STARTS_AT_MOST,
    STOP_LIMIT_SECONDS,
    PeerDidNotStartError,
    _dying_with_us,
    free_port,
)
from tests.waiting import POLL_SECONDS, eventually

CRD = Path(__file__).parents[2] / "deploy" / "crd" / "monitors.yaml"
ADMIN_TOKEN = "admin-of-the-tests"
MERGE_PATCH = "application/merge-patch+json"

_numbers = count(1)


@dataclass
class ControlPlane:
    """The processes; what can be done to them needs no event loop."""

    folder: Path
    port: int
    etcd_port: int
    watch_cache: bool
    etcd: "subprocess.Popen[bytes]"
    server: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "certificates" / "apiserver.crt"

    def start_api_server(self) -> None:
        """Start it on the same port and the same data; return when it is ready."""
        program = require("kube-apiserver", Generation.NEWEST)
        keys = self.folder / "sa.key"
        command = [
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            f"--cert-dir={self.folder / 'certificates'}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            f"--service-account-issuer={self.url}/",
            f"--service-account-key-file={self.folder / 'sa.pub'}",
            f"--service-account-signing-key-file={keys}",
            "--disable-admission-plugins=ServiceAccount",
            "--allow-privileged=true",
            "--endpoint-reconciler-type=none",
            f"--watch-cache={str(self.watch_cache).lower()}",
        ]
        self.server = _started([str(program), *command], self.folder / "apiserver.log")
        _wait_until_ready(self)

    def stop_api_server(self) -> None:
        """Stop it; etcd goes on."""
        assert self.server is not None
        _stop(self.server)
        self.server = None

    def kill_api_server(self) -> None:
        """End it without a word."""
        assert self.server is not None
        self.server.kill()
        self.stop_api_server()

    def freeze_api_server(self) -> None:
        """Have it hang: connections stay open, and nothing is answered."""
        assert self.server is not None
        self.server.send_signal(signal.SIGSTOP)

    def thaw_api_server(self) -> None:
        """Have it go on."""
        assert self.server is not None
        self.server.send_signal(signal.SIGCONT)

    def compact(self) -> None:
        """Have etcd forget everything but the present."""
        status = self._ask_etcd("/v3/maintenance/status", {})
        revision = status["header"]["revision"]
        self._ask_etcd("/v3/kv/compaction", {"revision": revision, "physical": True})

    def _ask_etcd(self, path: str, body: Mapping[str, object]) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.etcd_port}{path}", data=json.dumps(body).encode()
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.loads(answer.read())


@dataclass
class Cluster:
    """A control plane as somebody with kubectl sees it.

    Attributes:
        plane: its processes; None where the cluster was there before.
    """

    url: str
    ca_file: Path
    admin_token: str
    folder: Path
    session: aiohttp.ClientSession = field(repr=False)
    plane: ControlPlane | None = None

    def kubeconfig(self, token: str | None = None) -> Path:
        """Write a kubeconfig for whoever has the token; without one, for the administrator."""
        path = self.folder / f"kubeconfig-{next(_numbers)}"
        path.write_text(kubeconfig_text(self.url, self.ca_file, token or self.admin_token))
        return path

    async def kubectl(
        self, *arguments: str | Path, token: str | None = None, stdin: str | None = None
    ) -> str:
        """What kubectl prints; its failure is an AssertionError."""
        code, printed = await self.try_kubectl(*arguments, token=token, stdin=stdin)
        assert code == 0, f"kubectl {' '.join(map(str, arguments))} ended with {code}: {printed}"
        return printed

    async def try_kubectl(
        self, *arguments: str | Path, token: str | None = None, stdin: str | None = None
    ) -> tuple[int, str]:
        """The exit code of kubectl, and what it prints."""
        process = await asyncio.create_subprocess_exec(
            require("kubectl", Generation.NEWEST),
            f"--kubeconfig={self.kubeconfig(token)}",
            f"--cache-dir={self.folder / 'kubectl-cache'}",
            *arguments,
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            printed, _ = await process.communicate(stdin.encode() if stdin is not None else None)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, printed.decode()

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON of an answer, whatever it says."""
        headers = {
            "Authorization": f"Bearer {token or self.admin_token}",
            "Content-Type": content_type,
        }
        data = None if body is None else json.dumps(body, ensure_ascii=False)
        async with self.session.request(
            method, self.url + path, data=data, headers=headers, params=query
        ) as response:
            text = await response.text()
            try:
                return response.status, json.loads(text)
            except ValueError:
                return response.status, text

    async def apply(self, *documents: str | Path | Mapping[str, object]) -> str:
        """Apply objects, YAML texts or files on the server's side."""
        said = []
        for document in documents:
            if isinstance(document, Path):
                said.append(await self.kubectl(*_APPLY, document))
            else:
                text = document if isinstance(document, str) else json.dumps(document)
                said.append(await self.kubectl(*_APPLY, "-", stdin=text))
        return "".join(said)

    async def create_namespace(self, prefix: str = "test", **labels: str) -> str:
        """Create a namespace that nobody else has, and return its name."""
        name = f"{prefix}-{os.getpid()}-{next(_numbers)}-{time.monotonic_ns() % 10**6}"
        body = {"metadata": {"name": name, "labels": labels}}
        status, answer = await self.request("POST", "/api/v1/namespaces", body)
        assert status == 201, answer
        return name

    async def service_account_token(self, namespace: str, name: str, *, seconds: int = 3600) -> str:
        """A token of the ServiceAccount, which is created if it is missing."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        status, answer = await self.request("POST", path, {"metadata": {"name": name}})
        assert status in (201, 409), answer
        wanted = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        status, answer = await self.request("POST", f"{path}/{name}/token", wanted)
        assert status == 201, answer
        token: str = answer["status"]["token"]
        return token

    async def install_crd(self, path: Path = CRD) -> None:
        """Install the definition of Monitors; return when it is served."""
        await self.kubectl(*_APPLY, path)

        async def served() -> int:
            return (await self.request("GET", "/apis/monitoring.yuptime.io/v1/monitors"))[0]

        await eventually(served, lambda status: status == 200)


_APPLY = ("apply", "--server-side", "--force-conflicts", "-f")


@contextmanager
def control_plane(folder: Path, *, watch_cache: bool = True) -> Iterator[ControlPlane]:
    """A control plane for the length of the block, the CRD not installed."""
    etcd_program = require("etcd", Generation.NEWEST)
    require("kube-apiserver", Generation.NEWEST)
    folder.mkdir(parents=True, exist_ok=True)
    _write_keys(folder)
    for tries_left in reversed(range(STARTS_AT_MOST)):
        plane = None
        try:
            plane = _start(folder, str(etcd_program), watch_cache=watch_cache)
            break
        except PeerDidNotStartError:
            if not tries_left:
                raise
    assert plane is not None
    try:
        yield plane
    finally:
        if plane.server is not None:
            plane.thaw_api_server()
            plane.server.kill()  # nothing of it is needed any more
            _stop(plane.server)
        plane.etcd.kill()
        _stop(plane.etcd)


@asynccontextmanager
async def connected(plane: ControlPlane | None, folder: Path) -> AsyncIterator[Cluster]:
    """What a test talks to; the folder takes kubeconfigs. Without a plane: the existing cluster."""
    folder.mkdir(parents=True, exist_ok=True)
    url, ca_file, token = (plane.url, plane.ca_file, ADMIN_TOKEN) if plane else _existing(folder)
    context = ssl.create_default_context(cafile=ca_file)
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    limit = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=limit) as session:
        yield Cluster(url, ca_file, token, folder, session, plane)


def uses_existing_cluster() -> bool:
    """Whether the tests were told to use a cluster that is there."""
    return os.environ.get("USE_EXISTING_CLUSTER", "").lower() == "true"


def kubeconfig_text(url: str, ca_file: Path, token: str) -> str:
    """A kubeconfig as a user has it."""
    cluster = {"server": url, "certificate-authority": str(ca_file)}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": "user"}}],
            "current-context": "context",
        }
    )


def _start(folder: Path, etcd_program: str, *, watch_cache: bool) -> ControlPlane:
    etcd_port, peer_port, port = free_port(), free_port(), free_port()
    etcd_url, peer_url = f"http://127.0.0.1:{etcd_port}", f"http://127.0.0.1:{peer_port}"
    etcd = _started(
        [
            etcd_program,
            f"--data-dir={folder / f'etcd-{etcd_port}'}",
            f"--listen-client-urls={etcd_url}",
            f"--advertise-client-urls={etcd_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            "--unsafe-no-fsync",  # what is lost with the machine is of no use anyway
        ],
        folder / "etcd.log",
    )
    plane = ControlPlane(folder, port, etcd_port, watch_cache, etcd)
    try:
        plane.start_api_server()
    except BaseException:
        if plane.server is not None:
            _stop(plane.server)
        _stop(etcd)
        raise
    return plane


def _started(command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as output:
        return subprocess.Popen(
            [*_dying_with_us(), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _stop(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_ready(plane: ControlPlane) -> None:
    until = time.monotonic() + START_LIMIT_SECONDS
    assert plane.server is not None
    while time.monotonic() < until and plane.server.poll() is None and plane.etcd.poll() is None:
        with suppress(OSError, ssl.SSLError):
            context = ssl.create_default_context(cafile=plane.ca_file)
            request = urllib.request.Request(  # noqa: S310  loopback
                f"{plane.url}/readyz", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}
            )
            with urllib.request.urlopen(request, timeout=2, context=context):  # noqa: S310
                return
        time.sleep(POLL_SECONDS)
    log = (plane.folder / "apiserver.log").read_text(errors="replace")
    raise PeerDidNotStartError(f"kube-apiserver is not ready:\n{log[-4000:]}")


def _write_keys(folder: Path) -> None:
    """Write what service accounts' tokens are signed with, and who the administrator is."""
    key, public = folder / "sa.key", folder / "sa.pub"
    if not key.exists():
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        subprocess.run(
            ["openssl", "rsa", "-in", key, "-pubout", "-out", public],
            check=True,
            capture_output=True,
        )
    (folder / "tokens.csv").write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')


def _existing(folder: Path) -> tuple[str, Path, str]:
    """The cluster of the kubeconfig, whose administrator has to have a token."""
    printed = subprocess.run(
        ["kubectl", "config", "view", "--raw", "--minify", "-o", "json"],
        check=True,
        capture_output=True,
    ).stdout
    config = json.loads(printed)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    ca_file = folder / "ca.crt"
    ca_file.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return cluster["server"], ca_file, user["token"]
