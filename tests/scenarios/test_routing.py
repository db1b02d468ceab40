"""URLs and methods as clients send them: percent-encoding, slashes, HEAD, `Allow`."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.exporters import Client, Home, StandingClock, exporter_here
from tests.manifests import TOKEN

# All tests ask one exporter, in its event loop: no answer here depends on the requests before.
pytestmark = pytest.mark.asyncio(loop_scope="module")

GET_ROUTES = (
    "/",
    "/metrics",
    "/monitors/jobs/backup",
    "/-/healthy",
    "/-/ready",
    "/healthz",
    "/livez",
    "/readyz",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    folder = tmp_path_factory.mktemp("routing")
    config = folder / "config.yaml"
    config.write_text("limits: {push_rate: {interval: 0s}}\n")
    home = Home(folder, [f"--config.file={config}"])
    async with exporter_here(home, StandingClock()) as client:
        yield client


async def status_of(client: Client, method: str, target: str, *lines: str) -> int:
    """Send a request with exactly this target and return the code of its answer."""
    host, port = client.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (f"{method} {target} HTTP/1.1", "Host: x", *lines, "Connection: close", "", "")
    writer.write("\r\n".join(head).encode())
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ", 2)[1])


TARGETS = {
    "/metrics/": 404,
    "/metrics?name[]=yuptime_ready": 200,
    "/metric%73": 200,
    "/%2Dmetrics": 404,
    "/%2D/healthy": 200,
    "/-%2Fhealthy": 404,
    "/-/healthy/": 404,
    "//metrics": 404,
    "/./metrics": 404,
    "/x/../metrics": 404,
    "/Metrics": 404,
    "/monitors/jobs/backup/": 404,
    "/monitors/jobs/": 404,
    "/monitors/jobs": 404,
    "/monitors//backup": 404,
    "/monitors/jobs/backup/more": 404,
    "/monitors/jobs/b%61ckup": 200,
    "/monitors/jobs%2Fbackup": 404,
    "/monitors/jobs/backup%00": 404,
    "/monitors/jobs/%FF": 404,
    "/monitors/jobs/%zz": 404,
    "/api/push/jobs/backup": 405,
    "/api/push": 404,
    "/api/push/jobs/backup/": 404,
    "/favicon.ico": 404,
    "/?page=2": 200,
    "http://other.example/metrics": 200,
}


@pytest.mark.parametrize("target", TARGETS)
async def test_a_path_leads_to_its_page_only_when_it_is_spelt_like_it(
    client: Client, target: str
) -> None:
    assert await status_of(client, "GET", target) == TARGETS[target]


PUSHED_TO = {
    "/api/push/jobs/backup": 200,
    "/api/push/jobs/backup?status=up": 200,
    "/api/push/jobs/backup?unknown=1": 400,
    "/api/push/jobs/backup?": 200,
    "/api/push/jobs/b%61ckup": 200,
    "/api/p%75sh/jobs/backup": 200,
    "/api/push/jobs/backup%2F": 401,
    "/api/push/jobs%2Fbackup": 404,
    "/api/push/jobs/backup/": 404,
    "/api/push/jobs/BACKUP": 401,
    "/api/push/jobs/%25": 401,
    "/api/push/jobs/%E2%82%AC": 401,
    "/api/push/jobs/{name}": 404,
    "http://other.example/api/push/jobs/backup": 200,
}


@pytest.mark.parametrize("target", PUSHED_TO)
async def test_a_push_reaches_the_monitor_whose_name_the_path_spells(
    client: Client, target: str
) -> None:
    authorization = f"Authorization: Bearer {TOKEN}"
    assert await status_of(client, "POST", target, authorization) == PUSHED_TO[target]


@pytest.mark.parametrize("path", GET_ROUTES)
async def test_head_is_answered_like_get_and_without_a_body(client: Client, path: str) -> None:
    head = await client.request("HEAD", path)
    get = await client.request("GET", path)

    assert (head.status, head.body) == (get.status, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    if path != "/metrics":  # which counts the requests themselves
        assert head.headers["Content-Length"] == str(len(get.body))


@pytest.mark.parametrize("path", GET_ROUTES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
async def test_a_page_is_only_read(client: Client, path: str, method: str) -> None:
    answer = await client.request(method, path)

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", [*GET_ROUTES, "/nowhere", "/api/push/jobs/backup", "/-/reload"])
async def test_every_answer_names_no_version_and_is_kept_by_no_cache(
    client: Client, path: str
) -> None:
    answer = await client.request("GET", path)

    assert answer.headers["Server"] == "yuptime-exporter"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Date" in answer.headers


@pytest.mark.parametrize(
    ("expect", "begin"),
    [("100-continue", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "), ("200-ok", b"HTTP/1.1 417 ")],
)
async def test_a_client_that_asks_before_it_sends_the_body_is_told_to_go_on(
    client: Client, expect: str, begin: bytes
) -> None:
    host, port = client.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        "POST /api/push/jobs/backup HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {TOKEN}\r\nExpect: {expect}\r\nContent-Length: 15\r\n\r\n"
    )
    writer.write(head.encode())
    first = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    writer.write(b'{"status":"up"}')
    rest = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()

    assert (first + rest).startswith(begin)
