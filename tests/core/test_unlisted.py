"""Monitors of a namespace that the exporter may not list for a while."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import DOWN, KEY, UP, Life, judged, monitor, push, row
from yuptime_exporter.core.arming import after_unlisted
from yuptime_exporter.core.model import Outage, Reason, Row, State
from yuptime_exporter.core.outages import Outages

OTHER = monitor(namespace="shop")

seconds = st.integers(0, 5000).map(float)


def credited(before: Row, start: float, end: float, outages: Outages) -> Row:
    arming = after_unlisted(before, outages, Outage(start, end))
    return Row(before.monitor, arming, before.last_push)


@given(pushed=seconds, before=seconds, lasted=seconds, outage=st.tuples(seconds, seconds))
def test_an_open_deadline_moves_by_the_time_without_pushes_and_no_more(
    pushed: float, before: float, lasted: float, outage: tuple[float, float]
) -> None:
    """A time in which no monitor could be pushed to is counted once, also if it is a part of it."""
    start = pushed + before
    end = start + lasted
    outages = Outages([Outage(min(outage), max(outage))]).until(end)
    known = row(push(at=pushed), armed=0, expire_seconds=1000)
    expected = outages.plus(Outage(start, end)).deadline(pushed, 1060)

    after = judged(credited(known, start, end, outages), at=end, outages=outages)

    assert after.deadline_timestamp == pytest.approx(expected, abs=1e-6)
    assert (after.state is State.DOWN) is (expected <= end)


def test_a_push_that_another_replica_accepted_in_that_time_shortens_it() -> None:
    known = row(push(at=1500))

    after = credited(known, 1200, 1600, Outages())

    assert judged(after, at=1600).deadline_timestamp == 1500 + 360 + 100


def test_a_monitor_that_reported_down_stays_down_since_then() -> None:
    known = row(push(DOWN, at=1000))

    verdict = judged(credited(known, 1200, 2000, Outages()), at=2000)

    assert (verdict.reason, verdict.since_timestamp) == (Reason.REPORTED_DOWN, 1000)


@pytest.fixture
def life() -> Life:
    """Return a life after a restart at 1200 that may not list `prod`, pushed to at 1000."""
    life = Life(monitor(), OTHER)
    life.push(UP, at=1000)
    life.outage(1100, 1200)
    life.restart(at=1200, unlisted=("prod",))
    return life


def test_an_unlisted_monitor_is_not_shown_and_its_namespace_is_known_to_be_unlisted(
    life: Life,
) -> None:
    assert [one.monitor.key for one in life.table.rows()] == [OTHER.key]
    assert life.table.is_unlisted("prod")
    assert not life.table.is_unlisted("shop")


def test_the_history_of_an_unlisted_monitor_is_never_forgotten(life: Life) -> None:
    life.declare(OTHER, at=1e6, unlisted=("prod",))

    life.store(life.table.forget_vanished(before_timestamp=2e6))

    assert life.armings[KEY].vanished_timestamp is None
    assert life.last_pushes[KEY].received_timestamp == 1000


def test_a_monitor_continues_when_its_namespace_is_listed(life: Life) -> None:
    life.declare(monitor(), OTHER, at=1900)

    assert not life.table.is_unlisted("prod")
    assert life.deadline(at=1900) == 1360 + 100 + 700  # the restart, and the time after it
    assert life.state(at=1900) is State.UP
    assert life.verdict(at=1900, key=OTHER.key).deadline_timestamp == 1460


def test_the_moved_deadline_survives_another_restart(life: Life) -> None:
    life.declare(monitor(), OTHER, at=1900)
    life.restart(at=1901)

    assert life.deadline(at=1901) == 1360 + 100 + 700


def test_a_monitor_that_was_overdue_before_is_down_since_then() -> None:
    life = Life(monitor(), OTHER)
    life.push(UP, at=1000)
    life.restart(at=1400, unlisted=("prod",))
    life.declare(monitor(), OTHER, at=1900)

    verdict = life.verdict(at=1900)

    assert (verdict.state, verdict.since_timestamp) == (State.DOWN, 1360)


def test_a_monitor_that_was_deleted_while_its_namespace_was_unlisted_vanishes_when_it_is_listed(
    life: Life,
) -> None:
    life.declare(OTHER, at=1900)

    assert life.armings[KEY].vanished_timestamp == 1900


def test_a_push_without_an_arming_gets_one_when_its_namespace_is_listed_and_does_not_have_it() -> (
    None
):
    life = Life(OTHER)
    life.last_pushes[KEY] = push(at=1000)
    life.restart(at=1200, unlisted=("prod",))
    assert KEY not in life.armings

    life.declare(OTHER, at=1900)

    assert life.armings[KEY].vanished_timestamp == 1900


def test_a_new_monitor_of_an_unlisted_namespace_is_armed_when_it_becomes_known(life: Life) -> None:
    new = monitor("new")
    life.declare(monitor(), new, OTHER, at=1900)

    assert life.verdict(at=1900, key=new.key).deadline_timestamp == 1900 + 360
