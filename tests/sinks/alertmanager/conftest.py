"""Fixtures of tests about sinks."""

import logging
from collections.abc import Callable

import pytest

from yuptime_exporter.logs import LogfmtFormatter


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return the lines of the log, as an operator reads them."""
    caplog.set_level(logging.DEBUG, "yuptime_exporter")
    return lambda: [LogfmtFormatter().format(record) for record in caplog.records]
