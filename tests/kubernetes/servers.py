"""Servers on loopback in place of an API server, and the credentials of its clients."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.exporters import StandingClock
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.connection import Connection
from yuptime_exporter.kubernetes.limits import ApiLimits

PATH = "/api/v1/namespaces/jobs/secrets/backup"


@dataclass
class Server:
    """Knows one token; the answer repeats the request."""

    url: str = ""
    port: int = 0
    token: str = "first"
    answer: web.Response | None = None
    hangs: bool = False
    asked: list[web.BaseRequest] = field(default_factory=list)

    @property
    def tokens(self) -> list[str]:
        return [one.headers.get("Authorization", "none") for one in self.asked]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        if self.hangs:
            await asyncio.Event().wait()
        if request.headers.get("Authorization", "") != f"Bearer {self.token}" and self.token:
            return web.json_response({"kind": "Status", "reason": "Unauthorized"}, status=401)
        if self.answer is not None:
            return self.answer
        return web.json_response({"path": request.path_qs, "sent": (await request.read()).decode()})


@asynccontextmanager
async def server_at(tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server()
    runner = web.ServerRunner(web.Server(server.handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    server.port = runner.addresses[0][1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.port}"
    yield server
    await runner.cleanup()


def kubeconfig(file: Path, url: str, user: dict[str, Any], **cluster: Any) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url, **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file.write_text(yaml.safe_dump(config))
    return file


@asynccontextmanager
async def api_of(
    clock: StandingClock,
    file: Path | None = None,
    *,
    service_account: Path = Path("/nowhere"),
    limits: ApiLimits | None = None,
) -> AsyncIterator[Api]:
    connection = Connection(file, clock=clock, service_account=service_account, limits=limits)
    try:
        await connection.renew()
        yield Api(connection)
    finally:
        await connection.close()


class Pod:
    """The files and environment variables that the kubelet gives to a pod."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch

    def runs_near(self, server: Server, ca_file: Path) -> None:
        self.folder.mkdir()
        self.write(server.token, ca_file.read_text())
        self.is_near(server)

    def is_near(self, server: Server) -> None:
        self._monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        self._monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))

    def write(self, token: str | None = None, authority: str | None = None) -> None:
        """Replace files as the kubelet does: all at once, by another file."""
        for name, text in (("token", token), ("ca.crt", authority)):
            if text is not None:
                (self.folder / "new").write_text(text)
                (self.folder / "new").rename(self.folder / name)


def login_plugin(folder: Path, *, tokens: str = "token-{count}") -> dict[str, Any]:
    """A command that notes each call in the file `asked`, for which it gives out a token."""
    plugin = folder / "plugin.py"
    plugin.write_text(
        "import json, pathlib\n"
        f"state = pathlib.Path({str(folder / 'asked')!r})\n"
        "count = len(state.read_text()) + 1 if state.exists() else 1\n"
        "state.write_text('x' * count)\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1',\n"
        "    'kind': 'ExecCredential', 'status': {'expirationTimestamp': '2099-01-01T00:00:00Z',\n"
        f"    'token': f'{tokens}'}}}}))\n"
    )
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(plugin)],
    }
