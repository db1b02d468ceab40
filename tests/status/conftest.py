from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from tests.fakes.api_server import FakeApiServer, fake_api_server
from tests.status.desk import MakeDesk, Objects, make_desk


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[FakeApiServer]:
    async with fake_api_server(tmp_path) as server:
        yield server


@pytest.fixture
def objects(server: FakeApiServer) -> Objects:
    return Objects(server)


@pytest.fixture
async def desk_of(objects: Objects) -> MakeDesk:
    """Make desks, each a replica of its own."""
    return partial(make_desk, objects)
