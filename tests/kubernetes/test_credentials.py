"""The credentials of a kubeconfig, against servers on loopback.

Prefixes name the project with the same test: CG client-go (transport/token_source_test.go).
"""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.exporters import StandingClock
from tests.fakes.fault_sides import make_certificates
from tests.kubernetes.servers import PATH, Server, api_of, kubeconfig, login_plugin, server_at
from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.kubernetes.errors import ApiStatusError
from yuptime_exporter.kubernetes.limits import ApiLimits


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
    ) -> None:
        # Without the interval: a request that waited for a renewal finds another token in use.
        limits = ApiLimits(renewal_interval_seconds=0.0)
        file = kubeconfig(tmp_path / "config", server.url, {"exec": login_plugin(tmp_path)})
        server.token = "token-2"
        async with api_of(clock, file, limits=limits) as api, asyncio.TaskGroup() as tasks:
            for _ in range(20):
                tasks.create_task(api.call("GET", PATH))

        assert (tmp_path / "asked").read_text() == "xx"

    async def test_a_login_plugin_that_knows_nothing_better_is_not_asked_for_each_request(
        self,
        server: Server,
        clock: StandingClock,
        tmp_path: Path,
    ) -> None:
        limits = ApiLimits(renewal_interval_seconds=1e9)
        user = {"exec": login_plugin(tmp_path, tokens="always the same")}
        file = kubeconfig(tmp_path / "config", server.url, user)
        async with api_of(clock, file, limits=limits) as api:
            for _ in range(5):
                with pytest.raises(ApiStatusError, match="401"):
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


class Kubectl:
    """The kubeconfigs of a user of kubectl on this machine, outside a pod."""

    def __init__(self, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._url = url
        self._monkeypatch = monkeypatch
        for name in ("KUBERNETES_SERVICE_HOST", "POD_NAMESPACE"):
            monkeypatch.delenv(name, raising=False)

    def file(self, name: str, contexts: dict[str, str | None], current: str | None) -> Path:
        """Write a kubeconfig; `contexts` has the namespace of each, None for none."""
        config: dict[str, Any] = {
            "clusters": [{"name": name, "cluster": {"server": self._url}}],
            "users": [{"name": name, "user": {"token": "first"}}],
            "contexts": [
                {
                    "name": context,
                    "context": {
                        "cluster": name,
                        "user": name,
                        **({} if namespace is None else {"namespace": namespace}),
                    },
                }
                for context, namespace in contexts.items()
            ],
        }
        if current is not None:
            config["current-context"] = current
        file = self._folder / name
        file.write_text(yaml.safe_dump(config))
        return file

    async def namespace(self, *files: Path) -> str:
        """Return the namespace of a connection by these files, joined as for kubectl."""
        self._monkeypatch.setenv("KUBECONFIG", ":".join(str(file) for file in files))
        async with api_of(StandingClock()) as api:
            return api.namespace


@pytest.fixture
def kubectl(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    return Kubectl(tmp_path, server.url, monkeypatch)


class TestTheNamespace:
    async def test_the_namespace_is_that_of_the_current_context(self, kubectl: Kubectl) -> None:
        file = kubectl.file("one", {"other": "shop", "mine": "jobs"}, current="mine")

        assert await kubectl.namespace(file) == "jobs"

    @pytest.mark.parametrize("namespace", [None, ""])
    async def test_the_namespace_is_default_where_the_context_names_none(
        self, kubectl: Kubectl, namespace: str | None
    ) -> None:
        file = kubectl.file("one", {"other": "shop", "mine": namespace}, current="mine")

        assert await kubectl.namespace(file) == "default"

    @pytest.mark.parametrize("second_current", ["theirs", "", None])
    async def test_the_first_current_context_of_several_kubeconfigs_counts(
        self, kubectl: Kubectl, second_current: str | None
    ) -> None:
        first = kubectl.file("one", {"mine": "jobs"}, current="mine")
        second = kubectl.file("two", {"theirs": "shop"}, current=second_current)

        assert await kubectl.namespace(first, second) == "jobs"

    async def test_the_current_context_may_be_defined_in_a_later_kubeconfig(
        self, kubectl: Kubectl
    ) -> None:
        first = kubectl.file("one", {"mine": "jobs"}, current="theirs")
        second = kubectl.file("two", {"theirs": "shop", "mine": "hidden"}, current=None)

        assert await kubectl.namespace(first, second) == "shop"

    async def test_the_first_definition_of_a_context_counts(self, kubectl: Kubectl) -> None:
        first = kubectl.file("one", {"mine": "jobs"}, current=None)
        second = kubectl.file("two", {"mine": "shop"}, current="mine")

        assert await kubectl.namespace(first, second) == "jobs"

    async def test_the_namespace_of_the_pod_precedes_that_of_a_kubeconfig(
        self, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = kubectl.file("one", {"mine": "jobs"}, current="mine")
        monkeypatch.setenv("POD_NAMESPACE", "monitoring")

        assert await kubectl.namespace(file) == "monitoring"
