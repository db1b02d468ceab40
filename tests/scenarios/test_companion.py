"""`yuptime`, as CI runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.manifests import monitor_yaml, secret_yaml, write_manifests
from yuptime_exporter.cli import companion

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"


@dataclass
class Ended:
    returncode: int
    stdout: str
    stderr: str


Yuptime = Callable[..., Ended]


@pytest.fixture
def yuptime(capsys: pytest.CaptureFixture[str]) -> Yuptime:
    """Run the command as its entry point does, and return how it ended."""

    def run(*arguments: str | Path) -> Ended:
        try:
            code = companion([str(argument) for argument in arguments])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        written = capsys.readouterr()
        return Ended(code, written.out, written.err)

    return run


def test_good_manifests_exit_with_0(yuptime: Yuptime) -> None:
    result = yuptime("check", EXAMPLES)

    assert result.returncode == 0
    assert result.stdout.splitlines()[-1].startswith("3 monitors, 3 secrets, 0 documents ignored")


def test_problems_exit_with_1_and_are_all_listed(tmp_path: Path, yuptime: Yuptime) -> None:
    write_manifests(tmp_path, monitor_yaml(expire=0), monitor_yaml("b", grace=-1), secret_yaml())

    result = yuptime("check", tmp_path)

    errors = [line for line in result.stdout.splitlines() if line.startswith("error: ")]
    assert result.returncode == 1
    assert len(errors) == 2
    assert "document 1" in errors[0]
    assert "spec.target.push.expireSeconds: expected " in errors[0]
    assert "document 2" in errors[1]
    assert "spec.target.push.gracePeriodSeconds: expected " in errors[1]


def test_a_path_that_does_not_exist_exits_with_1(tmp_path: Path, yuptime: Yuptime) -> None:
    result = yuptime("check", tmp_path / "nowhere")

    assert result.returncode == 1
    assert "nowhere: cannot be read: No such file or directory" in result.stdout


@pytest.mark.parametrize("arguments", [(), ("check",), ("chekc", "."), ("check", "--fast", ".")])
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...], yuptime: Yuptime) -> None:
    result = yuptime(*arguments)

    assert result.returncode == 2
    assert "usage: yuptime" in result.stderr


def test_the_version_is_printed(yuptime: Yuptime) -> None:
    result = yuptime("--version")

    assert result.returncode == 0
    assert result.stdout.startswith("yuptime, version ")
