"""Defaults for many monitors, from the configuration file to the metrics."""

from pathlib import Path

import pytest

from tests.exporters import Home, StandingClock, alert_labels_series, exporter_here, series
from tests.manifests import secret_yaml
from tests.waiting import eventually
from yuptime_exporter.cli import companion

MONITOR = """apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata: {namespace: jobs, name: backup}
spec: {schedule: {cron: "@daily"}}
"""
DEFAULTS = """defaults:
  type: push
  schedule: {timeZone: Europe/Berlin}
  target: {push: {gracePeriodSeconds: %d, tokenSecretRef: {name: push-token, key: token}}}
  alerting: {labels: {team: shop}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    config = tmp_path / "config.yaml"
    config.write_text(DEFAULTS % 600)
    made = Home(tmp_path, flags=[f"--config.file={config}", "--web.enable-lifecycle"])
    made.declare(MONITOR, secret_yaml())
    return made


async def test_a_monitor_begins_with_the_defaults_and_a_reload_changes_them(home: Home) -> None:
    async with exporter_here(home, StandingClock()) as client:
        samples = await client.samples()
        assert samples[series("grace_seconds")] == 600
        assert samples[alert_labels_series(team="shop")] == 1
        assert (await client.push()).status == 200

        (home.folder / "config.yaml").write_text(DEFAULTS % 900)
        assert (await client.request("POST", "/-/reload")).status == 200

        async def grace() -> float:
            return (await client.samples())[series("grace_seconds")]

        await eventually(grace, lambda seconds: seconds == 900)


async def test_defaults_with_a_problem_leave_the_active_ones(home: Home) -> None:
    async with exporter_here(home, StandingClock()) as client:
        (home.folder / "config.yaml").write_text("defaults: {schedule: {timeZone: Mars/Phobos}}\n")

        answer = await client.request("POST", "/-/reload")

        assert answer.status == 500
        assert b"defaults: schedule.timeZone" in answer.body
        assert (await client.samples())[series("grace_seconds")] == 600


def test_check_reads_the_defaults_of_the_configuration_file(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    config = f"--config.file={home.folder / 'config.yaml'}"

    assert companion(["check", config, str(home.manifests)]) == 0
    assert companion(["check", str(home.manifests)]) == 1
    assert "0 monitors, 1 secret, 0 documents ignored: 2 errors" in capsys.readouterr().out
