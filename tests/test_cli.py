"""The two commands as users start them: exit codes, version and help."""

import re
import subprocess
import sys

import pytest

from yuptime_exporter.cli import main


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "yuptime_exporter", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_wrong_usage_is_explained_and_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--source.manifests=x", "--log.level=loud"])

    assert exit_.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


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
                 "--web.enable-admin-api",
                 "--log.level", "--log.format", "--version"):  # fmt: skip
        assert flag in result.stdout
