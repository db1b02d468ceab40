"""Each snippet of a page works: it is run against an exporter, or read by the tool's own parser."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import tree_sitter_powershell
import yaml
from tree_sitter import Language, Parser

from tests.exporters import Home, StandingClock, exporter_here
from tests.manifests import TOKEN
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.web.pages.examples import EXAMPLE_MONITOR
from yuptime_exporter.web.pages.snippets import TOKEN_PLACEHOLDER, push_url, snippets

KEY = MonitorKey("jobs", "backup")


def snippet(tool: str, base_url: str = "http://exporter.example:10091") -> str:
    (text,) = (one.text for one in snippets(push_url(base_url, KEY), KEY) if one.tool == tool)
    assert text.count(TOKEN_PLACEHOLDER) == (0 if tool == "CronJob" else 1)
    return text.replace(TOKEN_PLACEHOLDER, TOKEN)


def command_of(tool: str, base_url: str) -> list[str]:
    """The snippet as a command; a job is replaced by a program that succeeds."""
    text = snippet(tool, base_url)
    if tool == "Python":
        return [sys.executable, "-c", text]
    if tool == "cron":
        text = text.removeprefix("0 3 * * * ")
    if tool == "systemd":
        text = text.partition("ExecStopPost=/bin/sh -c '")[2].rstrip().removesuffix("'")
        text = f"TOKEN={TOKEN}; SERVICE_RESULT=success; EXIT_STATUS=0; {text}"
    if tool == "CronJob":
        pod = yaml.safe_load(text)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        text = f"TOKEN={TOKEN}; {pod['containers'][0]['command'][2]}"
    return ["/bin/sh", "-c", text.replace("/usr/local/bin/backup", "true")]


@pytest.mark.parametrize("tool", ["curl", "wget", "Python", "cron", "systemd", "CronJob"])
async def test_a_snippet_pushes_up(tool: str, tmp_path: Path, clock: StandingClock) -> None:
    async with exporter_here(Home(tmp_path), clock) as client:
        process = await asyncio.create_subprocess_exec(
            *command_of(tool, client.url), stderr=subprocess.STDOUT, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate()
        monitor = (await client.request("GET", "/api/v1/monitors/jobs/backup")).json()

    assert process.returncode == 0, output
    assert monitor["state"] == "up"
    assert monitor["pushesTotal"] == 1


def test_the_snippet_of_powershell_is_read_without_an_error() -> None:
    parser = Parser(Language(tree_sitter_powershell.language()))

    assert not parser.parse(snippet("PowerShell").encode()).root_node.has_error
    assert parser.parse(b"Invoke-RestMethod -Headers @{ A = ").root_node.has_error


def test_the_example_for_a_reader_without_a_monitor_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(EXAMPLE_MONITOR)
    path.chmod(0o600)
    command = [sys.executable, "-c", "from yuptime_exporter.cli import companion; companion()"]
    checked = subprocess.run(
        [*command, "check", str(path)], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 errors" in checked.stdout + checked.stderr
