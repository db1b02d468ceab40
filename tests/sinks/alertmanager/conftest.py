"""What several files of tests about sinks need."""

import logging
from collections.abc import Callable

import pytest

from yuptime_exporter.logs import LogfmtFormatter


@pytest.fixture
def quick_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for addresses in every moment instead of every half minute."""
    monkeypatch.setattr(
        "yuptime_exporter.sinks.alertmanager.addresses.RESOLVE_INTERVAL_SECONDS", 0.02
    )
    monkeypatch.setattr("yuptime_exporter.sinks.alertmanager.addresses.RESOLVE_RETRY_SECONDS", 0.02)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return the lines that stand in the log, as an operator reads them."""
    caplog.set_level(logging.DEBUG, "yuptime_exporter")
    return lambda: [LogfmtFormatter().format(record) for record in caplog.records]
