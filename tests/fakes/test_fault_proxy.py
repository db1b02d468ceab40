"""The fault proxy passes everything on, and answers instead of upstream on request."""

import gzip
import io
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from yarl import URL

from tests.fakes import fault_answers
from tests.fakes.fault_proxy import FaultProxy, fault_proxy
from tests.fakes.fault_sides import make_certificates
from tests.fakes.faults import WATCHES, Answer, When
from tests.fakes.scripted_upstream import (
    ADDED,
    ALL,
    LIST,
    MODIFIED,
    WATCH,
    Upstream,
    broken_off,
    got,
    upstream_at,
)
from tests.waiting import eventually


class TestWithoutFaults:
    async def test_the_fault_proxy_passes_a_watch_byte_for_byte_at_once(
        self, upstream: Upstream, client: aiohttp.ClientSession
    ) -> None:
        upstream.ends = False
        async with client.get(WATCH) as response:
            first = await response.content.readexactly(len(ALL))
            await upstream.more.put(MODIFIED)
            second = await response.content.readexactly(len(MODIFIED))

        assert (first, second) == (ALL, MODIFIED)

    async def test_the_fault_proxy_passes_other_answers_with_status_and_headers(
        self, client: aiohttp.ClientSession
    ) -> None:
        async with client.get(LIST) as response:
            body = await response.read()

        assert (response.status, response.headers["X-Kind"], body) == (201, "list", ALL)
        assert response.headers["Content-Length"] == str(len(ALL))

    async def test_the_fault_proxy_passes_requests_unchanged(
        self, upstream: Upstream, client: aiohttp.ClientSession
    ) -> None:
        target = "/a%2fb/%7e?q=%C3%A4&continue=x%3D%3D"
        sent = bytes(range(256)) * 8192
        headers = {"Authorization": "Bearer secret", "Content-Type": "application/merge-patch+json"}
        url = URL(target, encoded=True)
        async with client.patch(url, data=io.BytesIO(sent), headers=headers) as response:
            echoed = await response.read()

        method, asked, received, body = upstream.asked[0]
        assert (method, asked, body) == ("PATCH", target, sent)
        assert received.items() >= headers.items()
        assert echoed == sent

    async def test_the_fault_proxy_leaves_compressed_answers_compressed(
        self, upstream: Upstream, client: aiohttp.ClientSession
    ) -> None:
        upstream.listed, upstream.headers = gzip.compress(ALL), {"Content-Encoding": "gzip"}

        assert await got(client, LIST) == ALL

    async def test_the_fault_proxy_passes_a_last_line_without_an_end(
        self, upstream: Upstream, client: aiohttp.ClientSession
    ) -> None:
        upstream.frames = (ADDED, MODIFIED[:10])

        assert await got(client) == ADDED + MODIFIED[:10]

    async def test_a_broken_upstream_connection_breaks_the_connection_of_the_client(
        self, upstream: Upstream, client: aiohttp.ClientSession
    ) -> None:
        upstream.breaks_off = True

        error, data = await broken_off(client)

        assert error
        assert ALL.startswith(data)

    async def test_a_client_that_disconnects_ends_the_upstream_watch(
        self, upstream: Upstream, client: aiohttp.ClientSession, proxy: FaultProxy
    ) -> None:
        upstream.ends = False
        async with client.get(WATCH) as response:
            await response.content.readexactly(len(ALL))
            assert await proxy.waiting(WATCHES)() == 1

        async def left() -> int:
            return upstream.leaving

        await eventually(left)
        await eventually(proxy.waiting(), lambda count: count == 0)

    async def test_the_fault_proxy_accepts_an_upstream_with_its_own_certificate_authority(
        self, tmp_path: Path
    ) -> None:
        tls = make_certificates(tmp_path / "upstream")
        async with (
            upstream_at(tls) as upstream,
            fault_proxy(
                upstream.url, tmp_path / "upstream" / "ca.crt", folder=tmp_path / "proxy"
            ) as proxy,
        ):
            trust = ssl.create_default_context(cafile=proxy.ca_file)
            async with (
                aiohttp.ClientSession() as session,
                session.get(proxy.url + WATCH, ssl=trust) as response,
            ):
                assert await response.read() == ALL

    async def test_the_kubeconfig_of_the_fault_proxy_has_its_address(
        self, proxy: FaultProxy
    ) -> None:
        config = yaml.safe_load(proxy.kubeconfig("secret").read_text())

        assert config["clusters"][0]["cluster"] == {
            "server": proxy.url,
            "certificate-authority": str(proxy.ca_file),
        }
        assert config["users"][0]["user"] == {"token": "secret"}

    async def test_the_fault_proxy_records_and_counts_requests(
        self, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        await got(client, WATCH)
        await got(client, LIST)
        async with client.patch(LIST, data=b"{}") as response:
            await response.read()

        watch, _, patch = proxy.requests
        assert (watch.status, watch.sent_bytes, watch.watch) == (200, len(ALL), True)
        assert (patch.method, patch.path, patch.body) == ("PATCH", LIST, b"{}")
        assert len(proxy.seen(When(query="fieldSelector=spec.type=push"))) == 1
        assert await proxy.asked(When(method="GET"))() == 2
        assert {one.connection for one in proxy.requests} == {1}
        assert proxy.connections == 1


READY_MADE: dict[str, tuple[Answer, int, Callable[[Any], object], object]] = {
    "401": (fault_answers.unauthorized(), 401, lambda body: body["reason"], "Unauthorized"),
    "403": (fault_answers.forbidden(), 403, lambda body: body["reason"], "Forbidden"),
    "409": (fault_answers.conflict("backup"), 409, lambda body: body["reason"], "Conflict"),
    "410": (fault_answers.expired(), 410, lambda body: body["reason"], "Expired"),
    "500": (fault_answers.internal_error(), 500, lambda body: body["reason"], "InternalError"),
    "404 of an object": (
        fault_answers.object_not_found("backup"),
        404,
        lambda body: body["details"]["name"],
        "backup",
    ),
    "422 to sendInitialEvents": (
        fault_answers.no_initial_events(),
        422,
        lambda body: body["details"]["causes"][0]["field"],
        "sendInitialEvents",
    ),
    "429 in the body": (
        fault_answers.too_many_requests(7, header=False),
        429,
        lambda body: body["details"]["retryAfterSeconds"],
        7,
    ),
    "504": (
        fault_answers.too_large_resource_version(),
        504,
        lambda body: body["details"]["causes"][0]["reason"],
        "ResourceVersionTooLarge",
    ),
}


class TestAnswers:
    @pytest.mark.parametrize("name", READY_MADE)
    async def test_an_injected_error_has_the_form_of_an_api_server(
        self, name: str, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        answer, status, ask, expected = READY_MADE[name]
        proxy.apply(answer)
        async with client.get(WATCH) as response:
            body = await response.json()

        assert (response.status, body["code"], ask(body)) == (status, status, expected)

    @pytest.mark.parametrize(
        ("answer", "content_type", "start"),
        [
            (fault_answers.bad_gateway(), "text/html", b"<html>\n"),
            (fault_answers.unauthorized_text(), "text/plain", b"Unauthorized"),
            (fault_answers.not_found(), "text/plain", b"404 page not found"),
        ],
        ids=["502", "401", "404"],
    )
    async def test_an_injected_error_may_have_a_body_that_is_not_json(
        self,
        answer: Answer,
        content_type: str,
        start: bytes,
        proxy: FaultProxy,
        client: aiohttp.ClientSession,
    ) -> None:
        proxy.apply(answer)
        async with client.get(WATCH) as response:
            body = await response.read()

        assert (response.status, response.content_type) == (answer.status, content_type)
        assert body.startswith(start)

    async def test_an_injected_error_may_have_a_retry_after_header(
        self, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        proxy.apply(fault_answers.too_many_requests(7, details=False))
        async with client.get(WATCH) as response:
            body = await response.json()

        assert response.headers["Retry-After"] == "7"
        assert "details" not in body

    async def test_an_injected_error_strikes_the_given_number_of_matching_requests(
        self, upstream: Upstream, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        proxy.answer(500, when=When(method="GET", path="monitors", watch=False), times=2)
        statuses = []
        for target in (WATCH, LIST, "/api/secrets", LIST, LIST):
            async with client.get(target) as response:
                statuses.append(response.status)

        assert statuses == [200, 500, 201, 500, 201]
        assert len(upstream.asked) == 3

    async def test_the_fault_proxy_can_answer_with_any_bytes(
        self, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        proxy.answer(418, b"\x00\xff", {"X-Teapot": "1"})
        async with client.get(LIST) as response:
            body = await response.read()

        assert (response.status, response.headers["X-Teapot"], body) == (418, "1", b"\x00\xff")

    async def test_lifting_ends_every_fault(
        self, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        proxy.answer(500)
        proxy.lift()

        assert await got(client) == ALL
