"""The benchmark of what is left to gain."""

from pathlib import Path

import pytest

from tests.benchmarks.running import measured_rows
from tests.peers.programs import Generation, require


@pytest.mark.peer
def test_the_floor_has_figures_of_the_exporter_and_of_every_bare_receiver(tmp_path: Path) -> None:
    require("pushgateway", Generation.DEBIAN)
    require("wrk", Generation.DEBIAN)

    rows = measured_rows("floor", "--rounds=1", "--seconds=1", "--monitors=20", folder=tmp_path)

    servers = {server for _, server, *figures in rows if all(figure > 0 for figure in figures)}
    assert servers == {
        "exporter",
        "bare receiver: store",
        "bare receiver: remember",
        "bare receiver: answer",
        "pushgateway, no check",
    }
