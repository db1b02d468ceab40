"""The chart as a dependency of another chart, packaged as people package it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.rendering import (
    CHART,
    container_of,
    helm,
    helm_refusal,
    helm_template,
    of_kind,
    one,
)
from tests.deploy.test_chart_values import BLOCKS, DEFAULTS, at, nulls
from yuptime_exporter import __version__

pytestmark = pytest.mark.peer  # helm

NAME = "yuptime-exporter"


def parent(folder: Path, values: Mapping[str, Any], *aliases: str) -> Path:
    """Package a chart with this chart as a dependency, once or once for each alias."""
    chart = folder / "parent"
    (chart / "templates").mkdir(parents=True)
    dependencies = [
        {
            "name": NAME,
            "version": __version__,
            "repository": f"file://{CHART}",
            "condition": f"{alias or NAME}.enabled",
            **({"alias": alias} if alias else {}),
        }
        for alias in aliases or ("",)
    ]
    described = {"apiVersion": "v2", "name": "parent", "version": "1.0.0"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**described, "dependencies": dependencies}))
    (chart / "values.yaml").write_text(json.dumps(values))
    fetched = helm("dependency", "update", chart, "--skip-refresh")
    assert fetched.returncode == 0, fetched.stderr
    packed = helm("package", chart, f"--destination={folder}")
    assert packed.returncode == 0, packed.stderr
    return folder / "parent-1.0.0.tgz"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A parent that switches the exporter on and shares values with it."""
    shared = {"imagePullSecrets": ["shared"], "imageRegistry": "registry.example.com"}
    return parent(tmp_path_factory.mktemp("plain"), {NAME: {"enabled": True}, "global": shared})


def test_it_installs_the_same_as_alone_with_what_the_parent_shares(plain: Path) -> None:
    alone = helm_template(values={"imagePullSecrets": [{"name": "shared"}]})

    assert helm_template(chart=plain) == alone


def test_the_condition_of_the_parent_switches_it_off(plain: Path) -> None:
    assert helm_template(f"--set={NAME}.enabled=false", chart=plain) == ()


def test_a_parent_without_the_condition_learns_that_it_lacks_it(tmp_path: Path) -> None:
    packed = parent(tmp_path, {NAME: {"enabled": False}})
    chart = tmp_path / "parent" / "Chart.yaml"
    described = yaml.safe_load(chart.read_text())
    del described["dependencies"][0]["condition"]
    chart.write_text(yaml.safe_dump(described))

    assert helm_template(chart=packed) == ()
    assert "Chart.yaml of the parent chart lacks condition" in helm_refusal(
        chart=tmp_path / "parent"
    )


@pytest.mark.parametrize("deep", [False, True])
def test_values_that_the_parent_sets_to_null_are_at_their_defaults(
    tmp_path: Path, *, deep: bool
) -> None:
    packed = parent(tmp_path, {NAME: nulls(DEFAULTS, deep=deep)})

    assert helm_template(chart=packed) == helm_template()


@pytest.mark.parametrize("path", [path for path in BLOCKS if len(path) > 1], ids=".".join)
def test_a_block_that_the_user_of_a_parent_sets_to_null_is_at_its_default(
    plain: Path, path: tuple[str, ...]
) -> None:
    rendered = helm_template(chart=plain, values={NAME: at(path, None)})

    assert rendered == helm_template(chart=plain)


@pytest.mark.parametrize("by", ["parent", "user"])
def test_null_removes_the_user_of_the_pod_also_through_a_parent(tmp_path: Path, by: str) -> None:
    unset = {NAME: {"podSecurityContext": {"runAsUser": None, "fsGroup": None}}}
    packed = parent(tmp_path, unset if by == "parent" else {})

    rendered = helm_template(chart=packed, values={} if by == "parent" else unset)

    context = one(rendered, "Deployment")["spec"]["template"]["spec"]["securityContext"]
    assert context == {
        "runAsNonRoot": True,
        "runAsGroup": 65532,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


@pytest.mark.parametrize(
    "shared",
    ["regcred", ["regcred"], [{"name": "regcred"}], ["regcred", {"name": "regcred"}]],
    ids=str,
)
def test_the_secrets_of_a_registry_are_shared_in_every_form_that_charts_know(
    plain: Path, shared: object
) -> None:
    rendered = helm_template(
        chart=plain,
        values={"global": {"imagePullSecrets": shared}, NAME: {"imagePullSecrets": ["4711"]}},
    )

    pod = one(rendered, "Deployment")["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "4711"}, {"name": "regcred"}]


def test_two_of_it_in_one_parent_have_names_of_their_own(tmp_path: Path) -> None:
    rendered = helm_template(chart=parent(tmp_path, {}, "jobs", "pushes_EU"), release="shop")

    assert sorted(each["metadata"]["name"] for each in of_kind(rendered, "Deployment")) == [
        "shop-jobs",
        "shop-pushes-eu",
    ]
    places = [
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in rendered
    ]
    assert len(set(places)) == len(places)
    assert container_of(rendered, "shop-jobs")["image"] == f"yuptime-exporter:{__version__}"
