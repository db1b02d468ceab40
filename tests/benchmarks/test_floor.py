"""The benchmark of what is left to gain."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.tables import TABLE_FILE_VARIABLE
from tests.peers.programs import Generation, require

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.peer
def test_the_floor_has_figures_of_the_exporter_and_of_every_bare_receiver(tmp_path: Path) -> None:
    require("pushgateway", Generation.DEBIAN)
    require("wrk", Generation.DEBIAN)

    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.floor", "--rounds=1", "--seconds=1", "--monitors=20"],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, TABLE_FILE_VARIABLE: str(tmp_path / "table.json")},
    )

    assert ended.returncode == 0, ended.stderr
    rows = json.loads((tmp_path / "table.json").read_text())["rows"]
    servers = {server for _, server, *figures in rows if all(figure > 0 for figure in figures)}
    assert servers == {
        "exporter",
        "bare receiver: store",
        "bare receiver: remember",
        "bare receiver: answer",
        "pushgateway, no check",
    }
