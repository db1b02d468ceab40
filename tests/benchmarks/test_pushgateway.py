from pathlib import Path

import pytest

from tests.benchmarks.running import measured_rows
from tests.peers.programs import Generation, require

SMALL = ("--rounds=1", "--seconds=1", "--few=10", "--many=20", "--most=30")
SERVERS = {"exporter", "Debian's Pushgateway", "newest Pushgateway"}


@pytest.mark.peer
def test_the_comparison_has_a_figure_of_every_server_for_every_work(tmp_path: Path) -> None:
    for generation in Generation:
        require("pushgateway", generation)
    require("wrk", Generation.DEBIAN)

    servers: dict[tuple[str, str], set[str]] = {}
    for monitors, work, server, figure, *_ in measured_rows("pushgateway", *SMALL, folder=tmp_path):
        if figure is not None:
            assert figure > 0, (work, server)
            servers.setdefault((monitors, work), set()).add(server.partition(",")[0])
    start = servers.pop(("30", "start to ready s"))
    assert start == {"exporter"}
    assert len(servers) >= 18
    assert all(found == SERVERS for found in servers.values()), servers
