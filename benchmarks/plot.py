"""A plot with a logarithmic axis of monitors, as an SVG that reads on light and dark pages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 48, 48
_COLORS = ("#2f81f7", "#d29922", "#3fb950")
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its name; each point has a positive x."""

    name: str
    points: Sequence[tuple[float, float]]


def plot(lines: Sequence[Line], *, title: str, x_label: str) -> str:
    """Return an SVG of the lines; the axis of y begins at 0."""
    powers = [math.log10(x) for line in lines for x, _ in line.points]
    top = _round_up(max(y for line in lines for _, y in line.points))
    low, high = min(powers), max(*powers, min(powers) + 1)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - low) / (high - low)
        return (
            _LEFT + across * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - y / top * (_HEIGHT - _TOP - _BOTTOM),
        )

    parts = [_text(_LEFT, 20, title, anchor="start", size=14)]
    for tick in range(_TICKS + 1):
        value = top * tick / _TICKS
        x, y = place(10**low, value)
        parts.append(
            f'<path d="M{x:.1f} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#8b949e" opacity=".3"/>'
        )
        parts.append(_text(x - 6, y + 4, f"{value:g}", anchor="end"))
    for power in range(math.ceil(low), math.floor(high) + 1):
        x, y = place(10**power, 0)
        parts.append(_text(x, y + 18, f"{10**power:,}"))
    parts.append(_text(_WIDTH / 2, _HEIGHT - 10, x_label))
    for number, line in enumerate(lines):
        color = _COLORS[number % len(_COLORS)]
        points = [place(x, y) for x, y in line.points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
        parts.append(_text(_LEFT + 150 * number, 38, line.name, anchor="start", color=color))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" role="img" aria-label="{escape(title)}">\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _text(
    x: float, y: float, text: str, *, anchor: str = "middle", size: int = 12, color: str = "#8b949e"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{color}">{escape(text)}</text>'
    )


def _round_up(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten, so that ticks are round numbers."""
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
