from pathlib import Path

import pytest

from tests.exporters import Home, StandingClock


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()
