"""The texts of an alert: who is down, why, since what, and what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import DOWN, UP, judged, push, pushed, row
from tests.core.examples import START as START_OF_RUN
from yuptime_exporter.core.alerting import RUNBOOK_URL, AlertSettings, alert_of
from yuptime_exporter.core.messages import SHOWN_CHARS
from yuptime_exporter.core.model import Row
from yuptime_exporter.sinks.alertmanager.annotations import annotations, duration

START = 1_700_000_000.0
DAY = 86_400


def texts(declared: Row, *, at: float, settings: AlertSettings | None = None) -> dict[str, str]:
    alert = alert_of(declared, judged(declared, at=at), settings or AlertSettings())
    assert alert is not None
    return annotations(alert, page_base_url=None)


def test_a_job_that_reported_down_is_named_with_its_message() -> None:
    told = texts(row(push(DOWN, at=START, message="disk full")), at=START)

    assert told == {
        "summary": "prod/backup reported down",
        "description": (
            "Last success: never. Deadline: 2023-11-14 22:19:20 UTC. "
            "Read the log of the job, correct the cause, and run the job again."
        ),
        "message": "disk full",
        "runbook_url": RUNBOOK_URL,
    }


def test_a_silent_job_is_named_with_the_length_of_its_silence_and_its_last_success() -> None:
    told = texts(row(push(UP, at=START, message="all is well")), at=START + DAY)

    assert told == {
        "summary": "prod/backup has not reported for more than 6m",
        "description": (
            "Last success: 2023-11-14 22:13:20 UTC. Deadline: 2023-11-14 22:19:20 UTC. "
            "Check that the job ran and that its push was accepted."
        ),
        "runbook_url": RUNBOOK_URL,
    }


def test_the_message_of_a_success_is_in_no_text_after_silence() -> None:
    told = texts(row(push(UP, at=START, message="all is well")), at=START + DAY)

    assert "all is well" not in str(told)


def test_a_job_that_never_reported_is_named_as_such() -> None:
    told = texts(row(armed=START), at=START + 360)

    assert told["summary"] == "prod/backup has never reported"
    assert told["description"] == (
        "Last success: never. Deadline: 2023-11-14 22:19:20 UTC. "
        "Check that the job ran and that its push was accepted."
    )


def test_a_run_that_hangs_is_told_apart_from_a_job_that_did_not_start() -> None:
    begun = pushed(row(push(UP, at=START)), START_OF_RUN, at=START + 100)

    told = texts(row(begun, max_runtime_seconds=7200), at=START + 7300)

    assert told["summary"] == "prod/backup has been running for more than 2h"
    assert told["description"] == (
        "Last success: 2023-11-14 22:13:20 UTC. Deadline: 2023-11-15 00:15:00 UTC. "
        "Check whether the run hangs, or ended without a push."
    )


@given(st.floats(0, 100 * DAY))
def test_the_texts_of_an_alert_stay_the_same_while_it_fires(later: float) -> None:
    silent = row(push(UP, at=START))

    assert texts(silent, at=START + 360 + later) == texts(silent, at=START + 360)


def test_the_team_s_own_text_and_runbook_come_first() -> None:
    declared = row(
        push(DOWN, at=START),
        alert_description="Call the database team.",
        alert_runbook_url="https://wiki.example.com/backup#restore",
    )

    told = texts(declared, at=START)

    assert told["description"].startswith("Call the database team. Last success: never.")
    assert told["runbook_url"] == "https://wiki.example.com/backup#restore"


def test_the_runbook_of_the_configuration_replaces_that_of_the_project() -> None:
    settings = AlertSettings(runbook_url="https://wiki.example.com/jobs")

    told = texts(row(push(DOWN, at=START)), at=START, settings=settings)

    assert told["runbook_url"] == "https://wiki.example.com/jobs"


def test_a_long_message_keeps_its_beginning_and_more_of_its_end() -> None:
    message = "begin " + "x" * 5000 + " FATAL: disk full"

    told = texts(row(push(DOWN, at=START, message=message)), at=START)["message"]

    assert told.startswith("begin ")
    assert told.endswith("FATAL: disk full")
    assert len(told) == SHOWN_CHARS


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "0s"),
        (59, "59s"),
        (60, "1m"),
        (61.9, "1m 1s"),
        (3600, "1h"),
        (3660, "1h 1m"),
        (93_600, "1d 2h"),
        (DAY, "1d"),
        (DAY + 1, "1d 0h 0m 1s"),
    ],
)
def test_a_length_of_time_is_written_without_zeros_at_its_end(seconds: float, text: str) -> None:
    assert duration(seconds) == text
