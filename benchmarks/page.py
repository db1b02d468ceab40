"""Measure everything that docs/performance.md shows, and write its tables and its plot.

A table of the page stands between two comments, the first of which names the benchmark and its
arguments: `<!-- table: sweep --rounds 3 -->` and `<!-- end -->`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.tables import TABLE_FILE_VARIABLE

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

_TABLE = re.compile(r"(<!-- table: (?P<command>[^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    PAGE.write_text(_TABLE.sub(_measured, PAGE.read_text()))


def _measured(found: re.Match[str]) -> str:
    name, *arguments = found["command"].split()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.json"
        subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *arguments],
            check=True,
            env={**os.environ, TABLE_FILE_VARIABLE: str(file)},
            stdout=sys.stderr,
        )
        table = json.loads(file.read_text())
    caption = f"{datetime.now(UTC):%Y-%m-%d}, {table['machine']}:"
    return f"{found[1]}\n{caption}\n\n{markdown(table['cells'])}\n{found[3]}"


def markdown(cells: list[list[str]]) -> str:
    """Return a table of Markdown, with figures at the right."""
    headers, *rows = [[cell.replace("|", r"\|") for cell in row] for row in cells]
    sides = [
        "--:" if _is_figure([row[at] for row in rows]) else "---" for at in range(len(headers))
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in (headers, sides, *rows))


def _is_figure(column: list[str]) -> bool:
    return all(re.fullmatch(r"-?[\d,.e+]*x?%?", cell) or cell == "-" for cell in column)


if __name__ == "__main__":
    main()
