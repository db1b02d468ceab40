"""Schedules of Monitors in a real API server, which cannot see every mistake in them."""

from typing import Any

import pytest

from tests.exporters import series
from tests.scenarios.kubernetes.stage import Running, Stage
from tests.waiting import eventually

pytestmark = pytest.mark.peer

GOOD = {"cron": "30 2 * * 1-5", "timeZone": "Europe/Berlin"}
INVALID = "yuptime_monitors_invalid"


async def exposed_schedule(exporter: Running) -> str:
    """Return the labels of the schedule, as they are scraped."""
    (found,) = (name for name in await exporter.samples() if "_schedule_info{" in name)
    return found


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        (
            {"cron": "0 25 * * *"},
            (
                "spec.schedule.cron: expected an hour from 0 to 23, *, a range such as 1-5, a list such "
                'as 1,5, or a step such as */5, got "25" at character 3'
            ),
        ),
        (
            {"cron": "0 0 31 2 *"},
            (
                "spec.schedule.cron: expected a day that comes within 50 years, got day of month "
                '"31" in month "2" on day of week "*"'
            ),
        ),
        (
            {"timeZone": "Europe/Brlin"},
            (
                "spec.schedule.timeZone: expected the name of a time zone such as Europe/Berlin or UTC, "
                'got "Europe/Brlin"; did you mean Europe/Berlin?'
            ),
        ),
    ],
    ids=["an hour that does not exist", "a day that never comes", "a misspelt zone"],
)
async def test_a_bad_schedule_is_reported_and_the_last_good_one_stays(
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    schedule: dict[str, Any],
    problem: str,
) -> None:
    await stage.declare()
    await stage.patch("backup", {"spec": {"schedule": GOOD}})
    async with stage.exporter() as exporter:
        await stage.condition("Valid", "True", "SpecValid")
        await exporter.accepted()
        due = series("due_timestamp_seconds", namespace=stage.namespace)
        before = await exporter.samples(), await exposed_schedule(exporter)

        await stage.patch("backup", {"spec": {"schedule": schedule}})
        condition = await stage.condition("Valid", "False", "SpecInvalid")
        await exporter.reads(INVALID, lambda count: count == 1)

        assert condition["message"].startswith(problem)
        assert any(problem in str(vars(record)) for record in caplog.records)
        assert await exposed_schedule(exporter) == before[1]
        assert (await exporter.samples())[due] == before[0][due]
        assert (await exporter.push()).status == 200

        await stage.patch("backup", {"spec": {"schedule": {"cron": "@daily", "timeZone": "UTC"}}})
        await stage.condition("Valid", "True", "SpecValid")
        await eventually(lambda: exposed_schedule(exporter), lambda found: "@daily" in found)
        assert (await exporter.samples())[INVALID] == 0


async def test_a_schedule_that_is_bad_from_the_first_is_reported_and_no_push_is_accepted(
    stage: Stage,
) -> None:
    await stage.declare("other")
    await stage.declare()
    await stage.patch("backup", {"spec": {"schedule": {"cron": "0 25 * * *"}}})
    async with stage.exporter() as exporter:
        await stage.condition("Valid", "False", "SpecInvalid")

        assert (await exporter.samples())[INVALID] == 1
        assert await exporter.known() == {"other"}
        assert (await exporter.push()).status == 401
