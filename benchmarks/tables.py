"""The output of every benchmark: the machine, one aligned table, the command that printed it."""

import json
import math
import os
import platform
import shlex
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

# compare.py names a file here; the benchmark writes its table to that file too, as JSON.
TABLE_FILE_VARIABLE = "YUPTIME_BENCHMARK_TABLE"

# The checkout of the measured exporter, such as build/compiled; by default this one is measured.
CHECKOUT_VARIABLE = "YUPTIME_BENCHMARK_CHECKOUT"


class Ratio(float):
    """A figure divided by another figure of the same table."""


Cell = str | float | None
"""A name, a figure, or None for a figure that was not measured."""

Row = Sequence[Cell]
"""Cells from left to right."""


def print_table(name: str, headers: Sequence[str], rows: Iterable[Row]) -> None:
    """Print the table of a benchmark.

    Args:
        name: of the benchmark's module.
        headers: one for each column.
        rows: each with as many cells as there are headers.
    """
    rows = list(rows)
    cells = [list(headers), *([_text(value) for value in row] for row in rows)]
    if file := os.environ.get(TABLE_FILE_VARIABLE):
        figures = [[None if isinstance(cell, Ratio) else cell for cell in row] for row in rows]
        table = {"headers": list(headers), "rows": figures, "cells": cells, "machine": machine()}
        Path(file).write_text(json.dumps(table))
    widths = [max(len(line[column]) for line in cells) for column in range(len(headers))]
    print(f"$ {shlex.join(['python', '-m', f'benchmarks.{name}', *sys.argv[1:]])}")
    print(f"# {machine()}")
    for line in cells:
        padded = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(padded).rstrip())


def machine() -> str:
    """Return a description of the measured program and this machine in one line."""
    checkout = os.environ.get(CHECKOUT_VARIABLE) or Path(__file__).parents[1]
    is_compiled = any(Path(checkout, "yuptime_exporter").rglob("*.so"))
    return (
        f"{'compiled' if is_compiled else 'plain Python'}, {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}, "
        f"database in {tempfile.gettempdir()}"
    )


def median(values: Sequence[float]) -> float:
    """Return the median; NaN without values."""
    return statistics.median(values) if values else float("nan")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of all values does not exceed; NaN without values.

    Args:
        values: in any order.
        share: between 0 and 1, such as 0.99 for the 99th percentile.
    """
    if not values:
        return float("nan")
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def ratio(figure: float, reference: float) -> Ratio | None:
    """Return the figure divided by the reference; None if the reference is 0."""
    return Ratio(figure / reference) if reference else None


def _text(value: Cell) -> str:
    """Return a cell with three digits; more digits would be noise."""
    if isinstance(value, str):
        return value
    if value is None or math.isnan(value):
        return "-"
    if isinstance(value, Ratio):
        return f"{value:.3g}x"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
