"""The benchmark of what senders add to a push."""

from pathlib import Path

import pytest

from benchmarks.senders import SENDERS
from tests.benchmarks.running import measured_rows
from tests.peers.programs import Generation, require
from yuptime_exporter.web.servers.plain import plain_request


@pytest.mark.parametrize("sender", SENDERS)
def test_the_fast_way_reads_what_each_sender_sends(sender: str) -> None:
    (request,) = SENDERS[sender](1)

    assert plain_request(request) is not None


@pytest.mark.peer
def test_senders_have_figures_of_both_ways(tmp_path: Path) -> None:
    require("wrk", Generation.DEBIAN)

    rows = measured_rows("senders", "--rounds=1", "--seconds=1", "--monitors=20", folder=tmp_path)

    senders = {sender for sender, *figures in rows if all(figure > 0 for figure in figures)}
    assert senders == set(SENDERS)
