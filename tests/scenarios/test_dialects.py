"""Dialects as their clients meet them: routes, tokens in URLs, answers, and what stays secret."""

import asyncio
import json
from io import BytesIO

import pytest

from tests.exporters import Client, Home, StandingClock, exporter_here, exporter_process, series
from tests.manifests import TOKEN, monitor_yaml, secret_yaml
from tests.waiting import eventually

OWN = "0b1c7a52-60a1-4f7f-8a3e-9a5f0e9f2d11"
WRONG = "a-wrong-token-of-a-url"
ALL = "--push.dialects=healthchecks,uptime-kuma,gatus,alertmanager"
FIRING = json.dumps({"version": "4", "status": "firing"}).encode()
BEARER = {"Authorization": f"Bearer {OWN}"}

# Method and path of an accepted push in each dialect, with the answer's body.
PUSHES = {
    "healthchecks": ("GET", f"/ping/{OWN}", {}, b"OK"),
    "uptime-kuma": ("GET", f"/api/push/{OWN}?status=up&msg=OK&ping=", {}, b'{"ok": true}'),
    "gatus": ("POST", "/api/v1/endpoints/jobs_own/external?success=true", BEARER, b""),
    "alertmanager": (
        "POST",
        "/api/alertmanager/jobs/own",
        BEARER,
        b'{"monitor": "jobs/own", "status": "up"}',
    ),
}


@pytest.fixture
def shared(home: Home) -> Home:
    """`jobs/own` has a token of its own; a, b in `jobs` and a in `other` share another."""
    home.declare(
        monitor_yaml("own", secret="own"),
        secret_yaml("own", tokens=(OWN,)),
        monitor_yaml("a"),
        monitor_yaml("b"),
        secret_yaml(),
        monitor_yaml("a", namespace="other"),
        secret_yaml(namespace="other"),
    )
    home.flags.append(ALL)
    return home


async def sent(client: Client, dialect: str) -> tuple[int, bytes]:
    method, path, headers, _ = PUSHES[dialect]
    body = FIRING if dialect == "alertmanager" else b""
    answer = await client.request(method, path, headers=headers, data=body)
    return answer.status, answer.body


async def test_without_the_flag_no_dialect_is_served(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        unknown = await client.request("GET", "/nothing")
        for dialect in PUSHES:
            assert await sent(client, dialect) == (404, unknown.body), dialect


@pytest.mark.parametrize("dialect", PUSHES)
async def test_with_the_flag_just_the_named_dialect_is_served(
    dialect: str, shared: Home, clock: StandingClock
) -> None:
    shared.flags[-1] = f"--push.dialects={dialect}"
    async with exporter_here(shared, clock) as client:
        for other in PUSHES:
            expected = (200, PUSHES[dialect][3]) if other == dialect else (404,)
            assert (await sent(client, other))[: len(expected)] == expected, other
        samples = await client.samples()
        monitor = await client.request("GET", "/api/v1/monitors/jobs/own")

    assert samples[series("up", "own")] == samples[series("pushes_total", "own")] == 1
    assert f'"{dialect}"'.encode() in monitor.body


async def test_the_openapi_document_lists_the_routes_of_the_named_dialects_only(
    shared: Home, clock: StandingClock
) -> None:
    shared.flags[-1] = "--push.dialects=healthchecks,gatus"
    async with exporter_here(shared, clock) as client:
        document = (await client.request("GET", "/api/v1/openapi.json")).json()

    paths = document["paths"]
    assert isinstance(paths, dict)
    assert set(paths["/ping/{token}"]) == {"get", "post", "put", "patch", "delete"}
    assert set(paths["/api/v1/endpoints/{endpoint}/external"]) == {"post"}
    assert not {"/api/push/{token}", "/api/alertmanager/{namespace}/{name}"} & set(paths)
    operations = [each["operationId"] for methods in paths.values() for each in methods.values()]
    assert len(set(operations)) == len(operations)


async def test_a_prefix_and_a_listener_for_pushes_hold_for_dialects(
    shared: Home, clock: StandingClock
) -> None:
    shared.flags += ["--web.route-prefix=/jobs", "--push.listen-address=127.0.0.1:0"]
    async with exporter_here(shared, clock, ready_path="/jobs/-/ready") as client:
        assert (await client.request("GET", f"/jobs/ping/{OWN}")).status == 404
        client.url = client.push_url
        assert (await client.request("GET", f"/ping/{OWN}")).status == 404
        assert (await client.request("GET", f"/jobs/ping/{OWN}")).body == b"OK"


async def test_a_token_that_several_monitors_share_needs_a_name_that_one_of_them_has(
    shared: Home, clock: StandingClock
) -> None:
    async with exporter_here(shared, clock) as client:
        for path in (f"/ping/{TOKEN}", f"/ping/{TOKEN}/a", f"/ping/{TOKEN}/a/fail"):
            answer = await client.request("GET", path)
            assert (answer.status, answer.body) == (409, b"ambiguous slug"), path
        kuma = await client.request("GET", f"/api/push/{TOKEN}?status=down")
        named = await client.request("GET", f"/ping/{TOKEN}/b/3")
        samples = await client.samples()

    assert (kuma.status, kuma.json()["ok"]) == (404, False)
    assert named.status == 200
    assert samples[series("up", "b")] == 0
    assert samples[series("pushes_total", "a")] == 0
    assert samples['yuptime_pushes_rejected_total{reason="ambiguous"}'] == 4


async def test_an_unknown_token_is_answered_as_a_known_one_with_another_name(
    shared: Home, clock: StandingClock
) -> None:
    async with exporter_here(shared, clock) as client:
        answers = [
            await client.request("GET", path)
            for path in ("/ping/guess", "/ping/guess/own", f"/ping/{OWN}/b", f"/ping/{OWN}/b/fail")
        ]
        kuma = await client.request("GET", "/api/push/guess")
        samples = await client.samples()

    for answer in answers:
        assert (answer.status, answer.body) == (404, b"not found")
        assert {**answer.headers, "Date": ""} == {**answers[0].headers, "Date": ""}
    assert (kuma.status, kuma.json()) == (
        404,
        {"ok": False, "msg": "Monitor not found or not active."},
    )
    assert samples['yuptime_pushes_rejected_total{reason="unauthorized"}'] == 5
    assert samples[series("pushes_rejected_total", "own")] == 0


async def test_a_refused_push_is_counted_for_its_monitor_and_answered_in_its_dialect(
    shared: Home, clock: StandingClock
) -> None:
    async with exporter_here(shared, clock) as client:
        ping = await client.request("POST", f"/ping/{OWN}/256")
        kuma = await client.request("GET", f"/api/push/{OWN}?status=true")
        gatus = await client.request(
            "POST", "/api/v1/endpoints/jobs_own/external?success=yes", headers=BEARER
        )
        alert = await client.request("POST", "/api/alertmanager/jobs/own", headers=BEARER)
        samples = await client.samples()

    assert ping.status == 400
    assert ping.body.startswith(b"invalid url format")
    assert ping.headers["Access-Control-Allow-Origin"] == "*"
    assert (kuma.status, kuma.json()["ok"]) == (404, False)
    assert (gatus.status, gatus.body[:8]) == (400, b"success:")
    assert (alert.status, alert.json()["status"]) == (400, 400)
    assert samples[series("pushes_rejected_total", "own")] == 4
    assert samples[series("pushes_total", "own")] == 0


async def test_the_rate_limit_and_the_limit_of_a_body_hold_for_dialects(
    shared: Home, clock: StandingClock
) -> None:
    async with exporter_here(shared, clock) as client:
        long = await client.request("POST", f"/ping/{OWN}", data=BytesIO(b"." * 1_048_577))
        statuses = [(await client.request("HEAD", f"/ping/{OWN}")).status for _ in range(12)]
        kuma = await client.request("GET", f"/api/push/{OWN}")
        failing = await client.request("GET", f"/ping/{OWN}/fail")

    assert long.status == 413
    assert statuses[:8] == [200] * 8
    assert statuses[-1] == kuma.status == 429
    assert int(kuma.headers["Retry-After"]) >= 1
    assert failing.status == 200


async def test_a_token_is_accepted_as_soon_as_its_secret_names_it_and_refused_after_that(
    shared: Home, clock: StandingClock
) -> None:
    async with exporter_here(shared, clock) as client:
        shared.declare(monitor_yaml("own", secret="own"), secret_yaml("own", tokens=("next",)))

        async def status(token: str) -> int:
            return (await client.request("GET", f"/ping/{token}")).status

        await eventually(lambda: status("next"), lambda found: found == 200)
        assert await status(OWN) == 404


@pytest.mark.peer
async def test_no_log_line_no_metric_and_no_answer_contains_a_token_of_a_url(
    shared: Home,
) -> None:
    shared.flags += ["--log.level=debug"]
    async with exporter_process(shared) as exporter:
        for token in (OWN, TOKEN, WRONG):
            for method in ("GET", "POST", "OPTIONS", "TRACE", "BREW"):
                for path in (
                    f"/ping/{token}",
                    f"/ping/{token}/NAME",
                    f"/ping/{token}/own/fail?rid=x",
                    f"/ping/{token}/a/b/c/d",
                    f"/api/push/{token}?status=oops",
                    f"/api/push/{token}/",
                    # A wrong token in the place of a name looks like a wrong name, which is logged.
                    *([f"/api/push/{token}/{token}"] if token != WRONG else []),
                ):
                    answer = await exporter.request(method, path)
                    assert token.encode() not in answer.body, (method, path)
            await raw(exporter.url, f"GET /ping/{token} HTTP/9.9\r\n\r\n")
            await raw(exporter.url, f"GET /ping/{token}\0 HTTP/1.1\r\nHost: x\r\n\r\n")
            await raw(exporter.url, f"GET /ping/{token} {token} HTTP/1.1\r\nHost: x\r\n\r\n")
            await raw(
                exporter.url, f"POST /ping/{token} HTTP/1.1\r\nContent-Length: {token}\r\n\r\n"
            )
            await raw(exporter.url, f"POST /ping/{token} HTTP/1.1\r\nHost: x\r\nContent-Length: 9")
            authorization = {"Authorization": f"Basic {token}"}
            await exporter.request("POST", "/api/push/jobs/own", headers=authorization)
        metrics = (await exporter.request("GET", "/metrics")).body.decode()
        page = (await exporter.request("GET", "/monitors/jobs/own")).body.decode()
        await exporter.stop()

    log = "\n".join(exporter.log)
    assert "push rejected" in log
    assert "unknown monitor" in log
    for token in (OWN, TOKEN, WRONG):
        for place in (log, metrics, page):
            assert token not in place


async def raw(url: str, head: str) -> None:
    """Send bytes on a connection of their own, and wait for the exporter's answer or its end."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head.encode())
    writer.write_eof()
    await reader.read()
    writer.close()
    await writer.wait_closed()
