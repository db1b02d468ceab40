"""The dashboards as files: generated, importable, linked, and readable with colour blindness."""

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from dashboards.promql import STATES
from tests.cluster_metrics import ClusterMetrics
from tests.dashboards.asking import (
    DASHBOARDS,
    dashboard_files,
    dashboards,
    panels,
    queries,
    selectors,
    variables,
)
from tests.exporters import Home, StandingClock, exporter_here
from tests.rules.files import ALERT_RULES, CHECKOUT, rules

Json = dict[str, Any]

each_dashboard = pytest.mark.parametrize("uid", sorted(dashboards()))


def test_the_generated_dashboards_are_the_committed_ones(tmp_path: Path):
    subprocess.run(
        [sys.executable, "-m", "dashboards.generate", tmp_path], cwd=CHECKOUT, check=True
    )

    generated = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    committed = {
        str(path.relative_to(DASHBOARDS))
        for pattern in ("*.json", "*/*.yaml")
        for path in DASHBOARDS.glob(pattern)
    }
    assert generated == committed
    for name in committed:
        same = (tmp_path / name).read_text() == (DASHBOARDS / name).read_text()
        assert same, f"{name}: run `make dashboards-generate`"


def test_every_dashboard_has_a_fixed_name_and_uid():
    uids = {path.stem: json.loads(path.read_text())["uid"] for path in dashboard_files()}

    assert uids == {
        name: name for name in ("yuptime-exporter", "yuptime-monitor", "yuptime-overview")
    }


@each_dashboard
def test_a_dashboard_can_be_imported_into_any_grafana(uid: str):
    dashboard = dashboards()[uid]
    ids = [panel["id"] for panel in dashboard["panels"]]
    titles = [panel["title"] for panel in dashboard["panels"]]

    assert dashboard["id"] is None
    assert len(set(titles)) == len(titles)
    assert dashboard["schemaVersion"] <= 39
    assert "__inputs" not in dashboard
    assert len(set(ids)) == len(ids)
    assert not any("libraryPanel" in panel for panel in dashboard["panels"])
    assert len((DASHBOARDS / f"{uid}.json").read_bytes()) < 250_000  # for an annotation of kubectl


@each_dashboard
def test_no_panel_covers_another(uid: str):
    taken: set[tuple[int, int]] = set()
    for panel in dashboards()[uid]["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + right, place["y"] + down)
            for right in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_the_configmaps_hold_the_dashboards():
    for uid, dashboard in dashboards().items():
        resource = yaml.safe_load((DASHBOARDS / "kubernetes" / f"{uid}.yaml").read_text())

        assert (resource["apiVersion"], resource["kind"]) == ("v1", "ConfigMap")
        assert resource["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert resource["metadata"]["annotations"]["grafana_folder"] == "yuptime"
        assert {name: json.loads(text) for name, text in resource["data"].items()} == {
            f"{uid}.json": dashboard
        }


def test_the_provider_reads_a_folder_of_files():
    provider = yaml.safe_load((DASHBOARDS / "provisioning" / "yuptime.yaml").read_text())

    assert provider["apiVersion"] == 1
    [one] = provider["providers"]
    assert one["type"] == "file"
    assert Path(one["options"]["path"]).is_absolute()


def test_the_mixin_contains_the_dashboards():
    mixin = (ALERT_RULES / "mixin.libsonnet").read_text()
    carried = dict(re.findall(r"'([\w-]+\.json)': import '([^']+)'", mixin))

    assert set(carried) == {path.name for path in dashboard_files()}
    for name, path in carried.items():
        assert (ALERT_RULES / path).resolve() == DASHBOARDS / name
    assert "grafanaDashboards+::" in mixin


@each_dashboard
def test_links_between_dashboards_keep_the_chosen_variables(uid: str):
    [link] = dashboards()[uid]["links"]

    assert link["tags"] == dashboards()[uid]["tags"] == ["yuptime"]
    assert link["type"] == "dashboards"
    assert link["keepTime"] is True
    assert link["includeVars"] is True


def test_the_overview_links_to_the_dashboard_and_the_page_of_a_monitor():
    overview = dashboards()["yuptime-overview"]
    urls = set(re.findall(r'"url": "([^"]+)"', json.dumps(overview)))
    to_monitor = {url for url in urls if url.startswith("/d/yuptime-monitor?")}

    assert len(to_monitor) == 2  # from a row of the table, and from a row of a timeline
    for url in to_monitor:
        assert {"var-namespace", "var-monitor"} <= set(re.findall(r"[?&](var-\w+)=", url))
        assert url.endswith("${__url_time_range}")
    assert urls - to_monitor - {""} == {
        "${exporter}/monitors/${__data.fields.namespace}/${__data.fields.monitor}",
        "${exporter}/monitors/${__field.labels.namespace}/${__field.labels.monitor}",
    }


@each_dashboard
def test_every_graph_has_annotations_of_alerts(uid: str):
    marks = [one for one in dashboards()[uid]["annotations"]["list"] if "expr" in one]

    assert marks
    for mark in marks:
        assert mark["datasource"]["uid"] == "${datasource}"
        assert "ALERTS{" in mark["expr"]


RECORDED = {rule["record"] for rule in rules() if "record" in rule}


async def test_every_metric_on_the_dashboards_is_exposed_or_recorded(tmp_path: Path):
    home = Home(tmp_path, flags=["--alertmanager.url=http://127.0.0.1:9"])
    async with exporter_here(home, StandingClock()) as client:
        form = "application/x-www-form-urlencoded"
        run = b"status=up&exitCode=0&durationSeconds=1"
        await client.push(body=run, content_type=form)
        page = (await client.request("GET", "/metrics")).body.decode()
    page += ClusterMetrics().page()
    exposed = {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    for dashboard in dashboards().values():
        asked = [promql for _, promql in queries(dashboard)]
        asked += [
            one["query"]["query"]
            for one in variables(dashboard).values()
            if one["type"] == "query" and "{" in one["query"]["query"]
        ]
        for promql in asked:
            for metric, matchers in selectors(promql):
                assert metric in {*exposed, *RECORDED, "ALERTS"}
                if metric in exposed:
                    labels = set(re.findall(r"(\w+)[=!]", matchers))
                    assert labels <= exposed[metric] | {"job", "instance", "severity"}, promql


def test_every_coloured_state_has_a_text():
    assert len({code.text for code in STATES}) == len(STATES)
    for dashboard in dashboards().values():
        for panel in panels(dashboard):
            if panel["type"] == "state-timeline":
                [mapping] = panel["fieldConfig"]["defaults"]["mappings"]
                assert all(option["text"] for option in mapping["options"].values())
                assert panel["options"]["showValue"] != "never"
            if panel["type"] == "stat":
                assert panel["options"]["textMode"] != "none"


# Colour blindness as matrices on linear RGB: Viénot, Brettel and Mollon 1999, and the same method for
# tritanopia. The last matrix is full colour vision.
SIGHTS = {
    "protan": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deutan": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
    "tritan": (
        (1.01277, 0.13548, -0.14826),
        (-0.01243, 0.86812, 0.14431),
        (0.07589, 0.805, 0.11911),
    ),
    "all colours": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_are_distinct_with_colour_blindness(sight: str):
    colours = sorted({code.colour for code in STATES})
    for one, other in combinations(colours, 2):
        distance = max(
            abs(left - right)
            for left, right in zip(_seen(one, sight), _seen(other, sight), strict=True)
        )
        assert distance > 0.15, (one, other)


def _seen(colour: str, sight: str) -> list[float]:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [((part + 0.055) / 1.055) ** 2.4 if part > 0.04 else part / 12.92 for part in parts]
    seen = [
        min(max(sum(a * b for a, b in zip(row, linear, strict=True)), 0), 1)
        for row in SIGHTS[sight]
    ]
    return [1.055 * part ** (1 / 2.4) - 0.055 if part > 0.0031 else part * 12.92 for part in seen]
