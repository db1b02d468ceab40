import logging

import pytest

from yuptime_exporter.failure_log import FailureLog


@pytest.fixture
def failures(caplog: pytest.LogCaptureFixture) -> FailureLog:
    caplog.set_level(logging.INFO)
    return FailureLog(
        logging.getLogger("room"), "the disk fails", "the disk works again", level=logging.ERROR
    )


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(one.levelname, one.message) for one in caplog.records]


def test_a_failure_is_logged_when_it_begins_and_when_it_is_over(
    failures: FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    failures.recovered()
    for _ in range(3):
        failures.failed(OSError("full"), disk="sda")
    failing = failures.failing
    failures.recovered(disk="sda")
    failures.recovered()

    assert failing
    assert not failures.failing
    assert lines(caplog) == [("ERROR", "the disk fails"), ("INFO", "the disk works again")]
    assert caplog.records[0].__dict__["err"] == "full"
    assert [one.__dict__["disk"] for one in caplog.records] == ["sda", "sda"]


def test_a_failure_of_another_kind_is_logged_too(
    failures: FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    for kind in ("full", "full", "gone", "full"):
        failures.failed(kind, kind=kind)

    assert [one.__dict__["err"] for one in caplog.records] == ["full", "gone", "full"]


def test_a_failure_that_comes_back_is_logged_again(
    failures: FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        failures.failed("full")
        failures.recovered()

    assert len(lines(caplog)) == 4


def test_the_line_names_the_place_that_met_the_failure(
    failures: FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    failures.failed("full")
    failures.recovered()

    assert {one.filename for one in caplog.records} == {"test_failure_log.py"}


def test_without_a_text_for_it_the_end_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    failures = FailureLog(logging.getLogger("room"), "Events are not written")
    failures.failed("403")
    failures.recovered()

    assert lines(caplog) == [("WARNING", "Events are not written")]
