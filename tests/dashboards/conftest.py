"""The day runs once, and each generation of Prometheus is queried once."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.asking import Json, everything
from tests.dashboards.backfill import judge, scraped, write
from tests.dashboards.day import Day, scripted_day
from tests.dashboards.script import NAMES
from tests.once import folder_of_run, once
from tests.peers.programs import Generation, require
from tests.peers.running import prometheus

# The whole day stays in the head of the database, which accepts series in any order.
FLAGS = (
    "--web.enable-remote-write-receiver",
    "--storage.tsdb.min-block-duration=31d",
    "--storage.tsdb.max-block-duration=31d",
    "--storage.tsdb.retention.time=100y",
)


async def answered(generation: Generation, folder: Path, day: Day) -> Json:
    """The answers of that Prometheus to all queries after that day."""
    async with prometheus(generation, folder, {}, flags=FLAGS) as peer:
        await write(peer, scraped(day))
        await judge(peer)
        return json.loads(json.dumps(await everything(peer, NAMES)))  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder for all test processes of this run."""
    folder = folder_of_run(tmp_path_factory.getbasetemp(), worker_id) / "dashboards"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def day(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Day:
    return once(
        shared / "day", lambda: asyncio.run(scripted_day(tmp_path_factory.mktemp("exporters")))
    )


@pytest.fixture(scope="session", params=list(Generation))
def answers(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The answers to all queries of all dashboards, in the form of `everything`."""
    generation: Generation = request.param
    require("prometheus", generation)
    lived: Day = request.getfixturevalue("day")
    folder = tmp_path_factory.mktemp(f"prometheus-{generation}")
    return once(shared / generation, lambda: asyncio.run(answered(generation, folder, lived)))
