"""One line for many events."""

import asyncio
import logging

import pytest

from tests.waiting import eventually
from yuptime_exporter.concurrency.repeated_line import RepeatedLine

log = logging.getLogger("repeated")


def counts(caplog: pytest.LogCaptureFixture) -> list[int]:
    return [record.__dict__["count"] for record in caplog.records]


async def test_the_first_event_is_logged_at_once_and_those_after_it_together(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = RepeatedLine(log, "it happened", level=logging.WARNING, period_seconds=0.01)
    for number in range(1000):
        line.happened(number=number)
    at_once = counts(caplog)

    async def written() -> list[int]:
        return counts(caplog)

    assert at_once == [1]
    assert await eventually(written, lambda found: len(found) == 2) == [1, 999]
    assert caplog.records[-1].__dict__["number"] == 999
    assert caplog.records[0].filename == "test_repeated_line.py"


async def test_an_event_after_a_quiet_period_is_logged_at_once_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = RepeatedLine(log, "it happened", level=logging.WARNING, period_seconds=0.001)
    line.happened()
    await asyncio.sleep(0.02)
    line.happened()

    assert counts(caplog) == [1, 1]
