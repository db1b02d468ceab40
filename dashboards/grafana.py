"""Grafana's classic dashboard JSON around the panels: places, variables, links, annotations."""

from collections.abc import Mapping, Sequence

from dashboards.panels import DATASOURCE, Json
from dashboards.promql import VERMILION, YELLOW

TAG = "yuptime"

# The version that Grafana 10.4 and 11 write. Newer releases migrate it; older ones ignore new fields.
SCHEMA_VERSION = 39

# Links pass the chosen data source, job and time range to the next dashboard.
KEEP = "${datasource:queryparam}&${job:queryparam}&${__url_time_range}"


def row(title: str) -> Json:
    """Return the heading of the following bands."""
    return {"type": "row", "title": title, "collapsed": False, "panels": []}


def placed(*bands: tuple[int, Sequence[tuple[int, Json]]]) -> list[Json]:
    """Return the panels with their places, one band below the other.

    Args:
        bands: each with its height, and its panels from the left with their widths.
    """
    found: list[Json] = []
    top = 0
    for height, band in bands:
        left = 0
        for width, one in band:
            place = {"h": height, "w": width, "x": left, "y": top}
            found.append({"id": len(found) + 1, **one, "gridPos": place})
            left += width
        top += height
    return found


def heading(title: str) -> tuple[int, Sequence[tuple[int, Json]]]:
    """Return a band that is a heading."""
    return 1, [(24, row(title))]


def query_variable(name: str, label: str, metric: str, where: str, *, several: bool = True) -> Json:
    """Return a variable with the values of a label."""
    among = f"{{{where}}}" if where else ""
    promql = f"label_values({metric}{among}, {name})"
    chosen = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "definition": promql,
        "query": {"query": promql, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        "current": chosen if several else {},
        "options": [],
        **({"allValue": ".+"} if several else {}),
    }


def dashboard(
    uid: str,
    title: str,
    description: str,
    *,
    variables: Sequence[Json],
    panels: Sequence[Json],
    alerts: Mapping[str, str],
) -> Json:
    """Return a whole dashboard.

    Args:
        uid: the fixed name in links.
        title: as Grafana lists the dashboard.
        description: purpose of the dashboard.
        variables: besides the data source.
        panels: with their places.
        alerts: queries of ALERTS for annotations, by the name of the annotation.
    """
    grafana: Json = {"type": "grafana", "uid": "-- Grafana --"}
    datasource = {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "current": {},
        "options": [],
        "refresh": 1,
    }
    return {
        "uid": uid,
        "id": None,
        "title": title,
        "description": description,
        "tags": [TAG],
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "schemaVersion": SCHEMA_VERSION,
        "time": {"from": "now-24h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "version": 1,
        "weekStart": "",
        "links": [dashboards_link()],
        "templating": {"list": [datasource, *variables]},
        "annotations": {
            "list": [
                {
                    "builtIn": 1,
                    "datasource": grafana,
                    "enable": True,
                    "hide": True,
                    "iconColor": "rgba(0, 211, 255, 1)",
                    "name": "Annotations & Alerts",
                    "type": "dashboard",
                },
                *(annotation(name, promql) for name, promql in alerts.items()),
            ]
        },
        "panels": list(panels),
    }


def annotation(name: str, promql: str) -> Json:
    """Return annotations that mark every graph while an alert fires."""
    return {
        "datasource": DATASOURCE,
        "enable": True,
        "expr": promql,
        "iconColor": YELLOW if "exporter" in name else VERMILION,
        "name": name,
        "step": "60s",
        "tagKeys": "severity",
        "textFormat": "{{namespace}} {{monitor}} {{instance}}",
        "titleFormat": "{{alertname}}",
    }


def dashboards_link() -> Json:
    """Return a menu of all dashboards with the tag of this project."""
    return {
        "type": "dashboards",
        "title": "yuptime",
        "tags": [TAG],
        "asDropdown": False,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "tooltip": "",
        "url": "",
    }


def link_to() -> Json:
    """Return the variable with the address of the exporter's pages in the reader's browser."""
    address = "http://localhost:10091"
    return {
        "type": "textbox",
        "name": "exporter",
        "label": "Exporter's pages",
        "query": address,
        "current": {"selected": True, "text": address, "value": address},
        "options": [{"selected": True, "text": address, "value": address}],
    }
