"""API servers on loopback that note the headers of requests, for kubeconfigs from the field."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.fakes.api_server import FakeApiServer

TLS_NAME = "api.internal"


@dataclass
class ApiServers:
    """One cluster without monitors, served with and without TLS.

    Attributes:
        ca_file: certifies the name `TLS_NAME`, and no address.
        paths: of all requests; of a request to a proxy the whole URL.
        headers: of all requests.
        token: the only one that is accepted; empty: all.
    """

    ca_file: Path
    plain_url: str = ""
    tls_url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    token: str = ""


@asynccontextmanager
async def api_servers(folder: Path) -> AsyncIterator[ApiServers]:
    """Serve until the end of the block."""
    servers, cluster = ApiServers(folder / "ca.crt"), FakeApiServer(folder / "unused")
    cluster.release()

    async def handle(request: web.Request) -> web.StreamResponse:
        servers.paths.append(request.raw_path)
        servers.headers.append(dict(request.headers))
        if servers.token and request.headers.get("Authorization") != f"Bearer {servers.token}":
            return web.json_response({"kind": "Status", "reason": "Unauthorized"}, status=401)
        return await cluster.handle(request)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    async with AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.callback(cluster.close)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_certified(folder)).start()
        plain, tls = (address[1] for address in runner.addresses)
        servers.plain_url = f"http://127.0.0.1:{plain}"
        servers.tls_url = f"https://127.0.0.1:{tls}"
        yield servers


def _certified(folder: Path) -> ssl.SSLContext:
    certificate, key = folder / "ca.crt", folder / "ca.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    for extension in (
        f"subjectAltName=DNS:{TLS_NAME}",
        "keyUsage=critical,keyCertSign,digitalSignature",
    ):
        command += ["-addext", extension]
    command += ["-subj", f"/CN={TLS_NAME}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
