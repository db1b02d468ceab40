"""One benchmark for two checkouts, by turns: medians of both, and the ratio of the medians.

    git worktree add ../before main
    python -m benchmarks.compare push --before ../before --rounds 5 -- --alone --monitors 1000

Each round runs the benchmark of this checkout once against the exporter of each checkout, and the
order changes from round to round. Other load on the machine therefore affects both alike. Arguments
after `--` are those of the benchmark.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables import (
    CHECKOUT_VARIABLE,
    TABLE_FILE_VARIABLE,
    Row,
    median,
    print_table,
    ratio,
)

HERE = Path(__file__).parents[1]
BENCHMARKS = ("alerts", "kubernetes", "push", "reload", "restart", "scrape")
HEADERS = ("case", "figure", "before", "after", "after/before", "spread of before")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a benchmark's table.

    Attributes:
        case: the names in its row, such as the number of monitors.
        header: of its column, with the unit.
    """

    case: str
    header: str


Figures = dict[Figure, float]


def figures_of(headers: Sequence[str], rows: Sequence[Row]) -> Figures:
    """Return the figures of a table; names tell rows apart, and empty cells are left out."""
    return {
        Figure(", ".join(cell for cell in row if isinstance(cell, str)), header): cell
        for row in rows
        for header, cell in zip(headers, row, strict=True)
        if not isinstance(cell, str) and cell is not None
    }


def compared(before: Sequence[Figures], after: Sequence[Figures]) -> Iterator[Row]:
    """Yield a row for each figure.

    Args:
        before: the figures of each round with the other checkout.
        after: the figures of each round with this checkout.

    Yields:
        The names, the median of both sides, their ratio, and the spread of `before`: the distance
        between its largest and smallest value in percent of its median. A difference below the
        spread is noise.
    """
    for figure in before[0]:
        sides = [[found[figure] for found in side if figure in found] for side in (before, after)]
        old, new = (median(values) for values in sides)
        spread = f"{100 * (max(sides[0]) - min(sides[0])) / old:.0f} %" if old else None
        yield figure.case, figure.header, old, new, ratio(new, old), spread


def run(benchmark: str, checkout: Path, arguments: Sequence[str], table: Path) -> Figures:
    """Run a benchmark against the exporter of a checkout, and return its figures.

    Raises:
        CalledProcessError: the benchmark failed; its message is on stderr.
    """
    subprocess.run(
        [sys.executable, "-m", f"benchmarks.{benchmark}", *arguments],
        cwd=HERE,
        env={**os.environ, CHECKOUT_VARIABLE: str(checkout), TABLE_FILE_VARIABLE: str(table)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    found = json.loads(table.read_text())
    return figures_of(found["headers"], found["rows"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        usage="%(prog)s BENCHMARK --before CHECKOUT [--rounds N] [-- ARGUMENTS]",
    )
    parser.add_argument("benchmark", choices=BENCHMARKS)
    parser.add_argument("--before", type=Path, required=True, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=3)
    own, arguments = _split(sys.argv[1:])
    options = parser.parse_args(own)
    before = options.before.resolve()
    if not (before / "yuptime_exporter" / "__init__.py").is_file():
        parser.error(
            f"--before: expected a checkout with yuptime_exporter/__init__.py, got {before}"
        )
    sides: list[tuple[Path, list[Figures]]] = [(before, []), (HERE, [])]
    with tempfile.TemporaryDirectory(prefix="yuptime-benchmark-") as folder:
        table = Path(folder) / "table.json"
        for number in range(options.rounds):
            for checkout, figures in sides if number % 2 == 0 else reversed(sides):
                figures.append(run(options.benchmark, checkout, arguments, table))
    print_table("compare", HEADERS, compared(*(figures for _, figures in sides)))


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the arguments before and after `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:end], arguments[end + 1 :]


if __name__ == "__main__":
    main()
