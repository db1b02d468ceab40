"""Availability: laws about any history, and lives told in moments."""

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import DOWN, LOG, NO_OUTAGES, START, UP, monitor
from yuptime_exporter.core.availability import (
    DAY_SECONDS,
    PERIODS_SECONDS,
    Availability,
    availability,
    stretches,
)
from yuptime_exporter.core.evaluation import after_push, judge
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import Arming, Outage, Push, PushKind, Row, State
from yuptime_exporter.core.outages import Outages

ARMED = 1000.0
EXPIRE, GRACE = 100, 20


@dataclass(frozen=True)
class Life:
    """A monitor that was armed at 1000, with its pushes, in whole seconds."""

    pushes: tuple[Push, ...]
    now_timestamp: float
    max_runtime_seconds: int | None = None
    enabled: bool = True

    def row(self, outages: Outages = NO_OUTAGES, *, at: float | None = None) -> Row:
        """Return the monitor as it was at a moment."""
        declared = monitor(
            expire_seconds=EXPIRE,
            grace_seconds=GRACE,
            max_runtime_seconds=self.max_runtime_seconds,
            enabled=self.enabled,
        )
        row = Row(declared, Arming(ARMED), None)
        for push in self.pushes:
            if at is None or push.received_timestamp <= at:
                row = Row(declared, row.arming, after_push(row, outages, push))
        return row

    def past(self, limit: int = 1_000) -> PastPushes:
        newest = tuple(reversed(self.pushes))[:limit]
        cut = len(newest) < len(self.pushes)
        return PastPushes(newest, newest[-1].received_timestamp if cut and newest else None)

    def availability(
        self, outages: Outages = NO_OUTAGES, *, period: float = DAY_SECONDS, limit: int = 1_000
    ) -> Availability:
        states = stretches(
            self.row(outages), self.past(limit), outages, now_timestamp=self.now_timestamp
        )
        return availability(
            states, outages, period_seconds=period, now_timestamp=self.now_timestamp
        )


def life(*moments: tuple[int, PushKind], now: int, **fields: bool) -> Life:
    """Return a life with pushes at these seconds after the arming."""
    pushes = tuple(Push(kind, ARMED + seconds) for seconds, kind in moments)
    return Life(pushes, ARMED + now, **fields)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    gaps = draw(st.lists(st.tuples(st.integers(1, 300), st.sampled_from(PushKind)), max_size=12))
    moment, pushes = ARMED, []
    for seconds, kind in gaps:
        moment += seconds
        pushes.append(Push(kind, moment))
    now_timestamp = moment + draw(st.integers(1, 400))
    return Life(tuple(pushes), now_timestamp, draw(st.sampled_from([None, 50, 500])))


OUTAGES = st.lists(
    st.tuples(st.integers(0, 2_000), st.integers(1, 300)).map(
        lambda moment: Outage(ARMED + moment[0], ARMED + moment[0] + moment[1])
    ),
    max_size=3,
).map(Outages)


@given(lived=lives(), outages=OUTAGES, period=st.sampled_from([50.0, 500.0, DAY_SECONDS]))
def test_availability_is_from_0_to_1_or_unknown(
    lived: Life, outages: Outages, period: float
) -> None:
    found = lived.availability(outages, period=period)

    assert found.fraction is None or 0 <= found.fraction <= 1
    assert lived.now_timestamp - period <= found.known_since_timestamp <= lived.now_timestamp


@given(lived=lives(), outages=OUTAGES, share=st.floats(0, 1))
def test_the_state_at_each_moment_is_as_it_was_judged_then(
    lived: Life, outages: Outages, share: float
) -> None:
    states = stretches(lived.row(outages), lived.past(), outages, now_timestamp=lived.now_timestamp)
    moment = ARMED + share * (lived.now_timestamp - ARMED) * 0.999
    then = judge(lived.row(outages, at=moment), outages, now_timestamp=moment)
    [found] = [one for one in states if one.start_timestamp <= moment < one.end_timestamp]

    assert found.state is then.state


@given(lived=lives())
def test_states_follow_each_other_without_gaps_from_the_arming_until_now(lived: Life) -> None:
    states = stretches(lived.row(), lived.past(), NO_OUTAGES, now_timestamp=lived.now_timestamp)

    assert states[0].start_timestamp == ARMED
    assert states[-1].end_timestamp == lived.now_timestamp
    for before, after in itertools.pairwise(states):
        assert before.end_timestamp == after.start_timestamp
        assert before.state is not after.state


@given(lived=lives(), at=st.integers(0, 2_000), seconds=st.integers(1, 1_000))
def test_an_outage_does_not_influence_availability(lived: Life, at: int, seconds: int) -> None:
    """With the outage, all that follows happens later by its length."""
    start = ARMED + at
    outages = Outages([Outage(start, start + seconds)])

    def later(timestamp: float) -> float:
        return timestamp + seconds if timestamp >= start else timestamp

    shifted = Life(
        tuple(Push(push.kind, later(push.received_timestamp)) for push in lived.pushes),
        later(lived.now_timestamp),
        lived.max_runtime_seconds,
    )

    assert shifted.availability(outages).fraction == pytest.approx(lived.availability().fraction)


@given(lived=lives(), limit=st.integers(1, 12))
def test_a_history_that_does_not_reach_back_covers_the_time_since_its_oldest_push(
    lived: Life, limit: int
) -> None:
    found = lived.availability(limit=limit)
    if limit < len(lived.pushes):
        oldest = lived.pushes[-limit].received_timestamp
        assert found.known_since_timestamp == oldest
    else:
        assert found.known_since_timestamp == ARMED


def test_a_monitor_that_was_down_half_of_the_time_has_half_availability() -> None:
    every_240_seconds = [(seconds, UP) for seconds in range(0, 2_400, 240)]
    lived = life(*every_240_seconds, now=2_400)

    assert lived.availability().fraction == 0.5


def test_a_job_that_reports_down_is_not_available_until_it_reports_up() -> None:
    lived = life((0, UP), (50, DOWN), (75, UP), now=100)

    assert lived.availability().fraction == 0.75


def test_grace_is_available_time() -> None:
    assert life((0, UP), now=120).availability().fraction == 1.0


def test_a_monitor_that_was_never_pushed_to_is_down_from_its_deadline_on() -> None:
    assert life(now=240).availability().fraction == 0.5


def test_starts_and_messages_do_not_make_a_monitor_available() -> None:
    lived = life((0, UP), (130, LOG), (140, START), (200, LOG), now=240)

    assert lived.availability().fraction == 0.5


def test_only_the_period_counts() -> None:
    lived = life((0, DOWN), (900, UP), now=1_000)

    assert lived.availability(period=100.0).fraction == 1.0
    assert lived.availability(period=200.0).fraction == 0.5
    assert lived.availability().fraction == pytest.approx(0.1)


def test_availability_is_unknown_without_known_time() -> None:
    just_armed = life(now=0)
    paused = life((0, UP), now=100, enabled=False)

    assert just_armed.availability() == Availability(DAY_SECONDS, ARMED, None)
    assert paused.availability().fraction is None


def test_without_a_known_push_the_last_push_decides_since_the_history_began() -> None:
    lived = life((0, DOWN), now=1_000)
    nothing_known = PastPushes((), ARMED + 800)
    states = stretches(lived.row(), nothing_known, NO_OUTAGES, now_timestamp=ARMED + 1_000)
    found = availability(
        states, NO_OUTAGES, period_seconds=DAY_SECONDS, now_timestamp=ARMED + 1_000
    )

    assert [(one.state, one.start_timestamp) for one in states] == [(State.DOWN, ARMED + 800)]
    assert (found.fraction, found.known_since_timestamp) == (0.0, ARMED + 800)


def test_the_periods_are_a_day_a_week_and_30_days() -> None:
    assert PERIODS_SECONDS == (86_400, 604_800, 2_592_000)
