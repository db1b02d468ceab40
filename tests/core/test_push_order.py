"""The order of two pushes to one monitor, and the stored push if both were accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import DOWN, UP, monitor, push, pushed, row
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.model import LastPush
from yuptime_exporter.core.push_order import (
    after_other_pushes,
    in_order,
    newer,
    of_a_predecessor,
    place,
    push_to_store,
)

NOW = 2000.0

last_pushes = st.builds(
    push,
    st.sampled_from([UP, DOWN]),
    at=st.floats(1000, NOW),
    pushes_total=st.integers(1, 20),
)


class TestTheOrder:
    def test_a_push_received_later_is_newer_with_any_count(self) -> None:
        assert newer(push(at=1000, pushes_total=5), push(at=1001), now_timestamp=NOW) == push(
            at=1001
        )

    def test_of_two_pushes_of_one_moment_the_one_that_counts_more_is_newer(self) -> None:
        known, other = push(at=1000), push(at=1000, pushes_total=2)

        assert newer(known, other, now_timestamp=NOW) is other
        assert newer(other, known, now_timestamp=NOW) is other

    def test_any_push_is_newer_than_none(self) -> None:
        assert newer(None, push(), now_timestamp=NOW) == push()

    def test_a_push_from_the_future_is_newer_only_if_it_counts_more(self) -> None:
        ahead = push(at=9000, pushes_total=5)
        continued = push(at=1000, pushes_total=6)

        assert newer(ahead, continued, now_timestamp=NOW) is continued
        assert newer(continued, ahead, now_timestamp=NOW) is continued

    @given(st.lists(last_pushes, min_size=1, max_size=6), st.randoms(use_true_random=False))
    def test_replicas_agree_on_the_newest_push_in_any_order_of_learning(
        self, pushes: list[LastPush], random: object
    ) -> None:
        shuffled = sorted(pushes, key=lambda _: random.random())  # type: ignore[attr-defined]

        def newest_of(learned: list[LastPush]) -> LastPush:
            known: LastPush | None = None
            for one in learned:
                known = newer(known, one, now_timestamp=NOW)
            assert known is not None
            return known

        assert place(newest_of(pushes)) == place(newest_of(shuffled)) == max(map(place, pushes))


class TestPredecessors:
    """A push to an object that was deleted is none to the one that has its name now."""

    def test_a_push_before_the_creation_was_to_a_predecessor(self) -> None:
        assert of_a_predecessor(push(at=990), monitor(created_timestamp=1000), now_timestamp=NOW)

    @pytest.mark.parametrize("at", [1000 - MAX_FUTURE_SECONDS, 999.5, 1000, 2000])
    def test_the_clocks_of_a_push_and_of_a_creation_may_differ_by_some_seconds(
        self, at: float
    ) -> None:
        assert not of_a_predecessor(push(at=at), monitor(created_timestamp=1000), now_timestamp=NOW)

    def test_a_creation_in_the_future_counts_as_now(self) -> None:
        # The clock of the API server is ahead.
        created = monitor(created_timestamp=NOW + 60)

        assert not of_a_predecessor(push(at=NOW - 1), created, now_timestamp=NOW)
        assert of_a_predecessor(push(at=NOW - 10), created, now_timestamp=NOW)

    def test_without_a_creation_there_is_no_predecessor(self) -> None:
        assert not of_a_predecessor(push(at=1), monitor(), now_timestamp=NOW)


class TestReplicasPush:
    """A push that continues another is found to continue a third: both are counted."""

    BASE = push(UP, at=1000, pushes_total=5, pushes_down_total=1)

    def test_a_push_without_interference_does_not_change(self) -> None:
        mine = pushed(row(self.BASE), UP, at=1100)

        assert after_other_pushes(mine, self.BASE, self.BASE) == mine

    def test_the_later_of_two_pushes_is_the_newest_and_counts_both(self) -> None:
        mine = pushed(row(self.BASE), UP, at=1100, message="mine")
        other = pushed(row(self.BASE), UP, at=1050, message="other")

        both = after_other_pushes(mine, self.BASE, other)

        assert (both.message, both.received_timestamp) == ("mine", 1100)
        assert (both.pushes_total, both.pushes_down_total) == (7, 1)

    def test_the_earlier_of_two_pushes_is_counted_and_not_shown(self) -> None:
        mine = pushed(row(self.BASE), DOWN, at=1050, message="mine")
        other = pushed(row(self.BASE), UP, at=1100, message="other")

        both = after_other_pushes(mine, self.BASE, other)

        assert (both.message, both.received_timestamp) == ("other", 1100)
        assert (both.pushes_total, both.pushes_down_total) == (7, 2)

    def test_a_push_that_continues_a_later_one_is_counted_and_not_shown(self) -> None:
        # It waited while the other was stored, for longer than clocks differ.
        base = push(UP, at=1100, pushes_total=5, pushes_down_total=1, message="later")
        mine = pushed(row(base), DOWN, at=1050, message="mine")

        both = in_order(mine, base, now_timestamp=NOW)

        assert mine.received_timestamp == 1050
        assert (both.status, both.message, both.received_timestamp) == (UP, "later", 1100)
        assert (both.pushes_total, both.pushes_down_total) == (6, 2)
        assert in_order(both, base, now_timestamp=NOW) == both

    def test_a_push_that_continues_one_from_the_future_is_the_newest(self) -> None:
        # The clock was set back in between.
        base = push(UP, at=9000)
        mine = pushed(row(base), DOWN, at=1050)

        assert in_order(mine, base, now_timestamp=1051) == mine

    @pytest.mark.parametrize("base", [None, push(at=1000), push(at=1050)])
    def test_a_push_in_order_does_not_change(self, base: LastPush | None) -> None:
        mine = pushed(row(base), DOWN, at=1050)

        assert in_order(mine, base, now_timestamp=NOW) is mine

    def test_two_first_pushes_are_both_counted(self) -> None:
        mine, other = pushed(row(), UP, at=1100), pushed(row(), DOWN, at=1050)

        both = after_other_pushes(mine, None, other)

        assert (both.pushes_total, both.pushes_down_total) == (2, 1)

    def test_an_older_push_in_the_place_of_the_base_is_overwritten(self) -> None:
        # A backup of the object was restored.
        mine = pushed(row(self.BASE), UP, at=1100)

        assert after_other_pushes(mine, self.BASE, push(UP, at=900)) == mine

    def test_a_push_at_the_moment_of_the_base_with_a_higher_count_is_another_push(self) -> None:
        # Its replica's clock is behind, and had seen the base.
        other = pushed(row(self.BASE), DOWN, at=999)
        mine = pushed(row(self.BASE), UP, at=1100)

        both = after_other_pushes(mine, self.BASE, other)

        assert other.received_timestamp == self.BASE.received_timestamp
        assert (both.pushes_total, both.pushes_down_total) == (7, 2)

    def test_a_state_that_two_pushes_confirm_began_with_the_first_of_them(self) -> None:
        mine = pushed(row(), DOWN, at=1100)
        other = pushed(row(), DOWN, at=1050)

        assert after_other_pushes(mine, None, other).since_timestamp == 1050

    def test_another_state_begins_with_the_push_that_reports_it(self) -> None:
        mine = pushed(row(self.BASE), DOWN, at=1100)
        other = pushed(row(self.BASE), UP, at=1050)

        both = after_other_pushes(mine, self.BASE, other)

        assert (both.since_timestamp, both.last_success_timestamp) == (1100, 1050)


class TestStoringInThePlaceOfAnotherPush:
    """The store holds a push that is not the one which the accepted push continues."""

    def test_a_push_to_a_predecessor_gives_way(self) -> None:
        before = row(created_timestamp=1000)
        mine = pushed(before, UP, at=1100)
        found = push(DOWN, at=900, pushes_total=5)

        assert push_to_store(before, mine, found, now_timestamp=NOW) == mine

    def test_a_push_of_another_replica_is_counted(self) -> None:
        before = row(push(at=1000, pushes_total=5))
        mine, found = pushed(before, DOWN, at=1100), pushed(before, UP, at=1050)

        stored = push_to_store(before, mine, found, now_timestamp=NOW)

        assert (stored.status, stored.received_timestamp) == (DOWN, 1100)
        assert stored.pushes_total == 7

    def test_a_later_push_of_another_replica_stays_the_newest(self) -> None:
        before = row(push(at=1000, pushes_total=5))
        mine, found = pushed(before, DOWN, at=1100), pushed(before, UP, at=1150)

        stored = push_to_store(before, mine, found, now_timestamp=NOW)

        assert (stored.status, stored.received_timestamp) == (UP, 1150)
        assert stored.pushes_total == 7

    def test_a_push_from_the_future_never_outlives_the_push_that_continues_it(self) -> None:
        # The clock was set back, and the store could not be told of the correction.
        found = push(UP, at=9000, pushes_total=5)
        before = row(found.replace(received_timestamp=1000.0))
        mine = pushed(before, DOWN, at=1100)

        stored = push_to_store(before, mine, found, now_timestamp=1100)

        assert (stored.status, stored.received_timestamp) == (DOWN, 1100)
        assert stored.pushes_total == 6
        assert stored.last_success_timestamp <= 1100
