"""Run a benchmark as its own program, and read its table."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.tables import TABLE_FILE_VARIABLE

CHECKOUT = Path(__file__).parents[2]


def measured_rows(benchmark: str, *arguments: str, folder: Path) -> list[list[Any]]:
    """Return the rows of the table of a benchmark, which has to succeed."""
    table = folder / "table.json"
    ended = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{benchmark}", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, TABLE_FILE_VARIABLE: str(table)},
    )
    assert ended.returncode == 0, ended.stderr
    rows: list[list[Any]] = json.loads(table.read_text())["rows"]
    return rows
