"""The rules for several clusters at once."""

import sys
from pathlib import Path

import pytest
import yaml

from tests.deploy.rendering import helm_template, one
from tests.peers.programs import Generation, require
from tests.rules.files import ALERT_RULES, RULES, run
from tests.rules.mixin import mixin

CLUSTERS_TEST = Path(__file__).parent / "data" / "clusters_test.yml"


def printed(*flags: str) -> str:
    """Return the rules that the script prints."""
    ended = run(sys.executable, ALERT_RULES / "generate.py", *flags)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def failures(rules: str, folder: Path, generation: Generation) -> str:
    """Return the output of promtool for the tests of two clusters, empty if all of them pass."""
    (folder / "rules.yml").write_text(rules)
    (folder / CLUSTERS_TEST.name).write_text(CLUSTERS_TEST.read_text())
    promtool = require("promtool", generation)
    checked = run(promtool, "check", "rules", "--lint=all", folder / "rules.yml")
    assert checked.returncode == 0, checked.stdout
    ended = run(promtool, "test", "rules", folder / CLUSTERS_TEST.name)
    return ended.stdout if ended.returncode else ""


@pytest.mark.peer
@pytest.mark.parametrize("generation", list(Generation))
def test_clusters_with_equal_names_are_judged_one_by_one(generation: Generation, tmp_path: Path):
    assert not failures(printed("--cluster-label=cluster"), tmp_path, generation)


@pytest.mark.peer
def test_rules_without_the_label_mix_up_clusters_with_equal_names(tmp_path: Path):
    assert "FAILED" in failures(RULES.read_text(), tmp_path, Generation.NEWEST)


@pytest.mark.parametrize("label", ["cluster", "k8s_cluster_name"])
def test_the_mixin_has_the_printed_rules(label: str):
    assert (
        mixin(clusterLabel=label)["groups"]
        == yaml.safe_load(printed(f"--cluster-label={label}"))["groups"]
    )


@pytest.mark.peer
def test_the_chart_has_the_printed_rules():
    objects = helm_template(
        values={"prometheusRule": {"enabled": True, "clusterLabel": "k8s_cluster_name"}}
    )

    expected = yaml.safe_load(printed("--cluster-label=k8s_cluster_name"))
    assert one(objects, "PrometheusRule")["spec"] == expected


def test_a_cluster_label_that_prometheus_does_not_allow_is_refused():
    ended = run(sys.executable, ALERT_RULES / "generate.py", "--cluster-label=my-cluster")

    assert ended.returncode == 2
    assert "expected the name of a label, got 'my-cluster'" in ended.stdout
