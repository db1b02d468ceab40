"""The rules and their tests under promtool of both generations."""

import shutil
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path

import pytest

from tests.peers.programs import Generation, require
from tests.rules.files import ALERT_RULES, RULE_TESTS, RULES, run
from tests.rules.mutants import (
    EXPORTER_MUTANTS,
    KUBERNETES_MUTANTS,
    MONITOR_MUTANTS,
    Mutant,
)

pytestmark = pytest.mark.peer

# The tests of rules about each subject, the quickest first: a mutant may fail any of them.
MONITOR_TESTS = ("runs", "replicas", "texts", "days", "monitor_down", "hold")
EXPORTER_TESTS = ("exporter_alerts", "days")
KUBERNETES_TESTS = ("kubernetes_alerts",)

every_generation = pytest.mark.parametrize("generation", list(Generation))


def test_mutants_meet_every_test_of_rules():
    names = {*MONITOR_TESTS, *EXPORTER_TESTS, *KUBERNETES_TESTS}

    assert names == {path.stem.removesuffix("_test") for path in RULE_TESTS}


@every_generation
def test_promtool_finds_nothing_wrong_with_the_rules(generation: Generation):
    checked = run(require("promtool", generation), "check", "rules", "--lint=all", RULES)

    assert checked.returncode == 0, checked.stdout


@every_generation
@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_the_rules_pass_their_tests(path: Path, generation: Generation):
    tested = run(require("promtool", generation), "test", "rules", path)

    assert tested.returncode == 0, tested.stdout


@pytest.mark.parametrize("mutant", MONITOR_MUTANTS, ids=itemgetter(0))
def test_a_mutant_of_a_rule_about_monitors_fails_the_tests_of_rules(mutant: Mutant, tmp_path: Path):
    assert fails_one_of(MONITOR_TESTS, mutated(mutant, tmp_path))


@pytest.mark.parametrize("mutant", EXPORTER_MUTANTS, ids=itemgetter(0))
def test_a_mutant_of_a_rule_about_the_exporter_fails_the_tests_of_rules(
    mutant: Mutant, tmp_path: Path
):
    copy = mutated(mutant, tmp_path)

    assert fails_one_of(EXPORTER_TESTS, copy, f"--run=^{alert_of(mutant)}")


@pytest.mark.parametrize("mutant", KUBERNETES_MUTANTS, ids=itemgetter(0))
def test_a_mutant_of_a_rule_about_kubernetes_fails_the_tests_of_rules(
    mutant: Mutant, tmp_path: Path
):
    copy = mutated(mutant, tmp_path)

    assert fails_one_of(KUBERNETES_TESTS, copy, f"--run=^{alert_of(mutant)}")


def alert_of(mutant: Mutant) -> str:
    return mutant[0].partition(":")[0]


def mutated(mutant: Mutant, folder: Path) -> Path:
    """Copy the rules and their tests, with the mutant in the rules; the copy is valid and wrong."""
    _, text, instead = mutant
    copy = folder / "alert-rules"
    shutil.copytree(ALERT_RULES, copy)
    rules = RULES.read_text()
    assert rules.count(text) == 1, "this mutant no longer fits the rules: write it anew"
    (copy / RULES.name).write_text(rules.replace(text, instead))
    checked = run(require("promtool", Generation.NEWEST), "check", "rules", copy / RULES.name)
    assert checked.returncode == 0, checked.stdout
    return copy


def fails_one_of(names: Iterable[str], copy: Path, *flags: str) -> bool:
    """Tell whether rules fail one of these tests; a mutant that fails one is not tested further."""
    return any(fails(copy / "tests" / f"{name}_test.yml", *flags) for name in names)


def fails(path: Path, *flags: str) -> bool:
    tested = run(require("promtool", Generation.NEWEST), "test", "rules", *flags, path)
    assert tested.returncode in (0, 1), tested.stdout
    assert tested.returncode == 0 or "got:" in tested.stdout, tested.stdout
    return tested.returncode == 1
