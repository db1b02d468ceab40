"""Start, reload and stop: flags, probes, signals, logs, exit codes."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exporters import (
    Client,
    Home,
    StandingClock,
    exporter_here,
    exporter_process,
    run_to_end,
    series,
)
from tests.manifests import TOKEN, monitor_yaml, secret_yaml
from tests.waiting import eventually
from yuptime_exporter.cli import main
from yuptime_exporter.core.durations import duration_seconds
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.settings.configuration import load_configuration


@pytest.mark.parametrize("path", ["/-/healthy", "/healthz", "/livez", "/-/ready", "/readyz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_probes_answer(home: Home, clock: StandingClock, path: str, method: str) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.request(method, path)

    assert answer.status == 200


async def test_sigterm_answers_what_is_in_flight_and_exits_with_0(home: Home) -> None:
    body = b'{"status": "up", "message": "last words"}'
    async with exporter_process(home) as exporter:
        host, port = exporter.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = (
            "POST /api/push/jobs/backup HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body[:10])
        await writer.drain()
        # A second connection was answered: so the first, older one is being read as well.
        assert (await exporter.request("GET", "/-/ready")).status == 200
        exporter.process.send_signal(signal.SIGTERM)
        await eventually(exporter.ready, lambda ready: not ready)
        writer.write(body[10:])
        await writer.drain()
        answer = await reader.read()
        exit_code = await exporter.process.wait()
        writer.close()
    async with exporter_process(home) as exporter:
        samples = await exporter.samples()

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert exit_code == 0
    assert samples[series("pushes_total")] == 1


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_with_exit_code_0(home: Home, stop: signal.Signals) -> None:
    async with exporter_process(home) as exporter:
        assert await exporter.stop(stop) == 0

    assert "msg=stopped" in exporter.log[-1]


async def test_an_idle_connection_does_not_hold_up_the_end(home: Home) -> None:
    async with exporter_process(home) as exporter:
        await exporter.request("GET", "/-/healthy")  # kept alive by the client
        loop = asyncio.get_running_loop()
        began = loop.time()

        assert await exporter.stop() == 0
        assert loop.time() - began < 10  # the promise of the contract, not a measurement


async def reload_by_http(client: Client) -> None:
    assert (await client.request("POST", "/-/reload")).status == 200


async def test_reload_puts_new_manifests_and_configuration_into_force(
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
    assert (
        'yuptime_monitor_alert_labels{cluster="prod",container="",endpoint="",monitor="backup",'
        'namespace="jobs",pod="",service="",severity="page",team="db"}'
    ) in samples


async def test_reload_resets_no_clock(home: Home, clock: StandingClock) -> None:
    home.flags = ["--web.enable-lifecycle"]
    async with exporter_here(home, clock) as client:
        await client.push()
        clock.advance(10)
        home.declare(monitor_yaml(expire=1000), secret_yaml())
        await reload_by_http(client)
        samples = await client.samples()

    assert samples[series("deadline_timestamp_seconds")] == clock() - 10 + 1000 + 60
    assert samples[series("armed_timestamp_seconds")] == clock() - 10


async def test_sighup_reloads(home: Home) -> None:
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


async def test_a_broken_configuration_keeps_the_old_one_and_says_so(
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


WRONG_CONFIGURATIONS = {
    "limit: {}": "limit: unknown key",
    "limits: {push_rate: {interval: 5}}": "limits.push_rate.interval: allowed is a duration",
    "limits: {push_rate: {interval: 5 minutes}}": "found '5 minutes', allowed is a duration",
    "limits: {push_rate: {burst: 0}}": "limits.push_rate.burst",
    "alerting: {resend_delay: 0s}": "alerting.resend_delay: allowed is a duration above 0",
    "alerting: {resolve_delay: 15m}": "alerting.resolve_delay: allowed is a duration below 15m",
    "alerting: {alertmanagers: [{url: am}]}": "alertmanagers.0.url: allowed is an http or https",
    "alerting: {allowed_urls: ['http://u:p@am']}": "allowed_urls.0: allowed is an http or https",
    "alerting: {default_labels: {job: x}}": "alerting.default_labels: job: this label is set by",
    "alerting: {external_labels: {a-b: x}}": "a-b: a label name must match",
    "alerting: {external_labels: {cluster: 1}}": "alerting.external_labels.cluster",
    "- a list": "the file",
    "a: [": "expected",
}


@pytest.mark.parametrize("content", WRONG_CONFIGURATIONS)
def test_a_wrong_configuration_is_explained_in_one_line(tmp_path: Path, content: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(content)

    with pytest.raises(ConfigInvalid) as refusal:
        load_configuration(config)

    assert WRONG_CONFIGURATIONS[content] in str(refusal.value)
    assert str(config) in str(refusal.value)
    assert "\n" not in str(refusal.value)


async def test_a_wrong_configuration_stops_the_start_with_one_line(home: Home) -> None:
    config = home.folder / "config.yaml"
    config.write_text("limit: {}")
    home.declare()
    home.flags = [f"--config.file={config}"]

    exit_code, log = await run_to_end(home)

    assert exit_code == 1
    assert ["limit: unknown key" in line for line in log if "level=ERROR" in line] == [True]


async def test_an_unusable_database_stops_the_start_with_one_line(home: Home) -> None:
    home.declare()
    home.database.write_text("this is not a database " * 10)

    exit_code, log = await run_to_end(home)

    assert exit_code == 1
    assert ["not a SQLite database" in line for line in log if "ERROR" in line] == [True]
    assert home.database.read_text() == "this is not a database " * 10


async def test_manifests_that_do_not_exist_stop_the_start_with_one_line(home: Home) -> None:
    home.declare()
    home.flags = [f"--source.manifests={home.folder / 'nowhere'}"]

    exit_code, log = await run_to_end(home)

    assert exit_code == 1
    assert ["nowhere" in line for line in log if "ERROR" in line] == [True]


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


USAGE = {
    (): "give --source.manifests=PATH",
    (
        "--source.manifests=x",
        "--storage.url=postgres://",
    ): "allowed are sqlite:PATH and kubernetes:",
    ("--source.manifests=x", "--web.listen-address=9091"): "allowed is HOST:PORT",
    ("--source.manifests=x", "--web.listen-address=:99999"): "a port up to 65535",
    ("--source.manifests=x", "--storage.retention=30"): "a duration such as",
    ("--source.manifests=x", "--web.telemetry-path=metrics"): "a path such as /metrics",
    ("--source.manifests=x", "--web.external-url=yuptime"): "a URL such as",
    ("--source.manifests=x", "--web.listen=:1"): "unrecognized arguments",
    ("--source.manifests=x", "--log.level=loud"): "invalid choice",
}


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "yuptime_exporter", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("arguments", USAGE)
def test_wrong_usage_is_explained_and_exits_with_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)

    assert exit_.value.code == 2
    assert USAGE[arguments] in capsys.readouterr().err


def test_the_version_is_printed() -> None:
    result = run_command("--version")

    assert result.returncode == 0
    assert re.match(r"yuptime-exporter, version \d+\.\d+\.\d+\n", result.stdout)


def test_help_lists_every_flag() -> None:
    result = run_command("--help")

    assert result.returncode == 0
    for flag in ("--config.file", "--source.manifests", "--storage.url", "--storage.retention",
                 "--web.listen-address", "--push.listen-address", "--web.telemetry-path",
                 "--web.external-url", "--web.route-prefix", "--web.enable-lifecycle",
                 "--log.level", "--log.format", "--version"):  # fmt: skip
        assert flag in result.stdout


async def test_everything_is_served_below_the_prefix(home: Home, clock: StandingClock) -> None:
    home.flags = ["--web.external-url=https://example.com/jobs/", "--web.telemetry-path=/m"]
    async with exporter_here(home, clock, ready_path="/jobs/-/ready") as client:
        root = Client(client.url + "/jobs", client.session)
        statuses = [
            (await root.push()).status,
            (await root.request("GET", "/m")).status,
            (await client.request("GET", "/metrics")).status,
        ]
        landing = await root.request("GET", "/")

    assert statuses == [200, 200, 404]
    assert b'href="/jobs/m"' in landing.body
    assert b"https://example.com/jobs/api/push/" in landing.body


async def test_json_logs_are_json(home: Home) -> None:
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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("2w", 1_209_600),
        ("1y", 31_536_000),
        ("500ms", 0.5),
        ("0", 0),
        ("0s", 0),
        ("1h0m30s", 3630),
    ],
)
def test_durations_are_read_as_prometheus_writes_them(text: str, seconds: float) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "1.5h", "m", "30m1h", "1h 30m", "-5s", "5S"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed is a duration such as 90s, 5m or 1h30m"):
        duration_seconds(text)
