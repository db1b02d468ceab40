"""Panels of Grafana's classic dashboard JSON, in plain dictionaries."""

from collections.abc import Iterable, Sequence
from typing import Any

from dashboards.promql import Code

Json = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def target(
    promql: str, legend: str = "", *, instant: bool = False, table: bool = False, ref: str = "A"
) -> Json:
    """Return one query."""
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": promql,
        "format": "table" if table else "time_series",
        "instant": instant,
        "legendFormat": legend,
        "range": not instant,
        "refId": ref,
    }


def targets(*queries: tuple[str, str]) -> list[Json]:
    """Return these queries and legends, named A, B, C and so on."""
    return [
        target(promql, legend, ref=chr(ord("A") + n)) for n, (promql, legend) in enumerate(queries)
    ]


def mappings(codes: Iterable[Code]) -> list[Json]:
    """Return the text and the colour of each number."""
    options = {
        str(code.value): {"color": code.colour, "index": n, "text": code.text}
        for n, code in enumerate(codes)
    }
    return [{"type": "value", "options": options}]


def steps(base: str, *more: tuple[float, str]) -> Json:
    """Return thresholds: a base colour, and further colours each from a value on."""
    first: list[Json] = [{"color": base, "value": None}]
    return {"mode": "absolute", "steps": first + [{"color": c, "value": v} for v, c in more]}


def panel(  # noqa: PLR0913  the parts of a panel
    kind: str,
    title: str,
    description: str,
    queries: Sequence[Json],
    *,
    defaults: Json,
    options: Json,
    overrides: Sequence[Json] = (),
    **more: object,
) -> Json:
    """Return a panel of any kind, without its place."""
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": list(queries),
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
        **more,
    }


def stat(  # noqa: PLR0913  the parts of a panel
    title: str,
    description: str,
    promql: str,
    unit: str = "short",
    *,
    thresholds: Json | None = None,
    codes: Iterable[Code] = (),
    legend: str = "",
    links: Sequence[Json] = (),
) -> Json:
    """Return one number, or one word."""
    defaults: Json = {"unit": unit, "mappings": mappings(codes) if codes else []}
    defaults |= {"thresholds": thresholds or steps("text"), "noValue": "no data"}
    if unit == "short":
        defaults["decimals"] = 0
    options = {
        "colorMode": "background" if thresholds or codes else "none",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "value_and_name" if legend else "value",
    }
    if links:
        defaults["links"] = list(links)
    query = target(promql, legend, instant=True)
    return panel("stat", title, description, [query], defaults=defaults, options=options)


def lines(  # noqa: PLR0913  the parts of a panel
    title: str,
    description: str,
    queries: Sequence[Json],
    unit: str,
    *,
    thresholds: Json | None = None,
    bars: bool = False,
    stacked: bool = False,
    overrides: Sequence[Json] = (),
) -> Json:
    """Return values over time; thresholds are drawn as lines."""
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 70 if bars or stacked else 10,
        "lineInterpolation": "stepAfter" if stacked else "linear",
        "lineWidth": 0 if stacked else 1,
        "showPoints": "never",
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "line+area" if thresholds else "off"},
    }
    defaults = {
        "custom": custom,
        "mappings": [],
        "thresholds": thresholds or steps("text"),
        "unit": unit,
    }
    options = {
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel(
        "timeseries",
        title,
        description,
        queries,
        defaults=defaults,
        options=options,
        overrides=overrides,
    )


def timeline(
    title: str,
    description: str,
    query: Json,
    codes: Iterable[Code],
    *,
    links: Sequence[Json] = (),
) -> Json:
    """Return states over time: a row for each series, with the name of the state in the row."""
    defaults: Json = {
        "custom": {"fillOpacity": 85, "lineWidth": 0, "spanNulls": False},
        "links": list(links),
        "mappings": mappings(codes),
        "noValue": "none",
        "thresholds": steps("text"),
    }
    options = {
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.85,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel(
        "state-timeline",
        title,
        description,
        [query],
        defaults=defaults,
        options=options,
        maxDataPoints=480,
    )


def table(
    title: str,
    description: str,
    queries: Sequence[Json],
    *,
    transformations: Sequence[Json],
    overrides: Sequence[Json] = (),
    sort: str = "",
) -> Json:
    """Return a table of current values."""
    defaults = {
        "custom": {"align": "left", "cellOptions": {"type": "auto"}, "filterable": True},
        "mappings": [],
        "thresholds": steps("text"),
        "unit": "short",
    }
    options = {
        "cellHeight": "sm",
        "showHeader": True,
        "sortBy": [{"desc": True, "displayName": sort}] if sort else [],
    }
    return panel(
        "table",
        title,
        description,
        queries,
        defaults=defaults,
        options=options,
        overrides=overrides,
        transformations=list(transformations),
    )


def override(field: str, **properties: object) -> Json:
    """Return the properties of one field; `cellOptions__width` means `cellOptions.width`."""
    listed = [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()]
    return {"matcher": {"id": "byName", "options": field}, "properties": listed}


def link(title: str, url: str) -> Json:
    """Return a link that opens in a new tab."""
    return {"title": title, "url": url, "targetBlank": True}
