"""Sends Prometheus the queries that Grafana sends for the dashboards at the end of the day.

Grafana itself is not used: its variables are replaced as its documentation describes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.dashboards.script import DAY, MIDNIGHT, MINUTE
from tests.peers.running import Prometheus
from tests.rules.files import CHECKOUT

DASHBOARDS = CHECKOUT / "dashboards"
END = MIDNIGHT + DAY
STEP = 2 * MINUTE
ALL = ".+"

Json = dict[str, Any]

CHOICE: Mapping[str, str] = {
    "job": ALL,
    "instance": ALL,
    "namespace": ALL,
    "monitor": ALL,
    "rows": "20",
    "__range": f"{DAY}s",
    "__interval": f"{STEP}s",
    # Four scrapes, or an interval and a scrape, whichever is longer.
    "__rate_interval": f"{max(4 * MINUTE, STEP + MINUTE)}s",
}


def dashboard_files() -> list[Path]:
    return sorted(DASHBOARDS.glob("*.json"))


def dashboards() -> dict[str, Json]:
    """All committed dashboards by uid."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in dashboard_files()]
    return {one["uid"]: one for one in read}


def panels(dashboard: Json) -> Iterator[Json]:
    """Its panels, without headings."""
    yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def variables(dashboard: Json) -> dict[str, Json]:
    return {one["name"]: one for one in dashboard["templating"]["list"]}


def queries(dashboard: Json) -> list[tuple[Json, str]]:
    return [(panel, query["expr"]) for panel in panels(dashboard) for query in panel["targets"]]


def selectors(promql: str) -> list[tuple[str, str]]:
    """The names of the series that a query reads, with their matchers."""
    return re.findall(r"\b([a-zA-Z_:]+)\{([^}]*)\}", promql)


def interpolated(promql: str, choice: Mapping[str, str]) -> str:
    """The query with values for variables; an unknown variable stays and is a syntax error."""
    return re.sub(r"\$\{?(\w+)\}?", lambda found: choice.get(found[1], found[0]), promql)


async def ask(peer: Prometheus, query: Json, choice: Mapping[str, str]) -> list[Json]:
    """The result of a panel's query over the day, or at its end."""
    promql = interpolated(query["expr"], choice)
    if query["instant"]:
        answer = await peer.get("/api/v1/query", query=promql, time=str(END))
    else:
        answer = await peer.get(
            "/api/v1/query_range",
            query=promql,
            start=str(MIDNIGHT),
            end=str(END),
            step=str(STEP),
        )
    result: list[Json] = answer["data"]["result"]
    return result


async def values_of(peer: Prometheus, variable: Json, choice: Mapping[str, str]) -> list[str]:
    """The values of a variable of the form `label_values(SERIES, LABEL)`."""
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    assert found, variable["query"]
    answer = await peer.get(
        f"/api/v1/label/{found[2]}/values",
        **{"match[]": interpolated(found[1], choice), "start": str(MIDNIGHT), "end": str(END)},
    )
    values: list[str] = answer["data"]
    return values


async def everything(peer: Prometheus, monitors: list[tuple[str, str]]) -> Json:
    """The answers to all queries: panels by dashboard, title and name; variables; annotations.

    The dashboard of one monitor is queried for each monitor. The overview is queried again with a
    limit of two jobs, and the dashboard of the exporter again for an exporter that reads files.
    """
    found: Json = {}
    for uid, dashboard in dashboards().items():
        choices: dict[str, Mapping[str, str]] = {uid: CHOICE}
        if uid == "yuptime-monitor":
            choices = {
                f"{uid} {namespace}/{monitor}": {
                    **CHOICE,
                    "namespace": namespace,
                    "monitor": monitor,
                }
                for namespace, monitor in monitors
            }
        if uid == "yuptime-overview":
            choices[f"{uid} two"] = {**CHOICE, "rows": "2"}
        if uid == "yuptime-exporter":
            choices[f"{uid} on files"] = {**CHOICE, "instance": "yuptime-0:10091"}
        for name, choice in choices.items():
            found[name] = {
                panel["title"]: {
                    query["refId"]: await ask(peer, query, choice) for query in panel["targets"]
                }
                for panel in panels(dashboard)
            }
            found[name]["annotations"] = {
                one["name"]: await ask(peer, {"expr": one["expr"], "instant": False}, choice)
                for one in dashboard["annotations"]["list"]
                if "expr" in one
            }
            found[name]["variables"] = {
                one["name"]: await values_of(peer, one, choice)
                for one in variables(dashboard).values()
                if one["type"] == "query"
            }
    return found
