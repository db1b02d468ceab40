"""What every benchmark prints: where it ran, one aligned table, the command that printed it."""

import math
import os
import platform
import shlex
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence

Row = Sequence[str | float | None]
"""Cells from left to right; None where nothing was measured."""


def print_table(name: str, headers: Sequence[str], rows: Iterable[Row]) -> None:
    """Print the table of the benchmark `name`."""
    cells = [list(headers), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(headers))]
    print(f"$ {shlex.join(['python', '-m', f'benchmarks.{name}', *sys.argv[1:]])}")
    print(
        f"# {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"database in {tempfile.gettempdir()}"
    )
    for line in cells:
        padded = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(padded).rstrip())


def median(values: Sequence[float]) -> float:
    """Return the median; NaN of nothing."""
    return statistics.median(values) if values else float("nan")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of all values does not exceed; NaN of nothing."""
    if not values:
        return float("nan")
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def ratio(ours: float, theirs: float) -> str | None:
    """Return how often theirs goes into ours; None if it does not."""
    return f"{ours / theirs:.3g}x" if theirs else None


def _cell(value: str | float | None) -> str:
    """Return a cell with three digits, which is more than a noisy machine can vouch for."""
    if isinstance(value, str):
        return value
    if value is None or math.isnan(value):
        return "-"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
