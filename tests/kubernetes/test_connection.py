"""Who we are to an API server and whom we believe, against servers on loopback.

Named after whose tests they answer: CG client-go (transport/token_source_test.go), KA
kubernetes_asyncio (config/incluster_config_test.py).
"""

import asyncio
import json
import logging
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
from tests.fakes.fault_sides import make_certificates
from tests.peers.running import free_port
from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.connection import Connection
from yuptime_exporter.kubernetes.errors import ApiRefused, ApiUnreachable

PATH = "/api/v1/namespaces/jobs/secrets/backup"


@dataclass
class Server:
    """Knows one token; answers with what it was asked."""

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


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with server_at() as server:
        yield server


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


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
    clock: StandingClock, file: Path | None = None, *, service_account: Path | None = None
) -> AsyncIterator[Api]:
    connection = Connection(file, clock=clock, service_account=service_account or Path("/nowhere"))
    try:
        await connection.renew()
        yield Api(connection)
    finally:
        await connection.close()


class Pod:
    """What the kubelet gives a pod: files, and variables of the environment."""

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


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    return Pod(tmp_path / "serviceaccount", monkeypatch)


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[Server]:
    async with server_at(make_certificates(tmp_path / "authority")) as server:
        yield server


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    return tmp_path / "authority" / "ca.crt"


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


class TestInAPod:
    async def test_cg_a_token_may_end_its_line(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        # The library's loader would send the newline, which aiohttp refuses to.
        pod.runs_near(secured, ca_file)
        pod.write("first\n")

        async with api_of(clock, service_account=pod.folder) as api:
            assert (await api.call("GET", PATH))["path"] == PATH

    async def test_cg_a_token_is_read_anew_each_minute(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        pod.runs_near(secured, ca_file)
        async with api_of(clock, service_account=pod.folder) as api:
            secured.token = ""  # takes any
            pod.write("second")
            await api.call("GET", PATH)
            clock.advance(59)
            await api.call("GET", PATH)
            clock.advance(1)
            await api.call("GET", PATH)

        assert secured.tokens == ["Bearer first", "Bearer first", "Bearer second"]

    async def test_cg_reset_token_older_than_a_401_reads_the_token_and_asks_again(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        pod.runs_near(secured, ca_file)
        async with api_of(clock, service_account=pod.folder) as api:
            secured.token = "second"
            pod.write("second")

            assert (await api.call("PATCH", PATH, body={"a": 1}))["sent"] == '{"a":1}'
        assert secured.tokens == ["Bearer first", "Bearer second"]

    async def test_cg_race_many_requests_that_are_refused_at_once_all_succeed(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        pod.runs_near(secured, ca_file)
        async with api_of(clock, service_account=pod.folder) as api:
            secured.token = "second"
            pod.write("second")
            async with asyncio.TaskGroup() as tasks:
                answers = [tasks.create_task(api.call("GET", PATH)) for _ in range(20)]

        assert all(one.result()["path"] == PATH for one in answers)

    async def test_a_token_that_stays_wrong_is_refused_after_one_more_try(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        pod.runs_near(secured, ca_file)
        async with api_of(clock, service_account=pod.folder) as api:
            secured.token = "another"
            with pytest.raises(ApiRefused) as refused:
                await api.call("GET", PATH)

        assert (refused.value.status, refused.value.reason) == (401, "Unauthorized")
        assert len(secured.asked) == 2

    @pytest.mark.parametrize("broken", ["gone", "empty"])
    async def test_a_token_that_cannot_be_read_for_a_moment_leaves_the_last_one_in_use(
        self,
        pod: Pod,
        secured: Server,
        ca_file: Path,
        clock: StandingClock,
        caplog: pytest.LogCaptureFixture,
        broken: str,
    ) -> None:
        caplog.set_level(logging.INFO)
        pod.runs_near(secured, ca_file)
        async with api_of(clock, service_account=pod.folder) as api:
            if broken == "gone":
                (pod.folder / "token").unlink()
            else:
                pod.write("")
            for _ in range(3):
                clock.advance(61)
                await api.call("GET", PATH)
            pod.write("first")
            clock.advance(61)
            await api.call("GET", PATH)

        said = [one.message for one in caplog.records]
        assert [text for text in said if "credentials" in text] == [
            "credentials cannot be read; those that are known stay in use",
            "credentials can be read again",
        ]
        assert "first" not in caplog.text

    async def test_another_authority_is_believed_as_soon_as_its_file_is_there(
        self,
        pod: Pod,
        secured: Server,
        ca_file: Path,
        clock: StandingClock,
        tmp_path: Path,
    ) -> None:
        # client-go: ClientsAllowCARotation.
        pod.runs_near(secured, ca_file)
        async with (
            api_of(clock, service_account=pod.folder) as api,
            server_at(make_certificates(tmp_path / "other")) as other,
        ):
            pod.is_near(other)
            clock.advance(61)
            with pytest.raises(ApiUnreachable, match="certificate verify failed"):
                await api.call("GET", PATH)
            pod.write(authority=(tmp_path / "other" / "ca.crt").read_text())
            clock.advance(61)

            assert (await api.call("GET", PATH))["path"] == PATH

    async def test_proxies_of_the_environment_are_not_asked(
        self,
        pod: Pod,
        secured: Server,
        ca_file: Path,
        clock: StandingClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # NO_PROXY=10.0.0.0/8 would be usual, and is not understood.
        nobody = f"http://127.0.0.1:{free_port()}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, nobody)
        pod.runs_near(secured, ca_file)

        async with api_of(clock, service_account=pod.folder) as api:
            assert await api.call("GET", PATH)

    async def test_an_address_of_ipv6_is_written_in_brackets(
        self, pod: Pod, secured: Server, ca_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pod.runs_near(secured, ca_file)
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
        connection = Connection(None, clock=StandingClock(), service_account=pod.folder)
        await connection.renew()
        await connection.close()

        assert connection._access is not None
        assert connection._access.server == f"https://[fd00::1]:{secured.port}"

    async def test_without_a_service_account_the_remedy_is_told(
        self, pod: Pod, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")

        with pytest.raises(SourceUnusable, match=r"No such file.*--kubernetes.kubeconfig"):
            async with api_of(clock, service_account=pod.folder):
                pass

    async def test_the_client_library_is_not_even_imported(
        self, pod: Pod, secured: Server, ca_file: Path, tmp_path: Path
    ) -> None:
        pod.runs_near(secured, ca_file)
        program = tmp_path / "program.py"
        program.write_text(
            "import asyncio, sys, time\n"
            "from pathlib import Path\n"
            "from yuptime_exporter.kubernetes.connection import Connection\n"
            "async def main():\n"
            "    connection = Connection(None, clock=time.time, service_account=Path(sys.argv[1]))\n"
            "    await connection.renew()\n"
            "    await connection.close()\n"
            "asyncio.run(main())\n"
            "print(sum(name.startswith('kubernetes_asyncio') for name in sys.modules))\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, program, pod.folder, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()

        assert printed.decode().strip() == "0"


class TestWithAKubeconfig:
    async def test_the_token_of_its_user_is_sent(
        self, server: Server, clock: StandingClock, tmp_path: Path
    ) -> None:
        file = kubeconfig(tmp_path / "config", server.url, {"token": "first"})

        async with api_of(clock, file) as api:
            assert (await api.call("GET", PATH, query={"a": "b c"}))["path"] == f"{PATH}?a=b+c"

    async def test_where_kubectl_looks_is_where_it_is_found(
        self,
        server: Server,
        clock: StandingClock,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        file = kubeconfig(tmp_path / "config", server.url, {"token": "first"})
        monkeypatch.setenv("KUBECONFIG", f"/nowhere:{file}")

        async with api_of(clock) as api:
            assert await api.call("GET", PATH)

    async def test_a_token_file_is_read_anew_each_minute(
        self, server: Server, clock: StandingClock, tmp_path: Path
    ) -> None:
        (tmp_path / "token").write_text("first\n")
        file = kubeconfig(tmp_path / "config", server.url, {"tokenFile": "token"})
        async with api_of(clock, file) as api:
            await api.call("GET", PATH)
            (tmp_path / "token").write_text("second\n")
            server.token = ""
            clock.advance(61)
            await api.call("GET", PATH)

        assert server.tokens == ["Bearer first", "Bearer second"]

    async def test_another_token_in_the_file_is_used_after_a_401(
        self, server: Server, clock: StandingClock, tmp_path: Path
    ) -> None:
        file = kubeconfig(tmp_path / "config", server.url, {"token": "first"})
        async with api_of(clock, file) as api:
            server.token = "second"
            kubeconfig(file, server.url, {"token": "second"})

            assert await api.call("GET", PATH)

    async def test_a_login_plugin_is_asked_again_after_a_401_and_not_before(
        self, server: Server, clock: StandingClock, tmp_path: Path
    ) -> None:
        file = kubeconfig(tmp_path / "config", server.url, {"exec": login_plugin(tmp_path)})
        server.token = "token-1"
        async with api_of(clock, file) as api:
            clock.advance(61)
            await api.call("GET", PATH)
            server.token = "token-2"
            await api.call("GET", PATH)

        assert server.tokens == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]

    async def test_cg_race_a_login_plugin_is_asked_once_for_all_who_are_refused_at_once(
        self,
        server: Server,
        clock: StandingClock,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # However long it takes: whoever waited for it finds another token than was refused.
        monkeypatch.setattr("yuptime_exporter.kubernetes.connection.RENEWAL_SECONDS", 0.0)
        file = kubeconfig(tmp_path / "config", server.url, {"exec": login_plugin(tmp_path)})
        server.token = "token-2"
        async with api_of(clock, file) as api, asyncio.TaskGroup() as tasks:
            for _ in range(20):
                tasks.create_task(api.call("GET", PATH))

        assert (tmp_path / "asked").read_text() == "xx"

    async def test_a_login_plugin_that_knows_nothing_better_is_not_asked_for_each_request(
        self,
        server: Server,
        clock: StandingClock,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("yuptime_exporter.kubernetes.connection.RENEWAL_SECONDS", 1e9)
        user = {"exec": login_plugin(tmp_path, tokens="always the same")}
        file = kubeconfig(tmp_path / "config", server.url, user)
        async with api_of(clock, file) as api:
            for _ in range(5):
                with pytest.raises(ApiRefused, match="401"):
                    await api.call("GET", PATH)

        assert (tmp_path / "asked").read_text() == "xx"

    async def test_a_certificate_of_the_client_is_shown(
        self, clock: StandingClock, tmp_path: Path
    ) -> None:
        authority = tmp_path / "authority"
        tls = make_certificates(authority)
        tls.load_verify_locations(authority / "ca.crt")
        tls.verify_mode = ssl.CERT_REQUIRED
        user = {"client-certificate": "server.crt", "client-key": "server.key"}
        async with server_at(tls) as server:
            server.token = ""
            trust = {"certificate-authority": "ca.crt"}
            file = kubeconfig(authority / "config", server.url, user, **trust)
            async with api_of(clock, file) as api:
                assert await api.call("GET", PATH)

    async def test_a_server_may_go_unchecked_and_by_another_name(
        self, secured: Server, clock: StandingClock, tmp_path: Path, ca_file: Path
    ) -> None:
        user = {"token": "first"}
        unchecked = {"insecure-skip-tls-verify": True}
        file = kubeconfig(tmp_path / "config", secured.url, user, **unchecked)
        async with api_of(clock, file) as api:
            assert await api.call("GET", PATH)
        named = {"certificate-authority": str(ca_file), "tls-server-name": "127.0.0.1"}
        by_name = secured.url.replace("127.0.0.1", "localhost")
        file = kubeconfig(tmp_path / "config", by_name, user, **named)
        async with api_of(clock, file) as api:
            assert await api.call("GET", PATH)

    async def test_its_proxy_is_asked(
        self, server: Server, clock: StandingClock, tmp_path: Path
    ) -> None:
        nowhere = "http://192.0.2.1:6443"
        file = kubeconfig(
            tmp_path / "config", nowhere, {"token": "first"}, **{"proxy-url": server.url}
        )
        async with api_of(clock, file) as api:
            await api.call("GET", PATH)

        assert [one.headers["Host"] for one in server.asked] == ["192.0.2.1:6443"]

    @pytest.mark.parametrize(
        "text",
        [None, "", "[]", "{", "clusters: 5", "current-context: x\ncontexts: []\nclusters: []"],
    )
    async def test_a_file_that_is_none_is_named_with_the_remedy(
        self, clock: StandingClock, tmp_path: Path, text: str | None
    ) -> None:
        file = tmp_path / "config"
        if text is not None:
            file.write_text(text)

        with pytest.raises(SourceUnusable, match=rf"{file}: .*--kubernetes.kubeconfig"):
            async with api_of(clock, file):
                pass

    async def test_what_is_wrong_in_a_file_is_told_without_its_tokens(
        self, clock: StandingClock, tmp_path: Path
    ) -> None:
        # The library puts the whole entry into its message.
        file = kubeconfig(tmp_path / "config", "http://127.0.0.1:1", {"token": "tell-nobody"})
        file.write_text(file.read_text().replace("user:\n    token", "usr:\n    token"))

        with pytest.raises(SourceUnusable, match="Expected key user") as unusable:
            async with api_of(clock, file):
                pass
        assert "tell-nobody" not in str(unusable.value)


class TestAnswers:
    @pytest.fixture
    async def api(self, server: Server, clock: StandingClock, tmp_path: Path) -> AsyncIterator[Api]:
        server.token = "tell-nobody"
        file = kubeconfig(tmp_path / "config", server.url, {"token": server.token})
        async with api_of(clock, file) as api:
            yield api

    async def test_a_status_is_a_refusal_with_all_that_it_says(
        self, api: Api, server: Server
    ) -> None:
        status = {
            "kind": "Status",
            "reason": "Timeout",
            "message": "Too large resource version",
            "details": {"retryAfterSeconds": 3, "causes": [{"reason": "ResourceVersionTooLarge"}]},
        }
        server.answer = web.json_response(status, status=504)
        with pytest.raises(ApiRefused, match="504 Timeout: Too large") as refused:
            await api.call("GET", PATH)

        assert refused.value.retry_after_seconds == 3
        assert refused.value.causes == ("ResourceVersionTooLarge",)

    async def test_a_header_says_when_to_come_back(self, api: Api, server: Server) -> None:
        server.answer = web.Response(status=429, headers={"Retry-After": "7"}, text="busy")
        with pytest.raises(ApiRefused, match="429: busy") as refused:
            await api.call("GET", PATH)

        assert refused.value.retry_after_seconds == 7

    @pytest.mark.parametrize("after", ["soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "inf", "nan"])
    async def test_what_is_no_number_of_seconds_says_nothing(
        self, api: Api, server: Server, after: str
    ) -> None:
        server.answer = web.Response(status=429, headers={"Retry-After": after})
        with pytest.raises(ApiRefused) as refused:
            await api.call("GET", PATH)

        assert refused.value.retry_after_seconds is None

    async def test_ko_an_error_page_is_cut_short(self, api: Api, server: Server) -> None:
        server.answer = web.Response(status=502, text="<html>\n" + "x" * 100_000)
        with pytest.raises(ApiRefused, match="502: <html> xxx") as refused:
            await api.call("GET", PATH)

        assert len(str(refused.value)) < 300

    async def test_an_error_page_that_repeats_the_request_gives_no_token_away(
        self, api: Api, server: Server
    ) -> None:
        server.answer = web.Response(status=400, text="bad: Authorization: Bearer tell-nobody")
        with pytest.raises(ApiRefused, match="Bearer") as refused:
            await api.call("GET", PATH)

        assert "tell-nobody" not in str(refused.value)

    async def test_a_page_in_the_place_of_an_object_is_no_answer(
        self, api: Api, server: Server
    ) -> None:
        server.answer = web.Response(text="<html>log in</html>", content_type="text/html")
        with pytest.raises(ApiUnreachable, match="no JSON"):
            await api.call("GET", PATH)

    async def test_a_redirect_is_not_followed(self, api: Api, server: Server) -> None:
        server.answer = web.Response(status=302, headers={"Location": "/elsewhere"})
        with pytest.raises(ApiRefused):
            await api.call("GET", PATH)

        assert len(server.asked) == 1

    async def test_no_body_is_an_empty_object(self, api: Api, server: Server) -> None:
        server.answer = web.Response(status=200)

        assert await api.call("DELETE", PATH) == {}

    @pytest.mark.parametrize(
        "name", ["..", "../../secrets", "a/../../b", "a?watch=true", "a#b", "a b", "", "a%2Fb", "ä"]
    )
    async def test_a_name_that_no_object_has_does_not_change_what_is_asked(
        self, api: Api, server: Server, name: str
    ) -> None:
        with pytest.raises(ApiRefused) as refused:
            await api.call("GET", f"/api/v1/namespaces/jobs/secrets/{name}")

        assert refused.value.status == 404
        assert server.asked == []

    async def test_nobody_there_is_told_without_the_token(
        self, clock: StandingClock, tmp_path: Path
    ) -> None:
        url = f"http://127.0.0.1:{free_port()}"
        file = kubeconfig(tmp_path / "config", url, {"token": "tell-nobody"})
        async with api_of(clock, file) as api:
            with pytest.raises(ApiUnreachable, match="Connect call failed") as unreachable:
                await api.call("GET", PATH)

        assert "tell-nobody" not in str(unreachable.value)

    async def test_no_answer_in_time_is_said_so(self, api: Api, server: Server) -> None:
        server.hangs = True
        with pytest.raises(ApiUnreachable, match="no answer in time"):
            await api.call("PATCH", PATH, timeout_seconds=0.05)

    async def test_an_object_is_asked_for_as_json_and_unpacked(
        self, api: Api, server: Server
    ) -> None:
        await api.call("PATCH", PATH, body={"a": "ä"}, content_type="application/merge-patch+json")
        headers = server.asked[0].headers

        assert headers["Content-Type"] == "application/merge-patch+json"
        assert (headers["Accept"], headers["Accept-Encoding"]) == ("application/json", "identity")
        assert headers["User-Agent"].startswith("yuptime-exporter/")
        assert json.loads((await api.call("PATCH", PATH, body={"a": "ä"}))["sent"]) == {"a": "ä"}
