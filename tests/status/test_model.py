"""When a status is written: at once, before it expires, in its time, or never."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import DOWN, UP, judged, push, row
from tests.status.statuses import NOTHING_SHOWN, draft, shown, status
from yuptime_exporter.core.model import Arming, PushKind, Row, State
from yuptime_exporter.resource.monitor_object import SpecProblem
from yuptime_exporter.status.conditions import status_of_invalid
from yuptime_exporter.status.model import (
    HEADROOM,
    HEARTBEAT_SECONDS,
    MIN_HEADROOM_SECONDS,
    Due,
    Shown,
    heartbeat_due,
    needed_writes_per_second,
    next_change_timestamp,
    write_due,
)

SAID = status(row(push(UP, at=1000)), at=1000)


class TestAtOnce:
    """A changed fact is written now, also directly after another write."""

    @pytest.mark.parametrize(
        "change",
        [
            {"generation": 7},
            {"state": "late"},
            {"reason": "IN_GRACE"},
            {"conditions": SAID.conditions[:-1]},
            {"armed_timestamp": 999.0},
            {"paused_timestamp": 999.0},
            {"expires_timestamp": None},
        ],
        ids=lambda change: str(*change),
    )
    def test_every_fact_that_differs_is_corrected_at_once(self, change: dict[str, object]) -> None:
        other = replace(shown(SAID), **change)  # type: ignore[arg-type]

        assert write_due(draft(SAID, other), now_timestamp=1001) == Due(1001, 1001)

    def test_the_first_status_is_written_at_once(self) -> None:
        assert write_due(draft(SAID, NOTHING_SHOWN), now_timestamp=1001) == Due(1001, 1001)

    def test_the_problem_of_a_spec_that_was_never_valid_is_written_at_once(self) -> None:
        said = status_of_invalid(None, SpecProblem("SpecInvalid", "no"), generation=2)

        assert write_due(draft(said, NOTHING_SHOWN), now_timestamp=1001) == Due(1001, 1001)

    @given(
        st.sampled_from([UP, DOWN]),
        st.floats(1, 400),
    )
    def test_every_push_that_changes_the_state_is_written_at_once(
        self, before: PushKind, wait: float
    ) -> None:
        after = DOWN if before is UP else UP
        now = 1000 + wait
        was = shown(status(row(push(before, at=1000)), at=1000))
        said = status(row(push(after, at=now)), at=now)

        assert write_due(draft(said, was), now_timestamp=now) == Due(now, now)

    @given(st.floats(1, 10_000), st.none() | st.sampled_from([UP, DOWN]))
    def test_every_state_that_silence_has_changed_is_written_at_once(
        self, wait: float, last: PushKind | None
    ) -> None:
        held = row(push(last, at=1000) if last else None)
        was, said = status(held, at=1000), status(held, at=1000 + wait)

        due = write_due(draft(said, shown(was)), now_timestamp=1000 + wait)

        assert (due is not None) is (was.state != said.state)


class TestNever:
    @given(st.floats(0, 10_000), st.none() | st.sampled_from([UP, DOWN]), st.floats(0, 1e6))
    def test_a_status_that_is_up_to_date_is_not_written(
        self, wait: float, last: PushKind | None, later: float
    ) -> None:
        held = row(push(last, at=1000) if last else None)
        said = status(held, at=1000 + wait)

        assert write_due(draft(said, shown(said)), now_timestamp=1000 + wait + later) is None


expires = st.integers(1, 100_000)
moments = st.floats(1e9, 2e9)


class TestHeartbeats:
    """A push that only confirms the status is gathered, but never for too long."""

    def test_a_heartbeat_is_due_half_a_minute_after_the_push_in_the_status(self) -> None:
        assert heartbeat_due(shown(SAID), 300) == Due(1030, 1270)

    def test_a_heartbeat_is_due_earlier_where_the_status_would_expire_before(self) -> None:
        soon = status(row(push(UP, at=1000), expire_seconds=20), at=1000)

        assert heartbeat_due(shown(soon), 20) == Due(1018, 1018)

    def test_a_heartbeat_is_overdue_for_a_status_without_times(self) -> None:
        due = heartbeat_due(NOTHING_SHOWN, 300)

        assert due.deadline_timestamp < due.eligible_timestamp + HEARTBEAT_SECONDS + 300 < 1000

    @given(moments, expires)
    def test_a_heartbeat_is_always_written_before_the_status_expires(
        self, at: float, expire: int
    ) -> None:
        said = status(row(push(UP, at=at), armed=at, expire_seconds=expire), at=at)
        due = heartbeat_due(shown(said), expire)

        left = at + expire - due.deadline_timestamp
        assert due.eligible_timestamp <= due.deadline_timestamp
        assert left >= MIN_HEADROOM_SECONDS
        assert left == pytest.approx(max(MIN_HEADROOM_SECONDS, HEADROOM * expire), abs=1e-5)

    @given(moments, expires)
    def test_a_heartbeat_is_never_written_within_half_a_minute_unless_it_must_be(
        self, at: float, expire: int
    ) -> None:
        said = status(row(push(UP, at=at), armed=at, expire_seconds=expire), at=at)
        due = heartbeat_due(shown(said), expire)

        assert (
            due.eligible_timestamp == at + HEARTBEAT_SECONDS
            or due.eligible_timestamp == due.deadline_timestamp
        )

    @given(
        st.integers(5, 600),
        st.lists(st.floats(0.25, 1), min_size=1, max_size=40),
    )
    def test_a_status_that_is_written_when_it_is_due_never_expires_while_the_job_pushes(
        self, expire: int, gaps: list[float]
    ) -> None:
        """Pushes are written in time: readers of the status never see it expire."""
        headroom = max(MIN_HEADROOM_SECONDS, HEADROOM * expire)
        now = 1000.0
        held = row(push(UP, at=now), expire_seconds=expire)
        found = shown(status(held, at=now))
        due: Due | None = None
        for gap in gaps:
            now += gap * (expire - headroom)
            if due is not None and due.eligible_timestamp <= now:
                found = written(held, found, due.eligible_timestamp, headroom)
            last = push(UP, at=now, since_timestamp=1000, pushes_total=2)
            held = Row(held.monitor, held.arming, last)
            due = write_due(draft(status(held, at=now), found), now_timestamp=now)
            if due is not None and due.eligible_timestamp <= now:
                found, due = written(held, found, now, headroom), None


def written(held: Row, found: Shown, now: float, headroom: float) -> Shown:
    """Return the status after a write in time."""
    assert found.expires_timestamp is not None
    assert now <= found.expires_timestamp - headroom + 1e-6
    return shown(status(held, at=now))


class TestTheNextChange:
    @pytest.mark.parametrize(
        ("held", "at", "expected"),
        [
            (row(), 1000, 1360),
            (row(push(UP, at=1000)), 1000, 1300),
            (row(push(UP, at=1000)), 1300, 1360),
            (row(push(UP, at=1000)), 1360, None),
            (row(push(DOWN, at=1000)), 1000, None),
            (row(push(UP, at=1000), paused=1000), 1000, None),
        ],
    )
    def test_the_next_change_of_each_state_is_known(
        self, held: Row, at: float, expected: float | None
    ) -> None:
        assert next_change_timestamp(judged(held, at=at)) == expected

    @given(
        st.none() | st.sampled_from([UP, DOWN]),
        st.booleans(),
        st.floats(0, 500),
        st.integers(0, 100),
    )
    def test_the_state_changes_exactly_then_and_not_before(
        self, last: PushKind | None, paused: bool, wait: float, grace: int
    ) -> None:
        held = row(
            push(last, at=1000) if last else None,
            paused=1000 if paused else None,
            grace_seconds=grace,
        )
        now = 1000 + wait
        verdict = judged(held, at=now)
        change = next_change_timestamp(verdict)

        if change is None:
            assert judged(held, at=now + 1e9).state is verdict.state
        else:
            assert judged(held, at=change - 1e-6).state is verdict.state
            assert judged(held, at=change).state is not verdict.state


class TestTheNeed:
    def test_the_needed_rate_keeps_every_status_from_expiring(self) -> None:
        # The figures of a cluster with 1,000 monitors of five minutes and 10 of one.
        assert needed_writes_per_second({300: 1000, 60: 10}) == pytest.approx(3.7 + 0.185, abs=0.01)

    def test_the_needed_rate_without_monitors_is_zero(self) -> None:
        assert needed_writes_per_second({}) == 0


def test_a_paused_monitor_shows_the_pause_as_a_fact() -> None:
    running, paused = row(push(UP, at=1000)), row(push(UP, at=1000), paused=1100)
    was, said = shown(status(running, at=1100)), status(paused, at=1100)

    assert write_due(draft(said, was), now_timestamp=1100) == Due(1100, 1100)
    assert said.row is not None
    assert said.row.arming == Arming(1000, paused_timestamp=1100)
    assert said.state == State.PAUSED
