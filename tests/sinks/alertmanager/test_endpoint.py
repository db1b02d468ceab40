"""Credentials, and certificates on both sides."""

import base64
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes.alertmanager import FakeAlertmanager, fake_alertmanager
from tests.sinks.alertmanager.sending import (
    NAME,
    SECRET,
    Resolver,
    outgoing,
    sending,
    telling,
)
from tests.waiting import eventually
from yuptime_exporter.sinks.alertmanager.endpoint import Authorization, Endpoint, Tls


class TestCredentials:
    async def test_basic_credentials_are_read_again_for_each_request(self, tmp_path: Path) -> None:
        file = tmp_path / "password"
        file.write_text(f"{SECRET}\n")
        async with fake_alertmanager() as alertmanager:
            endpoint = Endpoint(alertmanager.url, Authorization("Basic", file, "yuptime"))
            async with sending(endpoint) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent)
                file.write_text("rotated-ü")
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent, lambda sent: sent == 2)

            assert [
                _decoded(request.headers["Authorization"]) for request in alertmanager.requests
            ] == [
                f"yuptime:{SECRET}",
                "yuptime:rotated-ü",
            ]

    async def test_a_bearer_token_is_read_again_for_each_request(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text(f"{SECRET}\n")
        async with fake_alertmanager() as alertmanager:
            endpoint = Endpoint(alertmanager.url, Authorization("Bearer", file))
            async with sending(endpoint) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent)
                file.write_text("rotated")
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent, lambda sent: sent == 2)

            assert [request.headers["Authorization"] for request in alertmanager.requests] == [
                f"Bearer {SECRET}",
                "Bearer rotated",
            ]

    @pytest.mark.parametrize(
        "content",
        [None, b"\xff\xfe", b"two\nlines", b"nul\x00", "tökén".encode()],
        ids=["missing", "binary", "two lines", "with a NUL", "not ASCII"],
    )
    async def test_credentials_that_cannot_be_sent_are_a_failure_until_they_are_corrected(
        self, content: bytes | None, tmp_path: Path, log: Callable[[], list[str]]
    ) -> None:
        file = tmp_path / "token"
        if content is not None:
            file.write_bytes(content)
        async with fake_alertmanager() as alertmanager:
            endpoint = Endpoint(alertmanager.url, Authorization("Bearer", file))
            async with sending(endpoint) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.errors)
                file.write_text(SECRET)
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent)

            assert [request.status for request in alertmanager.requests] == [200]
        assert str(file) in log()[0]
        assert not any("lines" in line.replace(str(file), "") for line in log())

    async def test_the_alertmanager_of_a_monitor_receives_no_credentials(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "token"
        file.write_text(SECRET)
        async with fake_alertmanager() as configured, fake_alertmanager() as named:
            endpoint = Endpoint(configured.url, Authorization("Bearer", file))
            async with telling(endpoint) as all_of_them:
                for url in (configured.url, named.url, f"{configured.url}/tenant"):
                    all_of_them.sinks.offer(url, outgoing("backup"))
                await eventually(configured.received, lambda count: count == 2)
                await eventually(named.received)

            authorized = {
                request.path: "Authorization" in request.headers for request in configured.requests
            }
            assert authorized == {"/api/v2/alerts": True, "/tenant/api/v2/alerts": False}
            assert "Authorization" not in named.requests[0].headers

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed_and_receives_no_credentials(
        self, status: int, tmp_path: Path
    ) -> None:
        file = tmp_path / "token"
        file.write_text(SECRET)
        async with fake_alertmanager() as first, fake_alertmanager() as elsewhere:
            first.redirect(f"{elsewhere.url}/api/v2/alerts", status)
            async with sending(Endpoint(first.url, Authorization("Bearer", file))) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.errors)
                first.recover()
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent)

            assert elsewhere.requests == []
            assert [request.status for request in first.requests] == [status, 200]

    @pytest.mark.parametrize("status", [401, 500, 307])
    async def test_no_log_names_credentials(
        self, status: int, tmp_path: Path, log: Callable[[], list[str]]
    ) -> None:
        file = tmp_path / "password"
        file.write_text(SECRET)
        async with fake_alertmanager() as alertmanager:
            alertmanager.status = status
            endpoint = Endpoint(alertmanager.url, Authorization("Basic", file, "yuptime"))
            async with sending(endpoint) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.errors)
            sent = alertmanager.requests[0].headers["Authorization"].split()[1]

        assert log()
        assert not any(SECRET in line or sent in line for line in log())


def _decoded(header: str) -> str:
    scheme, credentials = header.split()
    assert scheme == "Basic"
    return base64.b64decode(credentials).decode()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA and two certificates that it signed: of a server and of a client."""
    folder = tmp_path_factory.mktemp("authority")
    _openssl(folder, "req", "-x509", "-subj", "/CN=CA", "-keyout", "ca.key", "-out", "ca.crt")
    for name, alt in (("server", f"DNS:{NAME}"), ("client", "DNS:yuptime")):
        _openssl(
            folder,
            *("req", "-x509", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alt}"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-keyout", f"{name}.key", "-out", f"{name}.crt"),
        )
    return folder


def _openssl(folder: Path, *arguments: str) -> None:
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2")
    subprocess.run(["openssl", *arguments, *new_key], cwd=folder, check=True, capture_output=True)


@asynccontextmanager
async def over_tls(
    authority: Path, *, client_certificate: bool = False
) -> AsyncIterator[FakeAlertmanager]:
    """Run an Alertmanager whose certificate names `NAME`; its `url` does so, too."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority / "ca.crt")
    context.load_cert_chain(authority / "server.crt", authority / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED if client_certificate else ssl.CERT_NONE
    async with fake_alertmanager(tls=context) as alertmanager:
        alertmanager.url = f"https://{NAME}:{alertmanager.port}"
        yield alertmanager


class TestTls:
    async def outcome(self, alertmanager: FakeAlertmanager, tls: Tls, url: str = "") -> str:
        endpoint = Endpoint(url or alertmanager.url, tls=tls)
        async with sending(endpoint, resolve=Resolver("127.0.0.1")) as one:
            one.sink.offer(outgoing("backup"))

            async def decided() -> str:
                return "sent" if await one.sent() else "error" if await one.errors() else ""

            return await eventually(decided)

    async def test_a_configured_ca_is_trusted_only_for_its_own_url(self, authority: Path) -> None:
        async with over_tls(authority) as alertmanager:
            trusted = await self.outcome(alertmanager, Tls(ca_file=authority / "ca.crt"))
            untrusted = await self.outcome(alertmanager, Tls())

        assert (trusted, untrusted) == ("sent", "error")
        assert len(alertmanager.requests) == 1

    async def test_a_certificate_must_have_the_host_name_of_the_url(self, authority: Path) -> None:
        ca = authority / "ca.crt"
        async with over_tls(authority) as alertmanager:
            url = f"https://other.test:{alertmanager.port}"
            another = await self.outcome(alertmanager, Tls(ca_file=ca), url)
            named = await self.outcome(alertmanager, Tls(ca_file=ca, server_name=NAME), url)

        assert (another, named) == ("error", "sent")

    async def test_a_certificate_need_not_contain_the_address(self, authority: Path) -> None:
        async with over_tls(authority) as alertmanager:
            await self.outcome(alertmanager, Tls(ca_file=authority / "ca.crt"))

            [request] = alertmanager.requests
        assert request.headers["Host"] == f"{NAME}:{alertmanager.port}"

    async def test_verification_of_certificates_can_be_switched_off(self, authority: Path) -> None:
        async with over_tls(authority) as alertmanager:
            assert await self.outcome(alertmanager, Tls(insecure_skip_verify=True)) == "sent"

    async def test_a_client_certificate_is_sent_if_it_is_configured(self, authority: Path) -> None:
        ca = authority / "ca.crt"
        own = Tls(ca, cert_file=authority / "client.crt", key_file=authority / "client.key")
        async with over_tls(authority, client_certificate=True) as alertmanager:
            with_it = await self.outcome(alertmanager, own)
            without_it = await self.outcome(alertmanager, Tls(ca))

        assert (with_it, without_it) == ("sent", "error")

    async def test_a_certificate_that_was_renewed_is_used_without_a_reload(
        self, authority: Path, tmp_path: Path
    ) -> None:
        ca = tmp_path / "ca.crt"
        shutil.copy(authority / "client.crt", ca)  # signed by the CA, but not the CA
        async with over_tls(authority) as alertmanager:
            endpoint = Endpoint(alertmanager.url, tls=Tls(ca_file=ca))
            async with sending(endpoint, resolve=Resolver("127.0.0.1")) as one:
                one.sink.offer(outgoing("backup"))
                await one.has_errors(1)
                shutil.copy(authority / "ca.crt", ca)
                one.sink.offer(outgoing("backup"))

                await eventually(one.sent)

    async def test_tls_settings_apply_only_to_their_configured_url(self, authority: Path) -> None:
        """The URL of a monitor is verified with the certificates of the system."""
        async with over_tls(authority) as alertmanager:
            url = f"https://localhost:{alertmanager.port}"
            trusting = Endpoint(url, tls=Tls(insecure_skip_verify=True))
            async with telling(trusting) as all_of_them:
                all_of_them.sinks.offer(url, outgoing("trusted"))
                all_of_them.sinks.offer(f"{url}/tenant", outgoing("untrusted"))

                async def untrusted_errors() -> float | None:
                    return all_of_them.value("errors_total", f"{url}/tenant")

                await eventually(untrusted_errors)
                await eventually(alertmanager.received)

        assert await alertmanager.firing() == {"trusted"}
