"""The rules of the dashboard-linter, github.com/grafana/dashboard-linter, as in its documentation.

Exclusions are in dashboards/.lint, which the linter reads too.
"""

import re
from typing import Any

import pytest
import yaml

from tests.dashboards.asking import (
    CHOICE,
    DASHBOARDS,
    dashboards,
    interpolated,
    panels,
    queries,
    selectors,
    variables,
)

Json = dict[str, Any]

each_dashboard = pytest.mark.parametrize("uid", sorted(dashboards()))
LINTED = {"stat", "gauge", "table", "timeseries"}


def excluded(rule: str, dashboard: Json, panel: Json | None = None) -> bool:
    """Whether .lint excludes a rule; without entries a rule is excluded everywhere."""
    found = yaml.safe_load((DASHBOARDS / ".lint").read_text())["exclusions"].get(rule)
    if found is None:
        return False
    entries = found.get("entries", [])
    return not entries or any(
        entry["dashboard"] == dashboard["title"]
        and entry.get("panel") == (panel and panel["title"])
        for entry in entries
    )


def test_every_exclusion_from_the_linter_has_a_reason_and_a_subject():
    titles = {
        one["title"]: {panel["title"] for panel in panels(one)} for one in dashboards().values()
    }
    for rule, found in yaml.safe_load((DASHBOARDS / ".lint").read_text())["exclusions"].items():
        assert found["reason"].endswith("."), rule
        for entry in found.get("entries", []):
            assert entry.get("panel") in {None, *titles[entry["dashboard"]]}


@each_dashboard
def test_every_dashboard_has_one_data_source_variable(uid: str):
    sources = [one for one in variables(dashboards()[uid]).values() if one["type"] == "datasource"]

    [source] = sources
    assert (source["name"], source["label"]) == ("datasource", "Data source")
    assert source["query"] == "prometheus"


@each_dashboard
@pytest.mark.parametrize("name", ["job", "instance"])
def test_a_dashboard_has_the_variables_of_its_subject(uid: str, name: str):
    dashboard = dashboards()[uid]
    if excluded(f"template-{name}-rule", dashboard):
        assert name not in variables(dashboard)
        return
    variable = variables(dashboard)[name]

    assert variable["label"] == name.capitalize()
    assert variable["multi"] is True
    assert variable["allValue"] == ".+"


@each_dashboard
def test_variables_are_refreshed_from_the_chosen_data_source_with_the_time_range(uid: str):
    for name, variable in variables(dashboards()[uid]).items():
        if variable["type"] == "query":
            assert variable["datasource"]["uid"] == "${datasource}", name
            assert variable["refresh"] == 2, name
            assert re.fullmatch(r"label_values\(.+, \w+\)", variable["query"]["query"]), name


@each_dashboard
def test_panels_query_the_chosen_data_source_with_known_variables_only(uid: str):
    for panel in panels(dashboards()[uid]):
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"], panel["title"]
        for query in panel["targets"]:
            assert query["datasource"]["uid"] == "${datasource}"
            assert "$" not in interpolated(query["expr"], CHOICE), panel["title"]
        references = [query["refId"] for query in panel["targets"]]
        assert len(set(references)) == len(references)


@each_dashboard
def test_every_panel_has_a_description_and_every_number_a_unit(uid: str):
    for panel in panels(dashboards()[uid]):
        defaults = panel["fieldConfig"]["defaults"]

        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        if panel["type"] in LINTED:
            assert defaults.get("unit") or defaults["mappings"], panel["title"]
        else:
            assert defaults["mappings"], panel["title"]


@each_dashboard
def test_every_query_selects_the_chosen_job_and_instance(uid: str):
    dashboard = dashboards()[uid]
    for panel, promql in queries(dashboard):
        assert selectors(promql), panel["title"]
        for name in ("job", "instance"):
            if not excluded(f"target-{name}-rule", dashboard, panel):
                for metric, matchers in selectors(promql):
                    if ":" in metric:  # a recorded series has no job and no instance
                        continue
                    assert f'{name}=~"${name}"' in matchers, (panel["title"], metric)


@each_dashboard
def test_rates_use_the_interval_that_fits_the_scrapes(uid: str):
    for panel, promql in queries(dashboards()[uid]):
        for interval in re.findall(r"\bi?rate\([^\[]+\[([^\]]+)\]", promql):
            assert interval == "$__rate_interval", panel["title"]


@each_dashboard
def test_counters_are_never_shown_raw(uid: str):
    for panel, promql in queries(dashboards()[uid]):
        for found in re.finditer(r"\w+_total\{", promql):
            before = promql[: found.start()]
            assert re.search(r"\b(rate|irate|increase)\($", before), panel["title"]


@each_dashboard
def test_a_dashboard_from_a_file_cannot_be_edited(uid: str):
    assert dashboards()[uid]["editable"] is False
