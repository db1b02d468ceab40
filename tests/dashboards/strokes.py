"""Texts, colours and hours of a picture of a dashboard."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

from tests.dashboards.asking import END, Json
from tests.dashboards.script import DAY, HOUR, MIDNIGHT

INK, FAINT = "#1F2329", "#C9CDD3"

Box = tuple[float, float, float, float]  # left, top, width, height


def hours(plot: Box) -> Iterator[str]:
    left, top, width, height = plot
    for hour in range(0, 24, 4 if width > 220 else 12):
        text = f"{hour:02}:00"
        yield text_at(left + width * hour / 24, top + height + 14, text, size=10, middle=True)


def share_of_day(moment: float) -> float:
    return (moment - MIDNIGHT) / DAY


def legend_of(query: Json, one: Json) -> str:
    text = re.sub(
        r"\{\{(\w+)\}\}", lambda found: one["metric"].get(found[1], ""), query["legendFormat"]
    )
    # The address of the day's Alertmanager differs in each run.
    return re.sub(r"http://127\.0\.0\.1:\d+", "alertmanager:9093", text)


def shown_as(settings: Json, value: object) -> tuple[str, str]:
    """The text of a value, and its colour."""
    if not isinstance(value, float):
        return str(settings.get("noValue", "") if value is None else value), "none"
    for mapping in settings.get("mappings", []):
        if option := mapping["options"].get(f"{value:g}"):
            return option["text"], option["color"]
    colour = "none"
    for step in settings.get("thresholds", {}).get("steps", []):
        if step["value"] is None or value >= step["value"]:
            colour = step["color"]
    return value_text(value, settings.get("unit", "short")), colour


def value_text(value: float, unit: str) -> str:
    if unit == "dateTimeFromNow":
        return f"{_duration(END - value / 1000)} ago" if value / 1000 <= END else _date(value)
    if unit in ("s", "dtdurations"):
        return _duration(value)
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    if unit == "percentunit":
        return f"{100 * value:.2g}%"
    suffix = {"reqps": " req/s", "wps": " wr/s"}.get(unit, "")
    return f"{value:,.0f}{suffix}" if abs(value) >= 1000 else f"{value:.3g}{suffix}"


def _date(milliseconds: float) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d}"


def _duration(seconds: float) -> str:
    sign, size = "-" if seconds < 0 else "", abs(seconds)
    for limit, unit, name in ((DAY, DAY, "days"), (HOUR, HOUR, "hours"), (60, 60, "min")):
        if size >= limit:
            return f"{sign}{size / unit:.3g} {name}"
    return f"{sign}{size:.3g} s" if size >= 1 or size == 0 else f"{sign}{size * 1000:.3g} ms"


def ink_on(colour: str) -> str:
    """A readable text colour on a background."""
    if not colour.startswith("#"):
        return INK
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > 125 else "#FFFFFF"


def text_at(
    x: float,
    y: float,
    text: str,
    *,
    css: str = "",
    size: float = 12,
    bold: bool = False,
    ink: str = "",
    middle: bool = False,
    end: bool = False,
) -> str:
    more = f' font-size="{size:.0f}"' if size != 12 else ""
    more += ' font-weight="bold"' if bold else ""
    more += f' fill="{ink}"' if ink else ""
    more += ' text-anchor="middle"' if middle else ' text-anchor="end"' if end else ""
    more += f' class="{css}"' if css else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{more}>{escape(text)}</text>'
