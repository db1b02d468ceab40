"""Kubeconfigs as people have them, read as kubectl reads them, against servers on loopback."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.exporters import StandingClock
from tests.kubernetes.servers import PATH, Server, api_of, kubeconfig, login_plugin
from tests.peers.cluster import Cluster
from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.kubernetes.access import header_value, impersonation_headers
from yuptime_exporter.kubernetes.errors import ApiStatusError


async def problem_of(file: Path) -> str:
    """Return the error of an exporter that starts with this kubeconfig."""
    with pytest.raises(SourceUnusable) as unusable:
        async with api_of(StandingClock(), file):
            pass
    assert str(file) in str(unusable.value)
    return str(unusable.value)


class TestImpersonation:
    def test_every_field_of_impersonation_becomes_a_header(self) -> None:
        user = {
            "as": "jane",
            "as-uid": "u-1",
            "as-groups": ["ops", "dev"],
            "as-user-extra": {"acme.com/Scope %": ["read", "write"]},
        }

        assert impersonation_headers(user) == (
            ("Impersonate-User", "jane"),
            ("Impersonate-Uid", "u-1"),
            ("Impersonate-Group", "ops"),
            ("Impersonate-Group", "dev"),
            ("Impersonate-Extra-acme.com%2FScope%20%25", "read"),
            ("Impersonate-Extra-acme.com%2FScope%20%25", "write"),
        )

    @pytest.mark.parametrize(
        "user",
        [
            {"as-groups": ["system:masters"]},
            {"as-uid": "u-1"},
            {"as-user-extra": {"scope": ["read"]}},
            {"as": "", "as-groups": ["system:masters"]},
        ],
    )
    def test_groups_without_a_user_are_refused(self, user: dict[str, Any]) -> None:
        with pytest.raises(SourceUnusable, match="need the user in `as`"):
            impersonation_headers(user)

    @pytest.mark.parametrize(
        "user", [{"as": "jane", "as-groups": "ops"}, {"as": "jane", "as-user-extra": ["a"]}]
    )
    def test_a_field_of_another_type_is_refused(self, user: dict[str, Any]) -> None:
        with pytest.raises(SourceUnusable, match="expected a list in as-groups"):
            impersonation_headers(user)

    async def test_every_request_names_the_impersonated_user(
        self, server: Server, clock: StandingClock, tmp_path: Path
    ) -> None:
        user = {"token": "first", "as": "jane", "as-groups": ["ops", "dev"]}
        file = kubeconfig(tmp_path / "config", server.url, user)
        async with api_of(clock, file) as api:
            await api.call("GET", PATH)

        headers = server.asked[0].headers
        assert headers["Authorization"] == "Bearer first"
        assert headers["Impersonate-User"] == "jane"
        assert headers.getall("Impersonate-Group") == ["ops", "dev"]

    @pytest.mark.peer
    async def test_an_administrator_who_acts_as_a_user_has_the_rights_of_that_user(
        self, cluster: Cluster, clock: StandingClock
    ) -> None:
        file = cluster.kubeconfig()
        path = "/apis/monitoring.yuptime.io/v1/monitors"
        async with api_of(clock, file) as api:
            await api.call("GET", path)
        config = yaml.safe_load(file.read_text())
        config["users"][0]["user"]["as"] = "jane"
        file.write_text(yaml.safe_dump(config))

        async with api_of(clock, file) as api:
            with pytest.raises(ApiStatusError, match='User "jane" cannot list') as refused:
                await api.call("GET", path)
        assert refused.value.status == 403


class TestValuesThatKubectlReadsOtherwise:
    @pytest.mark.parametrize("proxy", ["socks5://u:pass@127.0.0.1:1080", "127.0.0.1:3128"])
    async def test_a_proxy_that_is_not_http_is_refused_by_name(
        self, server: Server, tmp_path: Path, proxy: str
    ) -> None:
        file = kubeconfig(
            tmp_path / "config", server.url, {"token": "first"}, **{"proxy-url": proxy}
        )

        problem = await problem_of(file)
        assert "clusters[name=c].cluster.proxy-url: expected a proxy with http://" in problem
        assert "pass" not in problem

    @pytest.mark.parametrize("server_url", ["api.invalid:6443", "", "tcp://api.invalid"])
    async def test_a_server_without_a_scheme_is_refused(
        self, tmp_path: Path, server_url: str
    ) -> None:
        file = kubeconfig(tmp_path / "config", server_url, {"token": "first"})

        assert "clusters[name=c].cluster.server: expected a URL" in await problem_of(file)

    @pytest.mark.parametrize(
        ("kind", "field"),
        [
            ("cluster", "certificate-authority-data"),
            ("user", "client-certificate-data"),
            ("user", "client-key-data"),
        ],
    )
    async def test_data_that_is_no_base64_is_refused_by_its_field(
        self, tmp_path: Path, kind: str, field: str
    ) -> None:
        held = {field: "-----BEGIN CERTIFICATE-----"}
        user = held if kind == "user" else {}
        file = kubeconfig(
            tmp_path / "config", "https://127.0.0.1:1", user, **(held if not user else {})
        )

        assert f"{kind}.{field}: expected base64" in await problem_of(file)

    async def test_a_login_provider_that_kubernetes_removed_is_refused(
        self, server: Server, tmp_path: Path
    ) -> None:
        user = {"auth-provider": {"name": "gcp", "config": {"cmd-path": "/nowhere"}}}
        file = kubeconfig(tmp_path / "config", server.url, user)

        assert "users[name=u].user.auth-provider: expected oidc" in await problem_of(file)

    async def test_a_token_file_precedes_a_token(
        self, server: Server, clock: StandingClock, tmp_path: Path
    ) -> None:
        (tmp_path / "token").write_text("first\n")
        user = {"token": "stale", "tokenFile": "token"}
        async with api_of(clock, kubeconfig(tmp_path / "config", server.url, user)) as api:
            await api.call("GET", PATH)

        assert server.tokens == ["Bearer first"]

    async def test_a_context_without_a_user_sends_no_credentials_over_tls(
        self, secured: Server, clock: StandingClock, tmp_path: Path
    ) -> None:
        # tomplus/kubernetes_asyncio#435
        secured.token = ""
        file = kubeconfig(
            tmp_path / "config", secured.url, {}, **{"insecure-skip-tls-verify": True}
        )
        config = yaml.safe_load(file.read_text())
        del config["contexts"][0]["context"]["user"]
        file.write_text(yaml.safe_dump(config))
        async with api_of(clock, file) as api:
            await api.call("GET", PATH)

        assert secured.tokens == ["none"]

    async def test_a_login_plugin_that_fails_is_named(self, server: Server, tmp_path: Path) -> None:
        user = {"exec": {**login_plugin(tmp_path), "args": ["-c", "raise SystemExit(3)"]}}
        file = kubeconfig(tmp_path / "config", server.url, user)

        problem = await problem_of(file)
        assert "the login plugin python" in problem
        assert "3" in problem


class TestFiles:
    @pytest.mark.parametrize("empty", ["", "---\n", "# nothing\n"])
    async def test_an_empty_file_in_the_list_is_skipped(
        self,
        server: Server,
        clock: StandingClock,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        empty: str,
    ) -> None:
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        (tmp_path / "empty").write_text(empty)
        file = kubeconfig(tmp_path / "config", server.url, {"token": "first"})
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'empty'}:{file}")
        async with api_of(clock) as api:
            assert await api.call("GET", PATH)

    async def test_an_empty_file_alone_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "config").write_text("")

        problem = await problem_of(tmp_path / "config")
        assert "expected a kubeconfig, got an empty file" in problem

    async def test_a_key_that_is_given_twice_is_refused_with_its_line(
        self, server: Server, tmp_path: Path
    ) -> None:
        # kubernetes/kubernetes#99286
        file = kubeconfig(tmp_path / "config", server.url, {"token": "tok-1"})
        file.write_text(file.read_text().replace("token: tok-1", "token: tok-1\n    token: tok-2"))

        problem = await problem_of(file)
        assert "a key is given twice" in problem
        assert ", line " in problem
        assert "tok-" not in problem

    async def test_utf_16_with_a_byte_order_mark_is_read(
        self, server: Server, clock: StandingClock, tmp_path: Path
    ) -> None:
        file = kubeconfig(tmp_path / "config", server.url, {"token": "first"})
        file.write_text(file.read_text(), encoding="utf-16")
        async with api_of(clock, file) as api:
            assert await api.call("GET", PATH)

    @pytest.mark.parametrize(("current", "named"), [("", "got none"), ("gone", "'gone'")])
    async def test_a_current_context_that_selects_nothing_is_named(
        self, server: Server, tmp_path: Path, current: str, named: str
    ) -> None:
        file = kubeconfig(tmp_path / "config", server.url, {"token": "first"})
        config = yaml.safe_load(file.read_text())
        file.write_text(yaml.safe_dump({**config, "current-context": current}))

        problem = await problem_of(file)
        assert "current-context: " in problem
        assert named in problem


class TestTokensWithLineBreaks:
    @pytest.mark.parametrize("text", ["abc\n", "abc\r\n", " abc", "\nabc\n\n"])
    def test_white_space_around_a_token_is_removed(self, text: str) -> None:
        assert header_value(text, "the token") == "abc"

    @pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\0b", "a\x7fb", "a\x1bb"])
    def test_a_control_character_is_refused_without_the_token(self, text: str) -> None:
        with pytest.raises(SourceUnusable, match="expected one line of text") as refused:
            header_value(text, "the token")
        assert text not in str(refused.value)

    async def test_a_token_of_two_lines_is_refused_at_the_start(
        self, server: Server, tmp_path: Path
    ) -> None:
        # kiali/kiali#3021
        file = kubeconfig(tmp_path / "config", server.url, {"token": "tok-1\nabc"})

        problem = await problem_of(file)
        assert "users[name=u].user: the token: expected one line of text" in problem
        assert "tok-1" not in problem

    async def test_a_token_file_that_gets_a_second_line_leaves_the_last_token_in_use(
        self,
        server: Server,
        clock: StandingClock,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        # balena-io/balena-cli#1800
        (tmp_path / "token").write_text("first\n")
        file = kubeconfig(tmp_path / "config", server.url, {"tokenFile": "token"})
        async with api_of(clock, file) as api:
            (tmp_path / "token").write_text("second\ngarbage")
            server.token = "second"
            with pytest.raises(ApiStatusError, match="401"):
                await api.call("GET", PATH)
            assert "credentials cannot be read" in caplog.text
            (tmp_path / "token").write_text("second\n")
            clock.advance(61)
            assert await api.call("GET", PATH)

        assert "garbage" not in caplog.text
