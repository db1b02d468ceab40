"""Answers of the API server, from servers on loopback.

Prefixes name the project with the same test: KO kopf.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.exporters import StandingClock
from tests.kubernetes.servers import PATH, Server, api_of, kubeconfig
from tests.peers.running import free_address
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.errors import ApiStatusError, ApiUnreachable


class TestAnswers:
    @pytest.fixture
    async def api(self, server: Server, clock: StandingClock, tmp_path: Path) -> AsyncIterator[Api]:
        server.token = "tell-nobody"
        file = kubeconfig(tmp_path / "config", server.url, {"token": server.token})
        async with api_of(clock, file) as api:
            yield api

    async def test_a_status_object_is_an_error_with_all_its_fields(
        self, api: Api, server: Server
    ) -> None:
        status = {
            "kind": "Status",
            "reason": "Timeout",
            "message": "Too large resource version",
            "details": {"retryAfterSeconds": 3, "causes": [{"reason": "ResourceVersionTooLarge"}]},
        }
        server.answer = web.json_response(status, status=504)
        with pytest.raises(ApiStatusError, match="504 Timeout: Too large") as refused:
            await api.call("GET", PATH)

        assert refused.value.retry_after_seconds == 3
        assert refused.value.causes == ("ResourceVersionTooLarge",)

    async def test_a_header_sets_the_time_to_the_next_try(self, api: Api, server: Server) -> None:
        server.answer = web.Response(status=429, headers={"Retry-After": "7"}, text="busy")
        with pytest.raises(ApiStatusError, match="429: busy") as refused:
            await api.call("GET", PATH)

        assert refused.value.retry_after_seconds == 7

    @pytest.mark.parametrize("after", ["soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "inf", "nan"])
    async def test_a_header_without_a_number_of_seconds_is_ignored(
        self, api: Api, server: Server, after: str
    ) -> None:
        server.answer = web.Response(status=429, headers={"Retry-After": after})
        with pytest.raises(ApiStatusError) as refused:
            await api.call("GET", PATH)

        assert refused.value.retry_after_seconds is None

    async def test_ko_an_error_page_is_cut_short(self, api: Api, server: Server) -> None:
        server.answer = web.Response(status=502, text="<html>\n" + "x" * 100_000)
        with pytest.raises(ApiStatusError, match="502: <html> xxx") as refused:
            await api.call("GET", PATH)

        assert len(str(refused.value)) < 300

    async def test_an_error_page_that_repeats_the_request_gives_no_token_away(
        self, api: Api, server: Server
    ) -> None:
        server.answer = web.Response(status=400, text="bad: Authorization: Bearer tell-nobody")
        with pytest.raises(ApiStatusError, match="Bearer") as refused:
            await api.call("GET", PATH)

        assert "tell-nobody" not in str(refused.value)

    async def test_a_page_in_place_of_an_object_is_no_answer(
        self, api: Api, server: Server
    ) -> None:
        server.answer = web.Response(text="<html>log in</html>", content_type="text/html")
        with pytest.raises(ApiUnreachable, match="no JSON"):
            await api.call("GET", PATH)

    async def test_a_redirect_is_not_followed(self, api: Api, server: Server) -> None:
        server.answer = web.Response(status=302, headers={"Location": "/elsewhere"})
        with pytest.raises(ApiStatusError):
            await api.call("GET", PATH)

        assert len(server.asked) == 1

    async def test_no_body_is_an_empty_object(self, api: Api, server: Server) -> None:
        server.answer = web.Response(status=200)

        assert await api.call("DELETE", PATH) == {}

    @pytest.mark.parametrize(
        "name", ["..", "../../secrets", "a/../../b", "a?watch=true", "a#b", "a b", "", "a%2Fb", "ä"]
    )
    async def test_a_name_that_no_object_can_have_is_not_requested(
        self, api: Api, server: Server, name: str
    ) -> None:
        with pytest.raises(ApiStatusError) as refused:
            await api.call("GET", f"/api/v1/namespaces/jobs/secrets/{name}")

        assert refused.value.status == 404
        assert server.asked == []

    async def test_a_refused_connection_is_reported_without_the_token(
        self, clock: StandingClock, tmp_path: Path
    ) -> None:
        url = f"http://{free_address()}"
        file = kubeconfig(tmp_path / "config", url, {"token": "tell-nobody"})
        async with api_of(clock, file) as api:
            with pytest.raises(ApiUnreachable, match="Connect call failed") as unreachable:
                await api.call("GET", PATH)

        assert "tell-nobody" not in str(unreachable.value)

    async def test_an_answer_that_is_late_is_reported_as_late(
        self, api: Api, server: Server
    ) -> None:
        server.hangs = True
        with pytest.raises(ApiUnreachable, match="no answer in time"):
            await api.call("PATCH", PATH, timeout_seconds=0.05)

    async def test_an_object_is_requested_as_uncompressed_json(
        self, api: Api, server: Server
    ) -> None:
        await api.call("PATCH", PATH, body={"a": "ä"}, content_type="application/merge-patch+json")
        headers = server.asked[0].headers

        assert headers["Content-Type"] == "application/merge-patch+json"
        assert (headers["Accept"], headers["Accept-Encoding"]) == ("application/json", "identity")
        assert headers["User-Agent"].startswith("yuptime-exporter/")
        assert json.loads((await api.call("PATCH", PATH, body={"a": "ä"}))["sent"]) == {"a": "ä"}
