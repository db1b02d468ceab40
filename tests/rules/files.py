"""The shipped files for Prometheus, and their content."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, cast

import yaml

CHECKOUT = Path(__file__).parents[2]
ALERT_RULES = CHECKOUT / "alert-rules"
RULES = ALERT_RULES / "yuptime.rules.yml"
RULE_TESTS = sorted((ALERT_RULES / "tests").glob("*_test.yml"))
RUNBOOKS = CHECKOUT / "docs" / "runbooks"
EXAMPLES = CHECKOUT / "examples" / "prometheus"


class Rule(TypedDict, total=False):
    """A rule of either kind, as Prometheus reads it."""

    record: str
    alert: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Group(TypedDict):
    """A group of rules, which Prometheus evaluates in order."""

    name: str
    interval: str
    rules: list[Rule]


def groups() -> list[Group]:
    return cast(list[Group], yaml.safe_load(RULES.read_text())["groups"])


def rules() -> Iterator[Rule]:
    for group in groups():
        yield from group["rules"]


def alerts() -> list[Rule]:
    return [rule for rule in rules() if "alert" in rule]


def run(*command: str | Path, cwd: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with its errors in stdout."""
    return subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
