"""The times of cron expressions, in every time zone of the world."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.wall_clock import Wall, changes
from tests.laws import examples
from yuptime_exporter.core.cron_times import NEVER, NICKNAMES, CronTimes
from yuptime_exporter.time_zones import time_zone, time_zone_names

HOUR = 3600

EXPRESSIONS = (
    "* * * * *",
    "*/5 * * * *",
    "30 * * * *",
    "0 2 * * *",
    "30 2 * * *",
    "15,45 0-4 * * *",
    "*/15 1-3 * * *",
    "0 */2 * * *",
    "* 0 * * *",
    "59 23 * * *",
    "0 0 * * sun",
    "0 */3 * * 7",
    "*/7 0 15-31 3,10,11 1",
    "5/20 1-2 */2 * 0-6",
    "*/5 3 * * *",
)

# Changes of a whole hour and of half an hour, at midnight, at a quarter to three, twice a year around Ramadan, and none.
TELLING_ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Africa/Cairo",
    "America/Havana",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Beirut",
    "America/St_Johns",
    "Asia/Kathmandu",
    "UTC",
)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def after(expression: str, zone: str, moment: str) -> str:
    """The next time, as the clock on the wall shows it."""
    found = CronTimes(expression, time_zone(zone)).after(seconds(moment))
    return datetime.fromtimestamp(found, ZoneInfo(zone)).isoformat(timespec="minutes")


def compare(zone: str, expression: str, middle: int) -> int:
    """Compare both implementations around a moment; return the number of comparisons."""
    start, end = middle - 5 * HOUR, middle + 5 * HOUR
    expected = Wall(expression).between(start, end, time_zone(zone))
    times = CronTimes(expression, time_zone(zone))
    asked = [*range(start, end, 1777), *range(middle - 61, middle + 61, 20), middle]
    for moment in asked:
        place = bisect_right(expected, moment)
        if place < len(expected):
            assert times.after(moment) == expected[place], (zone, expression, moment - middle)
        else:
            assert times.after(moment) >= end, (zone, expression, moment - middle)
    return len(asked)


@pytest.mark.parametrize("zone", TELLING_ZONES)
def test_each_time_is_when_the_clock_on_the_wall_shows_it_around_each_change(zone: str) -> None:
    moments = changes(time_zone(zone), 2026, 2027)[:4] or [1_790_000_040]

    assert sum(compare(zone, one, moment) for moment in moments for one in EXPRESSIONS) > 300


def around(zone: str, moment: int) -> tuple[int, timedelta | None, timedelta | None]:
    """A moment, and how far the clocks of a zone are ahead of UTC before and after that moment."""
    clock = time_zone(zone)
    before, after = (
        datetime.fromtimestamp(moment + hours * HOUR, clock).utcoffset() for hours in (-6, 6)
    )
    return moment, before, after


@pytest.mark.peer
def test_each_time_is_right_around_each_change_in_all_zones_of_the_database() -> None:
    zones = sorted(time_zone_names())
    # Most zones share their changes with others; a comparison for each of those would find nothing new.
    telling = {
        around(zone, moment): zone
        for zone in zones
        for moment in changes(time_zone(zone), 2025, 2027) or [1_790_000_040]
    }

    for (moment, *_), zone in telling.items():
        assert all(compare(zone, one, moment) for one in EXPRESSIONS)
    assert len(zones) > 590
    assert len(telling) > 150


fields = st.tuples(
    st.sampled_from(["*", "*/5", "0", "30", "1-5", "7,59", "*/7"]),
    st.sampled_from(["*", "*/6", "2", "23", "0-3", "9-17"]),
    st.sampled_from(["*", "1", "L", "LW", "28-31", "*/9"]),
    st.sampled_from(["*", "2", "3,10", "*/5"]),
    st.sampled_from(["*", "1-5", "sun", "7", "5L", "2#3"]),
)
moments = st.integers(1_600_000_000, 2_500_000_000)


@given(fields, st.sampled_from(TELLING_ZONES), moments)
@settings(max_examples=examples(300))
def test_no_time_lies_between_a_moment_and_the_time_after_it(
    parts: tuple[str, ...], zone: str, moment: int
) -> None:
    times = CronTimes(" ".join(parts), time_zone(zone))
    found = times.after(moment)

    assert found > moment
    if found != NEVER:
        # Each later moment before the time leads to the same time.
        for between in (moment + 1, (moment + found) // 2, found - 60.5, found - 1, found - 0.001):
            if moment <= between < found:
                assert times.after(between) == found


@given(fields, moments)
@settings(max_examples=examples(200))
def test_in_utc_each_time_is_that_of_the_library(parts: tuple[str, ...], moment: int) -> None:
    expression = " ".join(parts)
    expected = next(CronSim(expression, datetime.fromtimestamp(moment, UTC)), None)

    found = CronTimes(expression, UTC).after(moment)

    assert found == (expected.timestamp() if expected else NEVER)


def test_a_job_at_a_time_that_is_skipped_in_spring_runs_once_after_the_gap() -> None:
    berlin = ("30 2 * * *", "Europe/Berlin")

    assert after(*berlin, "2027-03-27T12:00Z") == "2027-03-28T03:00+02:00"
    assert after(*berlin, "2027-03-28T01:00Z") == "2027-03-29T02:30+02:00"


def test_a_job_at_a_time_that_comes_twice_in_autumn_runs_the_first_time_only() -> None:
    berlin = ("30 2 * * *", "Europe/Berlin")

    assert after(*berlin, "2026-10-24T12:00Z") == "2026-10-25T02:30+02:00"
    assert after(*berlin, "2026-10-25T00:30Z") == "2026-10-26T02:30+01:00"


def test_a_job_of_each_hour_runs_in_both_of_the_repeated_hours() -> None:
    berlin = ("30 * * * *", "Europe/Berlin")

    assert after(*berlin, "2026-10-25T00:00Z") == "2026-10-25T02:30+02:00"
    assert after(*berlin, "2026-10-25T00:30Z") == "2026-10-25T02:30+01:00"


def test_days_of_the_month_and_of_the_week_are_alternatives_unless_either_begins_with_a_star() -> (
    None
):
    assert after("0 0 13 * 5", "UTC", "2026-11-01T00:00Z") == "2026-11-06T00:00+00:00"
    assert after("0 0 */13 * 5", "UTC", "2026-11-01T00:00Z") == "2026-11-27T00:00+00:00"


@pytest.mark.parametrize(("nickname", "expression"), NICKNAMES.items())
def test_a_nickname_has_the_times_of_its_expression(nickname: str, expression: str) -> None:
    moment = seconds("2026-11-26T08:00Z")

    assert CronTimes(nickname, UTC).after(moment) == CronTimes(expression, UTC).after(moment)


def test_a_question_mark_means_every_day_as_in_kubernetes() -> None:
    moment = seconds("2026-11-26T08:00Z")

    assert CronTimes("0 2 ? * ?", UTC).after(moment) == CronTimes("0 2 * * *", UTC).after(moment)


def test_an_expression_that_never_comes_again_has_no_next_time() -> None:
    assert CronTimes("* * */20 * 1L", UTC).after(0) == NEVER
    assert CronTimes("0 0 1 1 *", UTC).after(seconds("9999-06-01T00:00Z")) == NEVER
    assert CronTimes("* * * * *", UTC).after(NEVER) == NEVER


def test_the_rarest_expression_comes_after_forty_years() -> None:
    times = CronTimes("0 0 * 2 mon#5", UTC)

    assert times.after(seconds("2073-01-01T00:00Z")) == seconds("2112-02-29T00:00Z")


@pytest.mark.parametrize("expression", ["60 * * * *", "* * * *", "0 0 30 2 *", "", "@reboot"])
def test_a_malformed_expression_is_an_error(expression: str) -> None:
    with pytest.raises(ValueError, match=r"Bad|fields"):
        CronTimes(expression, UTC)
