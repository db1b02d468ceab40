"""Fixtures for the tests of pages."""

import pytest

from tests.exporters import StandingClock


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()
