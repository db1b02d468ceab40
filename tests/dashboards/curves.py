"""Values over time in a picture of a dashboard."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from tests.dashboards.asking import END, Json
from tests.dashboards.script import HOUR
from tests.dashboards.strokes import FAINT, Box, hours, legend_of, share_of_day, text_at, value_text

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C", "#000000")


@dataclass(frozen=True, slots=True)
class Curve:
    """A drawn series: an area from `below` to `points`, or without `below` a line."""

    name: str
    colour: str
    points: Mapping[int, float]
    below: Mapping[int, float] | None
    dash: Sequence[int]
    bars: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """The vertical position of a value."""

    box: Box
    low: float
    high: float

    def height_of(self, value: float) -> float:
        _, top, _, height = self.box
        return top + height * (1 - (value - self.low) / ((self.high - self.low) or 1))

    def place(self, moment: int, value: float) -> str:
        return f"{self.box[0] + self.box[2] * share_of_day(moment):.0f} {self.height_of(value):.0f}"


def lines(panel: Json, results: Mapping[str, list[Json]], box: Box) -> Iterator[str]:
    left, top, width, height = box
    defaults = panel["fieldConfig"]["defaults"]
    curves = _curves(panel, results)
    values = [value for curve in curves for value in curve.points.values()] or [0.0]
    low, high = min(0.0, *values), max(0.0, *values)
    plot = Plot((left + 62, top + 2, width - 66, height - 44), low, high if high > low else low + 1)
    for value in (low, (low + plot.high) / 2, plot.high):
        yield _across(plot, value, FAINT)
        text = value_text(value, defaults["unit"])
        yield text_at(plot.box[0] - 6, plot.height_of(value) + 4, text, size=10, end=True)
    legend = left
    for curve in curves:
        yield _drawn(curve, plot)
        if legend + 7 * len(curve.name) < left + width:
            y = top + height - 8
            yield f'<rect x="{legend:.0f}" y="{y}" width="10" height="4" fill="{curve.colour}"/>'
            yield text_at(legend + 14, top + height - 2, curve.name, size=10)
        legend += 24 + 6.3 * len(curve.name)
    if defaults["custom"]["thresholdsStyle"]["mode"] != "off":
        for step in defaults["thresholds"]["steps"][1:]:
            if low <= step["value"] <= plot.high:
                yield _across(plot, step["value"], step["color"])
    yield from hours((*plot.box[:3], plot.box[3] + 2))


def _curves(panel: Json, results: Mapping[str, list[Json]]) -> list[Curve]:
    custom = panel["fieldConfig"]["defaults"]["custom"]
    overrides = {
        one["matcher"]["options"]: {item["id"]: item["value"] for item in one["properties"]}
        for one in panel["fieldConfig"]["overrides"]
    }
    named = [
        (legend_of(query, one), {int(moment): float(value) for moment, value in one["values"]})
        for query in panel["targets"]
        for one in results[query["refId"]]
    ]
    stacked = custom["stacking"]["mode"] == "normal"
    moments = sorted({moment for _, points in named for moment in points})
    below = dict.fromkeys(moments, 0.0)
    found = []
    for number, (name, points) in enumerate(sorted(named) if stacked else named):
        settings = overrides.get(name, {})
        above = {moment: below[moment] + points.get(moment, 0.0) for moment in moments}
        found.append(
            Curve(
                settings.get("displayName", name),
                settings.get("color", {}).get("fixedColor", PALETTE[number % len(PALETTE)]),
                above if stacked else {m: value for m, value in points.items() if isfinite(value)},
                below if stacked else None,
                settings.get("custom.lineStyle", {}).get("dash", ()),
                custom["drawStyle"] == "bars",
            )
        )
        below = above
    return found


def _drawn(curve: Curve, plot: Plot) -> str:
    points = curve.points
    if curve.bars:
        path = "".join(
            f"M{plot.place(moment, plot.low)}L{plot.place(moment, value)}"
            for moment, value in points.items()
            if value > plot.low
        )
        return f'<path d="{path}" stroke="{curve.colour}" stroke-width="2" fill="none"/>'
    if curve.below is not None:
        moments = _turns(points, curve.below)
        upper = "L".join(plot.place(moment, points[moment]) for moment in moments)
        lower = "L".join(plot.place(moment, curve.below[moment]) for moment in reversed(moments))
        return f'<path d="M{upper}L{lower}Z" fill="{curve.colour}"/>'
    path, last = "", 0
    present = list(points)
    kept = set(_turns(points))
    for moment in present:
        gap = moment - last > HOUR / 20  # longer than a step: a gap without samples
        if gap:
            path += f"M{plot.place(moment, points[moment])}h.1"
        elif moment in kept:
            path += f"L{plot.place(moment, points[moment])}"
        last = moment
    dash = ",".join(map(str, curve.dash))
    return f'<path d="{path}" stroke="{curve.colour}" stroke-width="1.5" fill="none"' + (
        f' stroke-dasharray="{dash}"/>' if dash else ' stroke-linecap="round"/>'
    )


def _turns(*curves: Mapping[int, float]) -> list[int]:
    """The moments at which any of the curves turns, and the first and the last ones of a piece."""
    moments = list(curves[0])
    return [
        moment
        for before, moment, after in zip(
            [-HOUR, *moments], moments, [*moments[1:], END + HOUR], strict=False
        )
        if max(moment - before, after - moment) > HOUR / 20
        or any(not curve[before] == curve[moment] == curve[after] for curve in curves)
    ]


def _across(plot: Plot, value: float, colour: str) -> str:
    left, _, width, _ = plot.box
    return (
        f'<path d="M{left:.0f} {plot.height_of(value):.0f}h{width:.0f}" '
        f'stroke="{colour}" fill="none"/>'
    )
