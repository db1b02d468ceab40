"""`yuptime`, as CI runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.manifests import monitor_yaml, secret_yaml, write_manifests

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"


def yuptime(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = "import sys; from yuptime_exporter.cli import companion; sys.exit(companion())"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_good_manifests_exit_with_0() -> None:
    result = yuptime("check", EXAMPLES)

    assert result.returncode == 0
    assert result.stdout.splitlines()[-1].startswith("3 monitors, 3 secrets, 0 documents ignored")


def test_problems_exit_with_1_and_are_all_listed(tmp_path: Path) -> None:
    write_manifests(tmp_path, monitor_yaml(expire=0), monitor_yaml("b", grace=-1), secret_yaml())

    result = yuptime("check", tmp_path)

    errors = [line for line in result.stdout.splitlines() if line.startswith("error: ")]
    assert result.returncode == 1
    assert len(errors) == 2
    assert "document 1" in errors[0]
    assert "spec.target.push.expireSeconds: found 0" in errors[0]
    assert "document 2" in errors[1]
    assert "spec.target.push.gracePeriodSeconds: found -1" in errors[1]


def test_a_path_that_does_not_exist_exits_with_1(tmp_path: Path) -> None:
    result = yuptime("check", tmp_path / "nowhere")

    assert result.returncode == 1
    assert "nowhere: cannot be read: No such file or directory" in result.stdout


@pytest.mark.parametrize("arguments", [(), ("check",), ("chekc", "."), ("check", "--fast", ".")])
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...]) -> None:
    result = yuptime(*arguments)

    assert result.returncode == 2
    assert "usage: yuptime" in result.stderr


def test_the_version_is_printed() -> None:
    assert yuptime("--version").returncode == 0
