"""Draws a dashboard from its JSON and from answers of Prometheus, roughly like Grafana.

Only the features that these dashboards use are drawn. The pictures show the panels, not Grafana.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from tests.dashboards.asking import Json
from tests.dashboards.curves import lines
from tests.dashboards.script import HOUR
from tests.dashboards.strokes import (
    INK,
    Box,
    hours,
    ink_on,
    legend_of,
    share_of_day,
    shown_as,
    text_at,
)

COLUMN, LINE, GAP = 52, 31, 6
PAPER = "#FFFFFF"


def picture(dashboard: Json, answers: Mapping[str, Any]) -> str:
    """The dashboard as SVG."""
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    width, height = 24 * COLUMN + GAP, bottom * LINE + GAP
    drawn = [f'<rect width="{width}" height="{height}" fill="#ECEEF1"/>']
    for panel in dashboard["panels"]:
        drawn += _panel(panel, answers.get(panel["title"], {}))
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="DejaVu Sans, Verdana, sans-serif" font-size="12" fill="{INK}" role="img">\n'
        f"<title>{escape(dashboard['title'])}: {escape(dashboard['description'])}</title>\n"
        f"{body}\n</svg>\n"
    )


def titles(svg: str) -> list[str]:
    """The titles of the panels in a picture."""
    return re.findall(r'class="title">([^<]*)<', svg)


def _panel(panel: Json, results: Mapping[str, list[Json]]) -> Iterator[str]:
    place = panel["gridPos"]
    left, top = place["x"] * COLUMN + GAP, place["y"] * LINE + GAP
    width, height = place["w"] * COLUMN - GAP, place["h"] * LINE - GAP
    if panel["type"] == "row":
        yield text_at(left + 2, top + 18, panel["title"], css="title", size=14, bold=True)
        return
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="3" fill="{PAPER}"/>'
    yield text_at(left + 8, top + 18, panel["title"], css="title", bold=True)
    box = (left + 8, top + 26, width - 16, height - 34)
    draw: Mapping[str, Callable[[Json, Mapping[str, list[Json]], Box], Iterator[str]]] = {
        "stat": _stat,
        "table": _table,
        "state-timeline": _timeline,
        "timeseries": lines,
    }
    yield from draw[panel["type"]](panel, results, box)


def _stat(panel: Json, results: Mapping[str, list[Json]], box: Box) -> Iterator[str]:
    left, top, width, height = box
    defaults = panel["fieldConfig"]["defaults"]
    result = results["A"]
    value = float(result[0]["value"][1]) if result else None
    text, colour = shown_as(defaults, value)
    if panel["options"]["colorMode"] == "background" and colour.startswith("#"):
        yield f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="3" fill="{colour}"/>'
        ink = ink_on(colour)
    else:
        ink = INK
    size = min(32, 1.6 * width / max(len(text), 1))
    yield text_at(
        left + width / 2, top + height / 2 + size / 3, text, size=size, ink=ink, middle=True
    )


def _table(panel: Json, results: Mapping[str, list[Json]], box: Box) -> Iterator[str]:
    left, top, width, height = box
    rows = _merged(results)
    organize = panel["transformations"][-1]["options"]
    fields = sorted(
        {field for row in rows for field in row if not organize["excludeByName"].get(field)},
        key=lambda field: (organize["indexByName"].get(field, 99), field),
    )
    overrides = {
        one["matcher"]["options"]: {item["id"]: item["value"] for item in one["properties"]}
        for one in panel["fieldConfig"]["overrides"]
    }
    step = width / max(len(fields), 1)
    for column, field in enumerate(fields):
        name = organize["renameByName"].get(field, field)
        settings = overrides.get(name, {})
        x = left + column * step
        yield text_at(x + 4, top + 16, settings.get("displayName", name), bold=True, ink="#555B63")
        for line, row in enumerate(rows[: int(height / 24) - 1]):
            y = top + 24 + line * 24
            text, colour = shown_as(settings, row.get(field))
            if "custom.cellOptions" in settings:
                yield f'<rect x="{x}" y="{y}" width="{step - 4}" height="22" fill="{colour}"/>'
                yield text_at(x + 4, y + 15, text, ink=ink_on(colour))
            else:
                yield text_at(x + 4, y + 15, text)


def _merged(results: Mapping[str, list[Json]]) -> list[Json]:
    """The rows that the transformations `merge` and `filterByValue` give."""
    alone = len(results) == 1
    rows: dict[tuple[str, str], Json] = {}
    for ref, result in results.items():
        for one in result:
            key = (one["metric"].get("namespace", ""), one["metric"].get("monitor", ""))
            value = {"Value" if alone else f"Value #{ref}": float(one["value"][1])}
            rows.setdefault(key, {}).update(one["metric"], **value)
    if alone:
        return list(rows.values())
    return [row for row in rows.values() if "Value #A" in row]


def _timeline(panel: Json, results: Mapping[str, list[Json]], box: Box) -> Iterator[str]:
    left, top, width, height = box
    names = width * 0.16
    result = sorted(results["A"], key=lambda one: legend_of(panel["targets"][0], one))
    if not result:
        yield text_at(left + width / 2, top + height / 2, "none", ink="#555B63", middle=True)
    bar = (height - 22) / max(len(result), 1)
    for line, one in enumerate(result):
        y = top + line * bar
        yield text_at(left, y + min(bar - 4, 40) / 2 + 6, legend_of(panel["targets"][0], one))
        for value, begin, end in _runs(one["values"]):
            text, colour = shown_as(panel["fieldConfig"]["defaults"], value)
            x, right = (
                left + names + (width - names) * share_of_day(moment) for moment in (begin, end)
            )
            yield (
                f'<rect x="{x:.1f}" y="{y + 2:.1f}" width="{max(right - x, 1):.1f}" '
                f'height="{min(bar - 4, 40):.1f}" fill="{colour}"/>'
            )
            if right - x > 8 * len(text):
                yield text_at(x + 5, y + min(bar - 4, 40) / 2 + 6, text, ink=ink_on(colour))
    yield from hours((left + names, top, width - names, height - 18))


def _runs(values: Sequence[tuple[int, str]]) -> Iterator[tuple[float, int, int]]:
    begin = last = None
    held = 0.0
    for moment, value in values:
        if begin is not None and last is not None:
            if float(value) == held and moment - last <= HOUR / 20:
                last = moment
                continue
            yield held, begin, last if moment - last > HOUR / 20 else moment
        begin, last, held = moment, moment, float(value)
    if begin is not None and last is not None:
        yield held, begin, last
