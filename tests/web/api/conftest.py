"""Fixtures for the tests of JSON and events."""

import pytest

from tests.exporters import StandingClock


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()
