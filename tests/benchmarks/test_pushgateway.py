import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.tables import TABLE_FILE_VARIABLE
from tests.peers.programs import Generation, require

CHECKOUT = Path(__file__).parents[2]

SMALL = ("--rounds=1", "--seconds=1", "--few=10", "--many=20", "--most=30")
SERVERS = {"exporter", "Debian's Pushgateway", "newest Pushgateway"}


@pytest.mark.peer
def test_the_comparison_has_a_figure_of_every_server_for_every_work(tmp_path: Path) -> None:
    for generation in Generation:
        require("pushgateway", generation)
    require("wrk", Generation.DEBIAN)

    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.pushgateway", *SMALL],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, TABLE_FILE_VARIABLE: str(tmp_path / "table.json")},
    )

    assert ended.returncode == 0, ended.stderr
    servers: dict[tuple[str, str], set[str]] = {}
    for monitors, work, server, figure, *_ in json.loads((tmp_path / "table.json").read_text())[
        "rows"
    ]:
        if figure is not None:
            assert figure > 0, (work, server)
            servers.setdefault((monitors, work), set()).add(server.partition(",")[0])
    start = servers.pop(("30", "start to ready s"))
    assert start == {"exporter"}
    assert len(servers) >= 18
    assert all(found == SERVERS for found in servers.values()), servers
