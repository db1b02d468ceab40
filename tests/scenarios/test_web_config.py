"""TLS, users and headers of `--web.config.file` on the whole program."""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import bcrypt
import pytest
from playwright.async_api import HttpCredentials, expect

from tests.certificates import Authority
from tests.exporters import Answer, Client, Home, StandingClock, exporter_here
from tests.manifests import TOKEN
from tests.peers.programs import Generation
from tests.peers.running import prometheus
from tests.waiting import eventually
from tests.web.pages.browsing import browsing

USER = {"Authorization": aiohttp.encode_basic_auth("prometheus", "secret")}
HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users: {{prometheus: '{HASH}'}}\n"
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
CLIENTS = """tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.example]
"""
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    made.issue("server", "127.0.0.1")
    return made


@asynccontextmanager
async def exporter(home: Path, content: str, *flags: str) -> AsyncIterator[Client]:
    """Run the exporter with this file; the client speaks HTTPS if the file has TLS."""
    (home / "web.yml").write_text(content)
    clock = StandingClock()
    running = Home(home, flags=[f"--web.config.file={home / 'web.yml'}", *flags])
    async with exporter_here(running, clock, wait_ready=False) as client:
        client.clock = clock  # type: ignore[attr-defined]
        if "tls_server_config" in content:
            client.url = client.url.replace("http:", "https:")
            client.push_url = client.push_url.replace("http:", "https:")
        yield client


async def test_pages_and_metrics_need_a_user_and_pushes_and_probes_do_not(tmp_path: Path) -> None:
    async with exporter(tmp_path, USERS, "--web.enable-lifecycle") as client:
        await eventually(client.ready, bool)

        for path in ("/metrics", "/", "/monitors/jobs/backup"):
            assert (await client.request("GET", path)).status == 401
            assert (await client.request("GET", path, headers=USER)).status == 200
        assert (await client.request("POST", "/-/reload")).status == 401
        assert (await client.request("POST", "/-/reload", headers=USER)).status == 200
        for path in ("/-/healthy", "/-/ready", "/healthz", "/livez", "/readyz"):
            assert (await client.request("GET", path)).status == 200
        assert (await client.push()).status == 200


async def test_tls_serves_pushes_and_pages(tmp_path: Path, authority: Authority) -> None:
    context = authority.client()
    async with exporter(tmp_path, TLS) as client:

        async def ready() -> bool:
            return (await client.request("GET", "/-/ready", ssl=context)).status == 200

        await eventually(ready, bool)
        pushed = await client.request(
            "POST", "/api/push/jobs/backup", ssl=context, headers=BEARER, data={"status": "up"}
        )

        assert pushed.status == 200
        assert "yuptime_monitor_up" in (
            (await client.request("GET", "/metrics", ssl=context)).body.decode()
        )


@pytest.mark.peer
@pytest.mark.parametrize("generation", list(Generation))
async def test_a_real_prometheus_scrapes_with_a_user_and_a_certificate_and_not_without(
    tmp_path: Path, authority: Authority, generation: Generation
) -> None:
    certificate, key = authority.issue("prometheus", "prometheus.example")
    certified = {"cert_file": str(certificate), "key_file": str(key)}
    trusted = {"ca_file": str(authority.certificate)}
    right, wrong = ({"username": "prometheus", "password": word} for word in ("secret", "guess"))
    async with exporter(tmp_path, CLIENTS + USERS, "--push.listen-address=127.0.0.1:0") as client:

        def job(name: str, user: dict[str, str], tls: dict[str, str]) -> dict[str, object]:
            target = {"targets": [client.url.removeprefix("https://")]}
            return {
                "job_name": name,
                "scheme": "https",
                "static_configs": [target],
                "honor_labels": True,
                "basic_auth": user,
                "tls_config": tls,
            }

        config = {
            "scrape_configs": [
                job("right", right, trusted | certified),
                job("no certificate", right, trusted),
                job("wrong password", wrong, trusted | certified),
                job("unknown authority", right, certified),
            ]
        }
        async with prometheus(generation, tmp_path / "prometheus", config) as peer:

            async def scraped() -> dict[str, float]:
                return {one.labels["job"]: one.value for one in await peer.query("up")}

            up = await eventually(scraped, lambda jobs: len(jobs) == 4 and jobs["right"] == 1)
            monitors = await peer.query("yuptime_monitor_deadline_timestamp_seconds")

    assert up == {"right": 1, "no certificate": 0, "wrong password": 0, "unknown authority": 0}
    assert [one.labels["monitor"] for one in monitors] == ["backup"]


@pytest.mark.peer
async def test_a_browser_with_a_password_sees_the_pages_and_follows_them_over_tls(
    tmp_path: Path, authority: Authority
) -> None:
    user: HttpCredentials = {"username": "prometheus", "password": "secret"}
    complaints: list[str] = []
    async with exporter(tmp_path, TLS + USERS) as client:
        async with browsing(credentials=user) as page:
            await page.goto(client.url)
            await expect(page.locator("#live")).to_have_text("live")
            await expect(page.locator("footer")).not_to_contain_text("open to all")
            await page.evaluate("window.stillHere = true")
            pushed = await client.request(
                "POST",
                "/api/push/jobs/backup",
                ssl=authority.client(),
                headers=BEARER,
                data={"status": "down", "message": "disk full"},
            )
            await expect(page.locator("tr .state")).to_have_text("down")
            await expect(page.locator("tr .message")).to_have_text("disk full")
            assert await page.evaluate("window.stillHere")
            await page.get_by_role("link", name="backup").click()
            await expect(page.locator(".lead")).to_contain_text("said down")
        stranger: HttpCredentials = {"username": "prometheus", "password": "guess"}
        async with browsing(credentials=stranger, complaints=complaints) as page:
            refused = await page.goto(client.url)

    assert pushed.status == 200
    assert refused is not None
    assert refused.status == 401
    assert "401" in complaints[0]


async def yuptime(*arguments: str) -> tuple[int, str]:
    """Run a command of `yuptime` as the user of these files; return its exit code and its output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "yuptime_exporter.companion", *arguments),
        env={**os.environ, "YUPTIME_USERNAME": "prometheus", "YUPTIME_PASSWORD": "secret"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.peer  # three processes: whole seconds
async def test_the_commands_of_yuptime_pass_tls_and_users(
    tmp_path: Path, authority: Authority
) -> None:
    copy, ca = tmp_path / "copy.db", f"--ca-file={authority.certificate}"
    async with exporter(tmp_path, TLS + USERS, "--web.enable-admin-api") as client:

        async def listed() -> tuple[int, str]:
            return await yuptime("status", f"--url={client.url}", ca)

        status = await eventually(listed, lambda said: said[0] == 0)
        made = await yuptime("backup", str(copy), f"--url={client.url}", ca)
        strange = await yuptime("backup", str(tmp_path / "x.db"), f"--url={client.url}")

    assert "jobs" in status[1]
    assert made == (0, f"{copy}: 1 monitors, {copy.stat().st_size} bytes\n")
    assert strange[0] == 1
    assert "certificate verify failed" in strange[1]
    assert not (tmp_path / "x.db").exists()


async def test_a_client_without_tls_gets_no_answer_and_is_counted(
    tmp_path: Path, authority: Authority
) -> None:
    async with exporter(tmp_path, TLS) as client:
        plain = client.url.replace("https:", "http:")
        with pytest.raises(aiohttp.ClientError):
            await client.session.get(f"{plain}/metrics")

        async def counted() -> bool:
            page = await client.request("GET", "/metrics", ssl=authority.client())
            return closed(page, "tls") > 0

        await eventually(counted, bool)


async def test_a_renewed_certificate_is_used_without_a_restart(
    tmp_path: Path, authority: Authority
) -> None:
    async with exporter(tmp_path, TLS) as client:
        before = await served_certificate(client, authority)
        authority.issue("server", "127.0.0.1")

        async def renewed() -> bool:
            client.clock.advance(2.0)  # type: ignore[attr-defined]
            return await served_certificate(client, authority) != before

        await eventually(renewed, bool)


async def test_a_certificate_that_breaks_leaves_the_old_one_and_is_reported(
    tmp_path: Path, authority: Authority
) -> None:
    async with exporter(tmp_path, TLS, "--web.enable-lifecycle") as client:
        before = await served_certificate(client, authority)
        (tmp_path / "server.crt").write_text("not a certificate")

        answer = await client.request("POST", "/-/reload", ssl=authority.client())

        assert answer.status == 500
        assert b"server.crt" in answer.body
        page = await client.request("GET", "/metrics", ssl=authority.client())
        assert b"yuptime_config_last_reload_successful 0.0" in page.body
        assert await served_certificate(client, authority) == before


async def test_only_clients_with_an_allowed_certificate_come_in(
    tmp_path: Path, authority: Authority
) -> None:
    async with exporter(tmp_path, CLIENTS) as client:
        allowed, other = authority.client("prometheus.example"), authority.client("other.example")

        with pytest.raises((aiohttp.ClientError, ssl.SSLError, ConnectionError)):
            await client.request("GET", "/metrics", ssl=authority.client())
        with pytest.raises((aiohttp.ClientError, ssl.SSLError, ConnectionError)):
            await client.request("GET", "/metrics", ssl=other)
        page = await client.request("GET", "/metrics", ssl=allowed)

        assert page.status == 200
        assert closed(page, "client_name") > 0


async def test_the_push_listener_has_tls_and_asks_for_no_client_certificate(
    tmp_path: Path, authority: Authority
) -> None:
    async with exporter(tmp_path, CLIENTS, "--push.listen-address=127.0.0.1:0") as client:
        context = authority.client()

        async def pushed() -> bool:
            url = f"{client.push_url}/api/push/jobs/backup"
            async with client.session.post(url, ssl=context, headers=BEARER) as answer:
                return answer.status == 200

        await eventually(pushed, bool)


def closed(page: Answer, reason: str) -> float:
    """Return the counter; aiohttp's client may try more than once."""
    name = f'yuptime_http_connections_closed_total{{reason="{reason}"}} '
    return float(page.body.decode().partition(name)[2].partition("\n")[0])


async def served_certificate(client: Client, authority: Authority) -> bytes:
    host, _, port = client.url.removeprefix("https://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=authority.client())
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return bytes(certificate)
