"""Programs that report to other monitors report to the exporter, with the settings of docs/dialects.md."""

import asyncio
import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.docs.documents import Block, blocks_of
from tests.exporters import Client, Home, exporter_process
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.programs import Generation, require
from tests.peers.running import alertmanager
from tests.waiting import eventually

pytestmark = pytest.mark.peer

OWN = "0b1c7a52-60a1-4f7f-8a3e-9a5f0e9f2d11"

# Of the documents.
EXPORTER = "http://localhost:10091"
DOCUMENTED_TOKEN = "another-secure-random-token"
DOCUMENTED_MONITOR = "yuptime/nightly-backup"

DECORATED = """
from healthchecks_decorator import healthcheck

@healthcheck(url="{url}", send_start=True, send_diagnostics=True)
def job():
    {body}

job()
"""


@pytest.fixture
def dialects(home: Home) -> Home:
    home.declare(monitor_yaml(), secret_yaml(tokens=(OWN,)))
    home.flags.append("--push.dialects=healthchecks,uptime-kuma,alertmanager")
    return home


def documented(tag: str) -> Block:
    (block,) = [one for one in blocks_of("docs/dialects.md") if tag in one.tags]
    return block


async def pushes(client: Client) -> list[tuple[object, object, str]]:
    """Return kind, dialect and message of the pushes to the monitor, the oldest first."""
    answer = (await client.request("GET", "/api/v1/monitors/jobs/backup")).json()
    history = answer["history"]
    assert isinstance(history, dict)
    found = history["pushes"]
    return [(one["kind"], one["dialect"], one["message"]) for one in reversed(found)]


async def run(*command: str | Path, **environment: str) -> int:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await asyncio.wait_for(process.wait(), 60.0)


class Backups:
    """Borgmatic with a repository and files of its own."""

    def __init__(self, folder: Path, hook: Mapping[str, object]) -> None:
        self._programs = require("borgmatic", Generation.DEBIAN).parent
        require("borg", Generation.DEBIAN)
        self._folder = folder
        self.files = folder / "files"
        self.files.mkdir(parents=True)
        (self.files / "file").write_text("precious")
        self._config = folder / "borgmatic.yaml"
        configuration = {
            "source_directories": [str(self.files)],
            "source_directories_must_exist": True,
            "repositories": [{"path": str(folder / "repository")}],
            "local_path": str(self._programs / "borg"),
            **hook,
        }
        self._config.write_text(yaml.safe_dump(configuration))

    async def borgmatic(self, *arguments: str) -> int:
        return await run(
            self._programs / "borgmatic",
            "--config",
            self._config,
            *arguments,
            HOME=str(self._folder),
            BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes",
        )


async def test_borgmatic_reports_a_backup_and_a_failure_as_to_healthchecks(
    dialects: Home, tmp_path: Path
) -> None:
    async with exporter_process(dialects) as exporter:
        text = documented("borgmatic").text.replace(EXPORTER, exporter.url)
        hook = yaml.safe_load(text.replace(DOCUMENTED_TOKEN, OWN))
        hook["healthchecks"]["send_logs"] = True
        backups = Backups(tmp_path / "backups", hook)
        assert await backups.borgmatic("repo-create", "--encryption", "none") == 0
        assert await backups.borgmatic("create", "--stats", "--verbosity", "1") == 0
        good = await pushes(exporter)
        (backups.files / "file").unlink()
        backups.files.rmdir()
        assert await backups.borgmatic("create") != 0
        bad = (await pushes(exporter))[len(good) :]

    assert [kind for kind, _, _ in good] == ["start", "log", "up"]
    assert [kind for kind, _, _ in bad if kind != "log"] == ["start", "down"]
    assert {dialect for _, dialect, _ in good + bad} == {"healthchecks"}
    assert "Archive name" in good[-1][2] or "Creating archive" in good[-1][2]
    (failure,) = [message for kind, _, message in bad if kind == "down"]
    assert str(backups.files) in failure


async def test_borgmatic_reports_a_backup_and_a_failure_as_to_uptime_kuma(
    dialects: Home, tmp_path: Path
) -> None:
    async with exporter_process(dialects) as exporter:
        hook = {
            "uptime_kuma": {
                "push_url": f"{exporter.url}/api/push/{OWN}",
                "states": ["finish", "fail"],
            }
        }
        backups = Backups(tmp_path / "backups", hook)
        assert await backups.borgmatic("repo-create", "--encryption", "none") == 0
        assert await backups.borgmatic("create") == 0
        good = await pushes(exporter)
        (backups.files / "file").unlink()
        backups.files.rmdir()
        assert await backups.borgmatic("create") != 0
        bad = (await pushes(exporter))[len(good) :]

    assert [(kind, dialect) for kind, dialect, _ in good] == [("up", "uptime-kuma")]
    assert [(kind, dialect) for kind, dialect, _ in bad] == [("down", "uptime-kuma")]


async def test_a_decorated_function_reports_its_start_its_result_and_its_exception(
    dialects: Home,
) -> None:
    python = require("python-with-decorator", Generation.DEBIAN)
    async with exporter_process(dialects) as exporter:
        url = f"{exporter.url}/ping/{OWN}"
        good = DECORATED.format(url=url, body="return {'files': 7}")
        bad = DECORATED.format(url=url, body="raise OSError('disk full')")
        assert await run(python, "-c", good) == 0
        assert await run(python, "-c", bad) != 0
        found = await pushes(exporter)

    assert [kind for kind, _, _ in found] == ["start", "up", "start", "down"]
    assert found[1][2] == "files=7"


@pytest.mark.parametrize("generation", list(Generation))
async def test_the_watchdog_of_a_real_alertmanager_is_a_heartbeat(
    generation: Generation, dialects: Home, tmp_path: Path
) -> None:
    async with exporter_process(dialects) as exporter:
        text = documented("alertmanager").text.replace(EXPORTER, exporter.url)
        text = text.replace(DOCUMENTED_TOKEN, OWN).replace(DOCUMENTED_MONITOR, "jobs/backup")
        async with alertmanager(generation, tmp_path / "alertmanager", text) as peer:
            watchdog = {
                "labels": {"alertname": "Watchdog"},
                "annotations": {"summary": "The alerting chain works"},
                "startsAt": datetime.now(UTC).isoformat(),
            }
            other = {**watchdog, "labels": {"alertname": "Other"}}
            await peer.post("/api/v2/alerts", [watchdog, other])
            await eventually(lambda: pushes(exporter), bool)
            found = await pushes(exporter)

    assert found == [("up", "alertmanager", "The alerting chain works")]


@pytest.mark.parametrize("generation", list(Generation))
def test_promtool_accepts_the_rule_that_always_fires(
    generation: Generation, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(documented("rules").text)

    checked = subprocess.run(
        [require("promtool", generation), "check", "rules", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
