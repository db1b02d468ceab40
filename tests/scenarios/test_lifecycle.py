"""Start, reload and stop: flags, probes, signals, logs, exit codes."""

import asyncio
import json
import re
import signal
import sys

import pytest

from tests.exporters import (
    Client,
    Home,
    StandingClock,
    alert_labels_series,
    exporter_here,
    exporter_process,
    run_to_end,
    series,
)
from tests.manifests import TOKEN, monitor_yaml, secret_yaml
from tests.waiting import eventually

pytestmark = pytest.mark.hot


@pytest.mark.parametrize("path", ["/-/healthy", "/healthz", "/livez", "/-/ready", "/readyz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_probes_answer_200_while_the_exporter_is_ready(
    home: Home, clock: StandingClock, path: str, method: str
) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.request(method, path)

    assert answer.status == 200


@pytest.mark.peer  # starts a process
async def test_sigterm_answers_requests_in_flight_and_exits_with_0(home: Home) -> None:
    body = b'{"status": "up", "message": "last words"}'
    async with exporter_process(home) as exporter:
        host, port = exporter.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = (
            "POST /api/push/jobs/backup HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n"
            "Expect: 100-continue\r\n\r\n"
        )
        writer.write(head.encode())
        # The exporter admits the push in the same step of its event loop in which it asks for the
        # body, so a signal that is sent after that question finds the push in flight.
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        exporter.process.send_signal(signal.SIGTERM)
        await eventually(exporter.ready, lambda ready: not ready)
        writer.write(body)
        await writer.drain()
        answer = await reader.read()
        exit_code = await exporter.process.wait()
        writer.close()
    async with exporter_process(home) as exporter:
        samples = await exporter.samples()

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert exit_code == 0
    assert samples[series("pushes_total")] == 1


@pytest.mark.peer  # starts a process
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_the_exporter_stops_on_a_signal_with_exit_code_0(
    home: Home, stop: signal.Signals
) -> None:
    async with exporter_process(home) as exporter:
        assert await exporter.stop(stop) == 0

    assert "msg=stopped" in exporter.log[-1]


@pytest.mark.peer  # starts a process
async def test_an_idle_connection_does_not_delay_the_end(home: Home) -> None:
    async with exporter_process(home) as exporter:
        await exporter.request("GET", "/-/healthy")  # kept alive by the client
        loop = asyncio.get_running_loop()
        began = loop.time()

        assert await exporter.stop() == 0
        assert loop.time() - began < 10  # the promise of the contract, not a measurement


async def reload_by_http(client: Client) -> None:
    assert (await client.request("POST", "/-/reload")).status == 200


async def test_a_reload_activates_new_manifests_and_configuration(
    home: Home, clock: StandingClock
) -> None:
    config = home.folder / "config.yaml"
    config.write_text("limits: {push_rate: {interval: 1s, burst: 1}}\n")
    home.flags = [f"--config.file={config}", "--web.enable-lifecycle"]
    async with exporter_here(home, clock) as client:
        first = [(await client.push()).status for _ in range(2)]
        config.write_text(
            "limits: {push_rate: {interval: 0s}}\n"
            "alerting: {default_labels: {severity: page}, external_labels: {cluster: prod}}\n"
        )
        home.declare(monitor_yaml(labels={"team": "db"}), monitor_yaml("second"), secret_yaml())
        await reload_by_http(client)
        second = [(await client.push()).status for _ in range(20)]
        samples = await client.samples()

    assert first == [200, 429]
    assert set(second) == {200}
    assert series("up", "second") in samples
    assert alert_labels_series(cluster="prod", severity="page", team="db") in samples


async def test_a_reload_resets_no_deadline(home: Home, clock: StandingClock) -> None:
    home.flags = ["--web.enable-lifecycle"]
    async with exporter_here(home, clock) as client:
        await client.push()
        clock.advance(10)
        home.declare(monitor_yaml(expire=1000), secret_yaml())
        await reload_by_http(client)
        samples = await client.samples()

    assert samples[series("deadline_timestamp_seconds")] == clock() - 10 + 1000 + 60
    assert samples[series("armed_timestamp_seconds")] == clock() - 10


@pytest.mark.peer  # starts a process
async def test_sighup_reloads_the_manifests(home: Home) -> None:
    config = home.folder / "config.yaml"
    config.write_text("alerting: {default_labels: {severity: page}}\n")
    home.flags = [f"--config.file={config}"]
    async with exporter_process(home) as exporter:
        config.write_text("alerting: {default_labels: {severity: ticket}}\n")
        exporter.process.send_signal(signal.SIGHUP)

        await eventually(
            exporter.samples,
            lambda samples: any('severity="ticket"' in key for key in samples),
        )


async def test_a_broken_configuration_is_logged_and_the_active_one_stays(
    home: Home, clock: StandingClock
) -> None:
    config = home.folder / "config.yaml"
    config.write_text("alerting: {default_labels: {severity: page}}\n")
    home.flags = [f"--config.file={config}", "--web.enable-lifecycle"]
    async with exporter_here(home, clock) as client:
        config.write_text("alerting: {default_label: {severity: page}}\n")
        clock.advance(100)
        answer = await client.request("POST", "/-/reload")
        samples = await client.samples()

    assert answer.status == 500
    assert "alerting.default_label: unknown key" in str(answer.json()["detail"])
    assert samples["yuptime_config_last_reload_successful"] == 0
    assert samples["yuptime_config_last_reload_success_timestamp_seconds"] == clock() - 100
    assert any('severity="page"' in key for key in samples)


async def test_reload_by_http_must_be_enabled(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        forbidden = await client.request("POST", "/-/reload")
        wrong_method = await client.request("GET", "/-/reload")

    assert forbidden.status == 403
    assert "--web.enable-lifecycle" in str(forbidden.json()["detail"])
    assert wrong_method.status == 405
    assert wrong_method.headers["Allow"] == "POST, PUT"


@pytest.mark.peer  # starts a process
async def test_a_wrong_configuration_stops_the_start_with_one_line(home: Home) -> None:
    config = home.folder / "config.yaml"
    config.write_text("limit: {}")
    home.declare()
    home.flags = [f"--config.file={config}"]

    exit_code, log = await run_to_end(home)

    assert exit_code == 1
    assert ["limit: unknown key" in line for line in log if "level=ERROR" in line] == [True]


@pytest.mark.peer  # starts a process
async def test_an_unusable_database_stops_the_start_with_one_line(home: Home) -> None:
    home.declare()
    home.database.write_text("this is not a database " * 10)

    exit_code, log = await run_to_end(home)

    assert exit_code == 1
    assert ["not a SQLite database" in line for line in log if "ERROR" in line] == [True]
    assert home.database.read_text() == "this is not a database " * 10


@pytest.mark.peer  # starts a process
async def test_manifests_that_do_not_exist_stop_the_start_with_one_line(home: Home) -> None:
    home.declare()
    home.flags = [f"--source.manifests={home.folder / 'nowhere'}"]

    exit_code, log = await run_to_end(home)

    assert exit_code == 1
    assert ["nowhere" in line for line in log if "ERROR" in line] == [True]


@pytest.mark.peer  # starts a process
async def test_an_address_that_is_taken_stops_the_start_with_one_line(home: Home) -> None:
    async with exporter_process(home) as exporter:
        address = exporter.url.removeprefix("http://")
        home.flags = [f"--web.listen-address={address}"]
        home.database_folder = home.folder / "second"
        exit_code, log = await run_to_end(home)

    errors = [line for line in log if "level=ERROR" in line]
    assert exit_code == 1
    assert len(errors) == 1
    assert f"--web.listen-address={address}" in errors[0]
    assert errors[0].lower().count("address already in use") == 1


async def test_every_route_is_served_below_the_prefix(home: Home, clock: StandingClock) -> None:
    home.flags = ["--web.external-url=https://example.com/jobs/", "--web.telemetry-path=/m"]
    async with exporter_here(home, clock, ready_path="/jobs/-/ready") as client:
        root = Client(client.url + "/jobs", client.session)
        statuses = [
            (await root.push()).status,
            (await root.request("GET", "/m")).status,
            (await client.request("GET", "/metrics")).status,
        ]
        landing = await root.request("GET", "/")
        monitor = await root.request("GET", "/monitors/jobs/backup")

    assert statuses == [200, 200, 404]
    assert b'href="m"' in landing.body  # relative to /jobs/
    assert b"https://example.com/jobs/api/push/jobs/backup" in monitor.body


@pytest.mark.peer  # starts a process
async def test_every_line_of_json_logs_is_json(home: Home) -> None:
    home.flags = ["--log.format=json"]
    home.declare(monitor_yaml(), secret_yaml(), "kind: Monitor\nspec: 'a \"quoted\"\tthing'\n")
    exporter = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "yuptime_exporter",
        *home.arguments(),
        stderr=asyncio.subprocess.PIPE,
    )
    assert exporter.stderr is not None
    lines: list[bytes] = []
    while b"ready to receive" not in b"".join(lines):
        lines.append(await exporter.stderr.readline())
        assert lines[-1]
    exporter.terminate()
    await exporter.communicate()

    for line in lines:
        event = json.loads(line)
        assert list(event)[:4] == ["time", "level", "source", "msg"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
