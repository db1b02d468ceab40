"""When the next push is due."""

from datetime import UTC, datetime, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.cron_times import NEVER, CronTimes
from yuptime_exporter.core.schedules import EARLY_SECONDS, Cron, Every
from yuptime_exporter.time_zones import time_zone

moments = st.floats(0, 4e9)
periods = st.integers(1, 315_360_000)

EXPRESSIONS = (
    "* * * * *",
    "*/2 * * * *",
    "*/5 * * * *",
    "30 2 * * *",
    "0,1,30 0-3 * * 1-5",
    "@hourly",
)
expressions = st.sampled_from(EXPRESSIONS)
zones = st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca"])
bases = st.floats(1.7e9, 2.1e9)
waits = st.floats(0, 200_000)


def cron(expression: str, zone: str = "UTC", rules: tzinfo | None = None) -> Cron:
    return Cron(expression, zone, CronTimes(expression, rules or time_zone(zone)))


def at(text: str) -> float:
    return datetime.fromisoformat(f"2026-11-26T{text}").replace(tzinfo=UTC).timestamp()


class TestEvery:
    @given(periods, moments)
    def test_the_next_push_of_an_interval_is_due_that_long_after_the_base(
        self, seconds: int, base: float
    ) -> None:
        assert Every(seconds).due_after_push(base) == base + seconds
        assert Every(seconds).due_after_arming(base) == base + seconds

    @given(periods, moments)
    def test_the_gap_until_the_next_push_is_not_rounded(self, seconds: int, base: float) -> None:
        assert Every(seconds).gap_seconds(base, base + seconds) == seconds

    def test_an_interval_says_in_words_when_pushes_are_due(self) -> None:
        assert str(Every(300)) == "every 300 s"


class TestEarlyPushes:
    @pytest.mark.parametrize(
        ("pushed", "due"),
        [
            ("01:58:59", "02:00:00"),
            ("01:59:00", "03:00:00"),
            ("01:59:58", "03:00:00"),
            ("02:00:00", "03:00:00"),
            ("02:58:59.999", "03:00:00"),
        ],
    )
    def test_a_push_within_a_minute_before_a_scheduled_time_counts_for_it(
        self, pushed: str, due: str
    ) -> None:
        assert cron("0 * * * *").due_after_push(at(pushed)) == at(due)

    @pytest.mark.parametrize(
        ("pushed", "due"), [("02:00:29.9", "02:01:00"), ("02:00:30", "02:02:00")]
    )
    def test_where_times_are_a_minute_apart_a_push_counts_within_half_a_minute(
        self, pushed: str, due: str
    ) -> None:
        assert cron("* * * * *").due_after_push(at(pushed)) == at(due)

    def test_the_first_of_several_minutes_tolerates_a_whole_minute_and_the_others_a_half(
        self,
    ) -> None:
        schedule = cron("0,1 2 * * *")

        assert schedule.due_after_push(at("01:59:00")) == at("02:01:00")
        assert schedule.due_after_push(at("02:00:29")) == at("02:01:00")
        assert schedule.due_after_push(at("02:00:30")) == at("02:00:00") + 86_400

    def test_a_monitor_that_is_armed_shortly_before_a_scheduled_time_awaits_that_time(
        self,
    ) -> None:
        assert cron("0 * * * *").due_after_arming(at("01:59:58")) == at("02:00:00")


class TestCron:
    @given(expressions, zones, bases)
    def test_a_push_counts_for_one_scheduled_time_and_the_next_is_due(
        self, expression: str, zone: str, received: float
    ) -> None:
        schedule = cron(expression, zone)
        due = schedule.due_after_push(received)
        following = schedule.times.after(received)

        assert due in {following, schedule.times.after(following)}
        if due != following:
            assert following - received <= EARLY_SECONDS

    @given(expressions, zones, bases, waits)
    def test_a_later_push_is_never_followed_by_an_earlier_due_time(
        self, expression: str, zone: str, received: float, wait: float
    ) -> None:
        schedule = cron(expression, zone)

        assert schedule.due_after_push(received + wait) >= schedule.due_after_push(received)

    @given(expressions, zones, bases, st.lists(waits, max_size=12))
    def test_the_answer_does_not_depend_on_what_was_asked_before(
        self, expression: str, zone: str, base: float, others: list[float]
    ) -> None:
        asked_before = cron(expression, zone)
        for other in others:
            asked_before.due_after_push(base - 100_000 + other)
            asked_before.due_after_arming(base - 100_000 + other)
        afresh = cron(expression, zone)

        assert asked_before.due_after_push(base) == afresh.due_after_push(base)
        assert asked_before.due_after_arming(base) == afresh.due_after_arming(base)

    @given(expressions, zones, bases, st.floats(-30, 30))
    def test_a_job_that_pushes_at_each_scheduled_time_is_never_late(
        self, expression: str, zone: str, base: float, off_seconds: float
    ) -> None:
        schedule = cron(expression, zone)
        scheduled = schedule.times.after(base)
        for _ in range(8):
            pushed = scheduled + min(off_seconds, 29.9)
            scheduled = schedule.times.after(scheduled)
            # The next push comes at the earliest half a minute before its time, and by then
            # the one before it has made no earlier time due.
            assert schedule.due_after_push(pushed) == scheduled

    def test_a_push_between_two_scheduled_times_asks_the_calendar_only_once(self) -> None:
        counting = CountingZone(time_zone("Europe/Berlin"))
        schedule = cron("0 2 * * *", "Europe/Berlin", counting)
        schedule.due_after_push(at("03:00:00"))
        asked = counting.asked
        for minute in range(60):
            schedule.due_after_push(at(f"04:{minute:02}:00"))

        assert asked > 0
        assert counting.asked == asked

    def test_schedules_with_the_same_text_are_equal_whatever_they_remember(self) -> None:
        one, other = cron("0 2 * * *"), cron("0 2 * * *")
        one.due_after_push(at("04:00:00"))

        assert one == other
        assert hash(one) == hash(other)
        assert one != cron("0 2 * * *", "Europe/Berlin")
        assert one != cron("0 3 * * *")

    def test_the_gap_of_a_schedule_is_the_time_from_the_base_until_the_push_is_due(self) -> None:
        assert cron("0 2 * * *").gap_seconds(at("01:00:00"), at("02:00:00")) == 3600

    def test_a_schedule_that_never_comes_again_is_never_due(self) -> None:
        schedule = cron("* * */20 * 1L")

        assert schedule.due_after_push(at("04:00:00")) == NEVER
        assert schedule.due_after_arming(at("04:00:00")) == NEVER

    def test_a_schedule_says_its_expression_and_its_zone(self) -> None:
        assert str(cron("30 2 * * 1-5", "Europe/Berlin")) == "30 2 * * 1-5 (Europe/Berlin)"


class CountingZone(tzinfo):
    """A time zone that counts how often it is asked."""

    def __init__(self, rules: tzinfo) -> None:
        self.rules = rules
        self.asked = 0

    def utcoffset(self, moment):
        self.asked += 1
        return self.rules.utcoffset(moment and moment.replace(tzinfo=self.rules))

    def tzname(self, _moment):
        return "Europe/Berlin"

    def dst(self, moment):
        return self.rules.dst(moment and moment.replace(tzinfo=self.rules))

    def fromutc(self, moment):
        self.asked += 1
        found = self.rules.fromutc(moment.replace(tzinfo=self.rules))
        return found.replace(tzinfo=self)
