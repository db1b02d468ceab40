"""The life of a monitor with a cron expression: a job at two o'clock each night, with 30 minutes of grace."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import DOWN, KEY, START, UP, Life, monitor
from yuptime_exporter.core.cron_times import NEVER, CronTimes
from yuptime_exporter.core.evaluation import gap_seconds
from yuptime_exporter.core.model import Monitor, Reason, State
from yuptime_exporter.core.schedules import Cron, Every
from yuptime_exporter.time_zones import time_zone

MINUTE, HOUR, DAY = 60, 3600, 86_400
MIDNIGHT = datetime(2026, 11, 26, tzinfo=UTC).timestamp()
TWO = MIDNIGHT + 2 * HOUR
GRACE = 30 * MINUTE


def nightly(expression: str = "0 2 * * *") -> Monitor:
    schedule = Cron(expression, "UTC", CronTimes(expression, UTC))
    return monitor(schedule=schedule, grace_seconds=GRACE)


def born(at: float = MIDNIGHT, expression: str = "0 2 * * *") -> Life:
    return Life(nightly(expression), at=at)


def test_a_job_that_never_pushes_is_pending_until_the_deadline_of_its_first_time_and_then_down() -> (
    None
):
    life = born()

    assert life.state(at=TWO + GRACE - 1) is State.PENDING
    verdict = life.verdict(at=TWO + GRACE)
    assert (verdict.state, verdict.reason) == (State.DOWN, Reason.NEVER_PUSHED)
    assert verdict.due_timestamp == TWO
    assert verdict.since_timestamp == TWO + GRACE


def test_a_job_on_time_is_up_until_the_next_night_then_late_then_down() -> None:
    life = born()
    life.push(UP, at=TWO + 5 * MINUTE)

    assert life.state(at=TWO + DAY - 1) is State.UP
    assert life.state(at=TWO + DAY) is State.LATE
    assert life.state(at=TWO + DAY + GRACE) is State.DOWN


def test_a_push_two_seconds_early_counts_for_its_time() -> None:
    life = born()
    life.push(UP, at=TWO - 2)

    assert life.state(at=TWO + GRACE) is State.UP
    assert life.verdict(at=TWO).due_timestamp == TWO + DAY


def test_a_run_that_ends_shortly_before_the_next_time_counts_for_the_time_of_its_start() -> None:
    life = born(expression="0 * * * *")
    life.push(START, at=TWO - HOUR + 1)
    life.push(UP, at=TWO - 30)

    assert life.verdict(at=TWO - 30).due_timestamp == TWO


def test_a_run_that_starts_early_counts_for_the_time_that_follows() -> None:
    life = born()
    life.push(START, at=TWO - 50)
    life.push(UP, at=TWO - 10)

    assert life.verdict(at=TWO - 10).due_timestamp == TWO + DAY


def test_a_duration_that_a_job_measured_gives_the_start_of_its_run() -> None:
    life = born(expression="0 * * * *")
    life.push(UP, at=TWO - 30, duration_seconds=3500)

    assert life.verdict(at=TWO - 30).due_timestamp == TWO


def test_a_run_that_takes_longer_than_the_calendar_plans_leaves_the_next_time_due() -> None:
    life = born(expression="0 * * * *")
    life.push(START, at=TWO)
    life.push(UP, at=TWO + HOUR + 10 * MINUTE)

    assert life.verdict(at=TWO + 2 * HOUR - 1).due_timestamp == TWO + 2 * HOUR


def test_a_nightly_run_is_up_while_it_runs_and_down_when_it_hangs() -> None:
    life = Life(nightly()._replace(max_runtime_seconds=2 * HOUR), at=MIDNIGHT)
    life.push(UP, at=MIDNIGHT + MINUTE)
    life.push(START, at=TWO + 1)

    assert life.state(at=TWO + HOUR) is State.UP
    assert life.verdict(at=TWO + 2 * HOUR + 1).reason is Reason.OVERRAN


def test_several_missed_nights_are_one_down_since_the_first_deadline() -> None:
    life = born()
    life.push(UP, at=TWO + 1)
    first = TWO + DAY + GRACE

    for nights in range(5):
        verdict = life.verdict(at=first + nights * DAY)
        assert (verdict.state, verdict.since_timestamp) == (State.DOWN, first)


def test_a_report_of_failure_is_down_until_a_push_says_up() -> None:
    life = born()
    life.push(DOWN, at=TWO + 60)

    assert life.verdict(at=TWO + 120).reason is Reason.REPORTED_DOWN
    life.push(UP, at=TWO + 180)
    assert life.state(at=TWO + 181) is State.UP


def test_a_monitor_that_is_resumed_after_its_push_awaits_the_following_time() -> None:
    life = born()
    life.push(UP, at=TWO - 10)
    life.declare(nightly()._replace(enabled=False), at=TWO - 8)
    life.declare(nightly(), at=TWO - 5)

    assert life.verdict(at=TWO).due_timestamp == TWO + DAY


class TestOutages:
    def test_an_outage_before_the_scheduled_time_changes_nothing(self) -> None:
        life = born()
        life.outage(TWO - 2 * HOUR, TWO - HOUR)

        assert life.deadline(at=TWO) == TWO + GRACE

    def test_an_outage_within_the_grace_moves_the_deadline_by_its_length(self) -> None:
        life = born()
        life.outage(TWO + 60, TWO + 360)

        assert life.deadline(at=TWO + 400) == TWO + GRACE + 300

    def test_an_outage_across_the_scheduled_time_moves_the_deadline_by_its_whole_length(
        self,
    ) -> None:
        life = born()
        life.outage(TWO - HOUR, TWO + 60)

        assert life.verdict(at=TWO + 60).due_timestamp == TWO
        assert life.deadline(at=TWO + 60) == TWO + GRACE + HOUR + 60

    def test_an_outage_that_ends_at_the_scheduled_time_changes_nothing(self) -> None:
        life = born()
        life.outage(TWO - HOUR, TWO)

        assert life.deadline(at=TWO) == TWO + GRACE

    def test_an_outage_after_the_deadline_changes_nothing(self) -> None:
        life = born()
        life.outage(TWO + GRACE, TWO + GRACE + HOUR)

        assert life.deadline(at=TWO + GRACE + HOUR) == TWO + GRACE


class TestReloads:
    def test_a_changed_schedule_counts_from_the_push_that_is_stored(self) -> None:
        life = born()
        life.push(UP, at=TWO + 60)
        life.declare(nightly("0 4 * * *"), at=TWO + HOUR)

        assert life.verdict(at=TWO + HOUR).due_timestamp == TWO + 2 * HOUR
        life.declare(monitor(schedule=Every(300), grace_seconds=0), at=TWO + HOUR)
        assert life.deadline(at=TWO + HOUR) == TWO + 360
        life.declare(nightly(), at=TWO + HOUR)
        assert life.deadline(at=TWO + HOUR) == TWO + DAY + GRACE
        assert life.armings[KEY].armed_timestamp == MIDNIGHT

    def test_a_changed_zone_counts_from_the_push_that_is_stored(self) -> None:
        life = born()
        life.push(UP, at=TWO + 60)
        times = CronTimes("0 2 * * *", time_zone("Europe/Berlin"))
        schedule = Cron("0 2 * * *", "Europe/Berlin", times)
        life.declare(monitor(schedule=schedule), at=TWO + HOUR)

        assert life.verdict(at=TWO + HOUR).due_timestamp == TWO + 23 * HOUR


def test_a_schedule_that_never_comes_again_keeps_the_monitor_up_and_a_failure_down() -> None:
    life = born(expression="* * */20 * 1L")
    assert life.state(at=MIDNIGHT + 1000 * DAY) is State.PENDING
    life.push(UP, at=MIDNIGHT + 1)

    verdict = life.verdict(at=MIDNIGHT + 1000 * DAY)
    assert verdict.state is State.UP
    assert verdict.due_timestamp == verdict.deadline_timestamp == NEVER
    life.push(DOWN, at=MIDNIGHT + 1001 * DAY)
    assert life.state(at=MIDNIGHT + 1002 * DAY) is State.DOWN


lengths = st.integers(0, 2 * DAY).map(float)
expressions = st.sampled_from(["*/5 * * * *", "0 2 * * *", "0,30 0-6 * * *", "* * * * *"])
histories = st.lists(
    st.tuples(st.sampled_from(["up", "down", "outage", "reload", "pause"]), lengths), max_size=8
)


def lived(
    expression: str, history: list[tuple[str, float]], *, restarts: bool
) -> tuple[Life, float]:
    """Return a life after a history, and the moment that it has reached."""
    life, now = born(expression=expression), MIDNIGHT
    for event, length in history:
        now += length
        match event:
            case "up" | "down":
                life.push(UP if event == "up" else DOWN, at=now)
            case "outage":
                life.outage(now, now + length / 2)
                now += length / 2
            case "reload":
                life.declare(*life.monitors, at=now)
            case "pause":
                life.declare(nightly(expression)._replace(enabled=False), at=now)
                life.declare(nightly(expression), at=now + 10)
                now += 10
        if restarts:
            life.restart(at=now)
    return life, now


@given(expressions, histories, lengths, lengths)
def test_the_deadline_of_a_schedule_never_moves_by_looking(
    expression: str, history: list[tuple[str, float]], wait: float, longer: float
) -> None:
    life, now = lived(expression, history, restarts=False)

    earlier = life.verdict(at=now + wait)
    later = life.verdict(at=now + wait + longer)

    assert later.due_timestamp == earlier.due_timestamp
    assert later.deadline_timestamp == earlier.deadline_timestamp
    assert earlier.due_timestamp <= earlier.deadline_timestamp


@given(expressions, histories, lengths)
def test_a_replica_that_restarts_after_each_event_judges_as_one_that_never_restarts(
    expression: str, history: list[tuple[str, float]], wait: float
) -> None:
    steady, now = lived(expression, history, restarts=False)
    restarted, _ = lived(expression, history, restarts=True)

    assert restarted.verdict(at=now + wait) == steady.verdict(at=now + wait)


@given(expressions, st.lists(lengths, max_size=6), lengths)
def test_without_an_outage_the_deadline_is_the_base_and_the_gap_and_the_grace(
    expression: str, pushes: list[float], wait: float
) -> None:
    life, now = lived(expression, [("up", length) for length in pushes], restarts=False)
    [row] = life.table.rows()
    base = row.last_push.received_timestamp if row.last_push else MIDNIGHT

    assert life.deadline(at=now + wait) == base + gap_seconds(row) + GRACE
