"""`yuptime test-alert` with real Alertmanagers and a real Prometheus, of both ages."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.exporters import Client, Home, exporter_here
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.programs import Generation
from tests.peers.running import Alertmanager, alertmanager, prometheus
from tests.waiting import eventually

pytestmark = pytest.mark.peer

CHECKOUT = Path(__file__).parents[2]
RULES = CHECKOUT / "alert-rules" / "yuptime.rules.yml"

ROUTES = {
    "route": {
        "receiver": "everything",
        "routes": [{"receiver": "team-backup", "matchers": ['monitor="backup"']}],
    },
    "receivers": [{"name": "everything"}, {"name": "team-backup"}],
    "inhibit_rules": [
        {
            "source_matchers": ['alertname="ClusterDown"'],
            "target_matchers": ['alertname="YuptimeMonitorDown"'],
        }
    ],
}


@dataclass
class Ended:
    code: int
    out: str
    err: str


async def yuptime(*arguments: str, **environment: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "yuptime_exporter.companion",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture(params=list(Generation))
def generation(request: pytest.FixtureRequest) -> Generation:
    return Generation(request.param)


@asynccontextmanager
async def exporter(folder: Path, *flags: str) -> AsyncIterator[Client]:
    (folder / "exporter").mkdir()
    home = Home(folder / "exporter", flags=list(flags))
    home.declare(monitor_yaml(), monitor_yaml("other"), secret_yaml())
    clock = lambda: datetime.now(UTC).timestamp()  # noqa: E731
    async with exporter_here(home, clock) as client:
        yield client


@asynccontextmanager
async def both(
    generation: Generation, folder: Path, *flags: str
) -> AsyncIterator[tuple[Client, Alertmanager]]:
    async with (
        alertmanager(generation, folder / "alertmanager", ROUTES) as peer,
        exporter(folder, "--web.enable-admin-api", f"--alertmanager.url={peer.url}", *flags) as one,
    ):
        yield one, peer


async def test_a_test_alert_says_to_which_receivers_it_is_routed_and_is_resolved(
    generation: Generation, tmp_path: Path
) -> None:
    async with both(generation, tmp_path) as (client, peer):
        backup = await yuptime("test-alert", "--url", client.url, "jobs/backup")
        other = await yuptime("test-alert", "--url", client.url, "jobs/other", "--output=json")

        assert backup.code == 0, backup
        assert 'alertname="YuptimeMonitorDown"' in backup.out
        assert 'test_alert="true"' in backup.out
        assert f"ok    Alertmanager {peer.url}: received the alert" in backup.out
        assert "routed to team-backup" in backup.out
        assert json.loads(other.out)["alertmanagers"][0]["receivers"] == ["everything"]

        async def none_fires() -> bool:
            return await peer.alerts() == []

        await eventually(none_fires, bool)


async def test_an_alert_that_is_held_says_that_it_is_a_test(
    generation: Generation, tmp_path: Path
) -> None:
    async with both(generation, tmp_path) as (client, peer), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(
            yuptime("test-alert", "--url", client.url, "--hold=3s", "jobs/backup")
        )
        (alert,) = await eventually(peer.alerts, bool)

        assert alert.annotations["summary"] == "TEST: jobs/backup is not down"
        assert "Nothing is wrong" in alert.annotations["description"]
        assert (await running).code == 0


async def test_a_silenced_alert_names_its_silence(generation: Generation, tmp_path: Path) -> None:
    async with both(generation, tmp_path) as (client, peer):
        now = datetime.now(UTC)
        silence = {
            "matchers": [{"name": "monitor", "value": "backup", "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "ops",
            "comment": "moving the disks",
        }
        await peer.post("/api/v2/silences", silence)

        ended = await yuptime("test-alert", "--url", client.url, "jobs/backup")

        assert ended.code == 1
        assert "by ops: moving the disks" in ended.out


async def test_an_inhibited_alert_names_the_alert_that_inhibits_it(
    generation: Generation, tmp_path: Path
) -> None:
    async with both(generation, tmp_path) as (client, peer):
        await peer.accept([{"labels": {"alertname": "ClusterDown"}}])

        ended = await yuptime("test-alert", "--url", client.url, "jobs/backup")

        assert ended.code == 1
        assert "inhibited by the alerts" in ended.out


async def test_an_alertmanager_that_is_away_is_named(
    generation: Generation, tmp_path: Path
) -> None:
    async with both(generation, tmp_path, "--alertmanager.url=http://127.0.0.1:9") as (client, _):
        ended = await yuptime("test-alert", "--url", client.url, "jobs/backup")

        assert ended.code == 1
        assert "FAIL  Alertmanager http://127.0.0.1:9: " in ended.out
        assert "routed to team-backup" in ended.out


async def test_a_prometheus_that_raises_the_same_alert_passes_every_check(
    generation: Generation, tmp_path: Path
) -> None:
    async with both(generation, tmp_path) as (client, peer):
        config = prometheus_config(client, peer, honor_labels=True, rules=True)
        async with prometheus(generation, tmp_path / "prometheus", config) as rules:

            async def checked() -> Ended:
                flags = ("--url", client.url, "--prometheus.url", rules.url)
                return await yuptime("test-alert", *flags, "jobs/backup")

            ended = await eventually(checked, lambda one: one.code == 0)
            assert "scrapes the monitor from yuptime/" in ended.out
            assert "has the rule YuptimeMonitorDown" in ended.out
            assert f"sends to {peer.url.removeprefix('http://')}" in ended.out


async def test_a_prometheus_without_labels_rules_and_alertmanager_fails_each_check(
    generation: Generation, tmp_path: Path
) -> None:
    async with both(generation, tmp_path) as (client, peer):
        config = prometheus_config(client, None, honor_labels=False, rules=False)
        async with prometheus(generation, tmp_path / "prometheus", config) as rules:

            async def checked() -> Ended:
                flags = ("--url", client.url, "--prometheus.url", rules.url)
                return await yuptime("test-alert", *flags, "jobs/backup")

            ended = await eventually(checked, lambda one: "honor_labels" in one.out)
            assert ended.code == 1
            assert "set honor_labels: true for the job yuptime" in ended.out
            assert "no rule YuptimeMonitorDown" in ended.out
            assert "knows no Alertmanager" in ended.out
            assert peer.url in ended.out


def prometheus_config(
    client: Client, peer: Alertmanager | None, *, honor_labels: bool, rules: bool
) -> dict[str, object]:
    config: dict[str, object] = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [
            {
                "job_name": "yuptime",
                "honor_labels": honor_labels,
                "static_configs": [
                    {
                        "targets": [client.url.removeprefix("http://")],
                        "labels": {"namespace": "monitoring"},
                    }
                ],
            }
        ],
    }
    if rules:
        config["rule_files"] = [str(RULES)]
    if peer is not None:
        target = {"targets": [peer.url.removeprefix("http://")]}
        config["alerting"] = {"alertmanagers": [{"static_configs": [target]}]}
    return config


async def test_without_the_admin_api_the_command_says_which_flag_it_needs(tmp_path: Path) -> None:
    async with exporter(tmp_path, "--alertmanager.url=http://127.0.0.1:9") as client:
        ended = await yuptime("test-alert", "--url", client.url, "jobs/backup")

        assert ended.code == 2
        assert "403: the admin API is not enabled; start with --web.enable-admin-api" in ended.err


@pytest.mark.parametrize(
    ("flags", "monitor", "words"),
    [
        (["--alertmanager.url=http://127.0.0.1:9"], "jobs/nothing", "404: there is no monitor"),
        ([], "jobs/backup", "409: no Alertmanager is configured"),
    ],
)
async def test_a_test_alert_that_cannot_be_sent_says_why(
    tmp_path: Path, flags: list[str], monitor: str, words: str
) -> None:
    async with exporter(tmp_path, "--web.enable-admin-api", *flags) as client:
        ended = await yuptime("test-alert", "--url", client.url, monitor)

        assert ended.code == 2
        assert words in ended.err
