"""The push route as a job meets it: every code of the table, one after the other."""

import asyncio
import hashlib
import json
from io import BytesIO

import pytest

from tests.exporters import (
    Answer,
    Client,
    Home,
    StandingClock,
    exporter_here,
    exporter_process,
    series,
)
from tests.manifests import TOKEN, monitor_yaml, secret_yaml
from tests.waiting import eventually

PATH = "/api/push/jobs/backup"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def test_an_accepted_push_is_answered_with_its_deadline(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.push(body=b'{"status": "up", "message": "Backup completed"}')

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json() == {
        "monitor": "jobs/backup",
        "state": "up",
        "receivedAt": "2023-11-14T22:13:20.000Z",
        "expiresAt": "2023-11-14T22:18:20.000Z",
        "deadline": "2023-11-14T22:19:20.000Z",
    }


async def test_a_push_that_says_down_is_accepted_and_answered_as_down(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.push(body=b'{"status": "down", "message": "disk full"}')
        samples = await client.samples()

    assert answer.status == 200
    assert answer.json()["state"] == "down"
    assert samples[series("up")] == 0
    assert samples[series("pushes_total")] == 1
    assert samples[series("pushes_down_total")] == 1
    assert samples[series("last_push_timestamp_seconds")] == clock()
    assert samples[series("last_success_timestamp_seconds")] == 0


async def test_a_push_is_visible_to_the_scrape_that_follows_its_answer(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        for number in range(1, 6):
            clock.advance(10)
            await client.push()

            samples = await client.samples()
            assert samples[series("pushes_total")] == number
            assert samples[series("last_push_timestamp_seconds")] == clock()


async def test_the_answer_says_that_a_message_was_cut(home: Home, clock: StandingClock) -> None:
    body = json.dumps({"status": "up", "message": "x" * 20_000}).encode()

    async with exporter_here(home, clock) as client:
        answer = await client.push(body=body)

    assert answer.status == 200
    assert answer.json()["messageTruncated"] is True


def without_date(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    return answer.status, {k: v for k, v in answer.headers.items() if k != "Date"}, answer.body


async def test_all_rejections_of_strangers_are_identical(home: Home, clock: StandingClock) -> None:
    home.declare(
        monitor_yaml(), secret_yaml(), secret_yaml(namespace="other", tokens=("t2-token",))
    )
    async with exporter_here(home, clock) as client:
        wrong_token = await client.push(token="wrong")
        others = [
            await client.push(token=None),
            await client.push("unknown"),
            await client.push("unknown", token="wrong"),
            await client.push(namespace="other"),
            await client.push(token=TOKEN[:-1]),
            await client.push(token=TOKEN + "x"),
            await client.push(token="t2-token"),
            await client.push("%00", token="wrong"),
            await client.push("a" * 3000, token="wrong"),
            await client.push(body=b"not even JSON", token="wrong"),
            await client.request("POST", PATH, headers={"Authorization": f"Basic {TOKEN}"}),
            await client.request("POST", PATH, headers={"Authorization": TOKEN}),
            await client.request("POST", PATH, headers={"Authorization": "Bearer "}),
            await client.request("POST", PATH, headers={"Authorization": "Bearer \u00fc"}),
            await client.request(
                "POST", PATH, headers=[*BEARER.items(), ("Authorization", "Bearer wrong")]
            ),
        ]

    assert wrong_token.status == 401
    assert wrong_token.headers["WWW-Authenticate"] == 'Bearer realm="yuptime"'
    assert wrong_token.headers["Content-Type"] == "application/problem+json"
    assert [without_date(other) for other in others] == [without_date(wrong_token)] * len(others)


async def test_the_word_bearer_may_be_in_any_case(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.request("POST", PATH, headers={"Authorization": f"bEARER {TOKEN}"})

    assert answer.status == 200


async def test_each_token_of_the_secret_may_push(home: Home, clock: StandingClock) -> None:
    home.declare(monitor_yaml(), secret_yaml(tokens=("new-token", "", "old-token")))
    async with exporter_here(home, clock) as client:
        assert (await client.push(token="new-token")).status == 200
        assert (await client.push(token="old-token")).status == 200
        assert (await client.push(token="new-token\told-token")).status == 401


async def test_a_token_that_is_not_ascii_may_push(home: Home, clock: StandingClock) -> None:
    home.declare(monitor_yaml(), secret_yaml(tokens=("schlüssel-für-alles",)))
    async with exporter_here(home, clock) as client:
        assert (await client.push(token="schlüssel-für-alles")).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_other_methods_are_not_allowed_and_count_as_no_push(
    home: Home, clock: StandingClock, method: str
) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.request(method, PATH, headers=BEARER)
        samples = await client.samples()

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert samples[series("pushes_total")] == 0


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "application/json"}, b'{"status": "OK"}', 400),
        ({"Content-Type": "text/plain"}, b"up", 400),
        ({"Content-Type": "application/xml"}, b"<up/>", 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"\x1f\x8b", 415),
        ({"Content-Type": "application/json"}, BytesIO(b" " * (1024 * 1024 + 1)), 413),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_problem_and_changes_nothing(
    home: Home, clock: StandingClock, headers: dict[str, str], body: bytes | BytesIO, status: int
) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.request("POST", PATH, headers={**BEARER, **headers}, data=body)
        samples = await client.samples()

    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]
    assert samples[series("pushes_total")] == 0


async def test_a_body_of_just_the_allowed_size_is_read(home: Home, clock: StandingClock) -> None:
    body = b'{"status": "up"}'.ljust(1024 * 1024)

    async with exporter_here(home, clock) as client:
        answer = await client.push(body=body)

    assert answer.status == 200


async def raw(client: Client, request: bytes) -> bytes:
    """Send bytes as they are, and return all that comes back until the exporter closes."""
    host, port = client.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()
        await writer.wait_closed()


def head(*lines: str) -> bytes:
    return "\r\n".join((f"POST {PATH} HTTP/1.1", "Host: x", *lines, "", "")).encode()


AUTHORIZED = f"Authorization: Bearer {TOKEN}"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def test_a_body_in_chunks_is_accepted(home: Home, clock: StandingClock) -> None:
    body = chunk(b'{"status":') + chunk(b'"down"}') + b"0\r\n\r\n"
    async with exporter_here(home, clock) as client:
        answer = await raw(
            client, head(AUTHORIZED, "Connection: close", "Transfer-Encoding: chunked") + body
        )
        samples = await client.samples()

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert samples[series("up")] == 0


@pytest.mark.peer  # takes whole seconds
async def test_chunks_beyond_the_limit_are_rejected_while_they_arrive(
    home: Home, clock: StandingClock
) -> None:
    endless = chunk(b"x" * 65_536) * 16 + chunk(b"x")
    async with exporter_here(home, clock) as client:
        answer = await raw(client, head(AUTHORIZED, "Transfer-Encoding: chunked") + endless)
        samples = await client.samples()

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert samples[series("pushes_total")] == 0


@pytest.mark.parametrize("header", ["Content-Type: application/json", "Expect: 100-continue"])
async def test_a_body_without_a_length_is_no_push_that_says_up(
    home: Home, clock: StandingClock, header: str
) -> None:
    async with exporter_here(home, clock) as client:
        answer = await raw(client, head(AUTHORIZED, "Connection: close", header))
        samples = await client.samples()

    assert b"HTTP/1.1 411 " in answer
    assert samples[series("pushes_total")] == 0


async def test_the_query_ends_at_the_end_of_the_target(home: Home, clock: StandingClock) -> None:
    target = f"POST {PATH}?message=job%20#5&status=down HTTP/1.1\r\nHost: x\r\n".encode()
    async with exporter_here(home, clock) as client:
        answer = await raw(client, target + f"{AUTHORIZED}\r\nConnection: close\r\n\r\n".encode())
        samples = await client.samples()

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert samples[series("up")] == 0


async def test_what_follows_a_number_sign_is_not_dropped(home: Home, clock: StandingClock) -> None:
    target = f"POST {PATH}#status=down HTTP/1.1\r\nHost: x\r\n".encode()
    async with exporter_here(home, clock) as client:
        answer = await raw(client, target + f"{AUTHORIZED}\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.peer  # takes whole seconds
async def test_a_body_that_is_too_long_is_rejected_before_it_is_sent(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        answer = await raw(client, head(AUTHORIZED, "Content-Length: 1000000000"))

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.peer
async def test_a_body_that_does_not_arrive_is_given_up(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        answer = await raw(client, head(AUTHORIZED, "Content-Length: 16") + b'{"status"')
        samples = await client.samples()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert samples['yuptime_pushes_rejected_total{reason="timeout"}'] == 1


@pytest.mark.peer
@pytest.mark.parametrize("sent", [b"", b"POST /api/push/jobs/backup HTTP/1.1\r\nHost: x\r\n"])
async def test_a_connection_without_a_request_is_closed(
    home: Home, clock: StandingClock, sent: bytes
) -> None:
    async with exporter_here(home, clock) as client:
        assert await raw(client, sent) == b""


@pytest.mark.peer  # takes whole seconds
async def test_a_stranger_is_rejected_before_the_body_is_sent(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        answer = await raw(client, head("Connection: close", "Content-Length: 10"))

    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_push_beyond_the_limit_is_told_when_to_come_back(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        burst = [(await client.push()).status for _ in range(10)]
        refused = await client.push()
        other = await client.push("unknown")
        clock.advance(1)
        later = await client.push()

    assert burst == [200] * 10
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "1"
    assert other.status == 401
    assert later.status == 200


async def test_ten_pushes_that_say_up_do_not_hold_back_one_that_says_down(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        for _ in range(10):
            await client.push()
        repeated = await client.push()
        down = await client.push(body=b'{"status": "down"}')
        samples = await client.samples()

    assert (repeated.status, down.status) == (429, 200)
    assert samples[series("up")] == 0


async def test_a_stranger_cannot_use_up_a_monitors_limit(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        for _ in range(30):
            await client.push(token="wrong")

        assert (await client.push()).status == 200


async def test_a_missing_secret_is_named_only_to_a_client_with_a_token(
    home: Home, clock: StandingClock
) -> None:
    home.declare(monitor_yaml(secret="nowhere"))
    async with exporter_here(home, clock) as client:
        with_token = await client.push()
        without = await client.push(token=None)

    assert with_token.status == 503
    assert with_token.headers["Retry-After"] == "30"
    assert "the Secret with the tokens of this monitor is missing" in str(with_token.json())
    assert "nowhere" not in str(with_token.json())
    assert without.status == 401


@pytest.mark.peer  # takes whole seconds
async def test_a_push_before_state_is_restored_is_asked_to_retry(home: Home) -> None:
    async with (
        exporter_process(home) as holder_of_the_database,
        exporter_process(home, wait_ready=False) as waiting,
    ):
        answer = await waiting.push()
        ready = await waiting.request("GET", "/-/ready")
        healthy = await waiting.request("GET", "/-/healthy")
        samples = await waiting.samples()
        assert await holder_of_the_database.stop() == 0
        await eventually(waiting.ready, bool)
        accepted = await waiting.push()

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert ready.status == 503
    assert healthy.status == 200
    assert samples["yuptime_ready"] == 0
    assert accepted.status == 200


async def test_every_rejection_is_counted_by_its_reason(home: Home, clock: StandingClock) -> None:
    home.declare(monitor_yaml(), secret_yaml(), monitor_yaml("tokenless", secret="nowhere"))
    async with exporter_here(home, clock) as client:
        await client.push(token="wrong")
        await client.push("unknown")
        await client.push(body=b"{")
        await client.push(content_type="application/xml")
        await client.push("tokenless")
        samples = await client.samples()

    rejected = {
        key.split('"')[1]: value
        for key, value in samples.items()
        if key.startswith("yuptime_pushes_rejected_total")
    }
    assert rejected == {
        "unauthorized": 2,
        "malformed": 1,
        "unsupported": 1,
        "token_missing": 1,
        "ambiguous": 0,
        "timeout": 0,
        "incomplete": 0,
        "malformed_http": 0,
        "length_required": 0,
        "too_large": 0,
        "rate_limited": 0,
        "not_ready": 0,
        "store_unavailable": 0,
    }


@pytest.mark.peer  # starts a process
async def test_pushes_at_the_same_time_to_one_monitor_are_all_counted(home: Home) -> None:
    """Each push waits for the push before it; one that waited for the wrong future spun forever."""
    config = home.folder / "config.yaml"
    config.write_text("limits: {push_rate: {interval: 0s}}\n")
    home.flags = [f"--config.file={config}"]
    async with exporter_process(home) as exporter:
        for round_number in range(1, 6):
            async with asyncio.TaskGroup() as tasks:
                pushes = [tasks.create_task(exporter.push()) for _ in range(64)]

            assert {push.result().status for push in pushes} == {200}
            samples = await exporter.samples()
            assert samples[series("pushes_total")] == 64 * round_number


async def test_with_a_listener_of_their_own_pushes_are_served_only_there(
    home: Home, clock: StandingClock
) -> None:
    home.flags = ["--push.listen-address=127.0.0.1:0"]
    async with exporter_here(home, clock) as client:
        on_web = await client.request("POST", PATH, headers=BEARER)
        on_push = await client.push()
        operators = Client(client.push_url, client.session)
        metrics = await operators.request("GET", "/metrics")
        landing = await operators.request("GET", "/")
        probe = await operators.request("GET", "/readyz")

    assert on_web.status == 404
    assert on_push.status == 200
    assert (metrics.status, landing.status, probe.status) == (404, 404, 200)


@pytest.mark.peer  # starts a process
async def test_no_answer_and_no_log_contains_a_token(home: Home) -> None:
    token = hashlib.sha256(b"something unmistakable").hexdigest()
    home.declare(monitor_yaml(), secret_yaml(tokens=(token,)))
    home.flags = ["--log.level=debug"]
    async with exporter_process(home) as exporter:
        answers = [
            await exporter.push(token=token),
            await exporter.push(token=token, body=b"{"),
            await exporter.push(token=token, content_type="text/plain"),
            await exporter.push("unknown", token=token),
            await exporter.request("GET", "/metrics"),
            await exporter.request("GET", "/"),
        ]
        home.declare(
            monitor_yaml(), secret_yaml(tokens=(token,)).replace("token: |", "token: &x |")
        )
        await exporter.stop()

    assert all(token.encode() not in answer.body for answer in answers)
    assert token not in "\n".join(exporter.log)
