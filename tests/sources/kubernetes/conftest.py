from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.api_server import FakeApiServer, fake_api_server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[FakeApiServer]:
    async with fake_api_server(tmp_path) as server:
        yield server
