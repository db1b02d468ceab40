"""The receiving clock, example by example; its laws are in `test_laws`."""

import pytest

from yuptime_exporter.core.model import Outage
from yuptime_exporter.core.outages import MAX_OUTAGES, Outages, last_receiving

BASE, WINDOW = 1000.0, 360.0  # without outages the deadline is 1360


def deadline(*known: Outage) -> float:
    return Outages(known).deadline(BASE, WINDOW)


class TestWhatAnOutageCredits:
    def test_without_outages_the_deadline_is_base_and_window(self) -> None:
        assert deadline() == 1360

    def test_an_outage_within_moves_the_deadline_by_its_length(self) -> None:
        assert deadline(Outage(1100, 1150)) == 1410

    def test_an_outage_that_began_before_the_base_counts_from_the_base(self) -> None:
        assert deadline(Outage(500, 1040)) == 1400

    def test_an_outage_that_covers_the_deadline_counts_whole(self) -> None:
        assert deadline(Outage(1350, 2350)) == 2360

    def test_an_outage_that_covers_everything_leaves_the_whole_window_after_it(self) -> None:
        assert deadline(Outage(500, 5000)) == 5360

    @pytest.mark.parametrize(
        "outage",
        [
            pytest.param(Outage(400, 900), id="long before the base"),
            pytest.param(Outage(400, 1000), id="ended at the base"),
            pytest.param(Outage(1360, 5000), id="began at the deadline"),
            pytest.param(Outage(4000, 5000), id="began after the deadline"),
        ],
    )
    def test_an_outage_outside_moves_nothing(self, outage: Outage) -> None:
        assert deadline(outage) == 1360

    def test_an_outage_that_begins_just_before_the_deadline_still_counts(self) -> None:
        assert deadline(Outage(1359.5, 1400)) == 1400.5

    def test_the_credits_of_several_outages_add_up(self) -> None:
        assert deadline(Outage(1100, 1110), Outage(1200, 1220), Outage(1300, 1330)) == 1420

    def test_an_outage_may_come_within_reach_by_the_credit_of_another(self) -> None:
        assert deadline(Outage(1350, 1400), Outage(1405, 1500)) == 1505

    def test_an_outage_at_the_credited_deadline_is_out_of_reach(self) -> None:
        assert deadline(Outage(1350, 1400), Outage(1410, 1500)) == 1410

    def test_outages_before_the_base_do_not_disturb_those_after_it(self) -> None:
        assert deadline(Outage(100, 200), Outage(990, 1010), Outage(1100, 1150)) == 1420


class TestWhatIsKnown:
    def test_outages_are_kept_in_the_order_of_their_starts(self) -> None:
        outages = Outages([Outage(300, 400), Outage(100, 200)])

        assert outages.known == (Outage(100, 200), Outage(300, 400))

    @pytest.mark.parametrize(
        ("second", "merged"),
        [
            pytest.param(Outage(150, 250), Outage(100, 250), id="overlapping"),
            pytest.param(Outage(200, 250), Outage(100, 250), id="touching"),
            pytest.param(Outage(120, 150), Outage(100, 200), id="inside"),
            pytest.param(Outage(50, 250), Outage(50, 250), id="around"),
            pytest.param(Outage(100, 200), Outage(100, 200), id="the same"),
        ],
    )
    def test_outages_that_meet_are_one(self, second: Outage, merged: Outage) -> None:
        assert Outages([Outage(100, 200)]).plus(second).known == (merged,)

    @pytest.mark.parametrize("nothing", [Outage(100, 100), Outage(100, 50)])
    def test_a_stretch_without_length_is_no_outage(self, nothing: Outage) -> None:
        assert Outages([nothing]).known == ()

    def test_adding_an_outage_leaves_the_former_value_as_it_was(self) -> None:
        before = Outages([Outage(100, 200)])
        before.plus(Outage(300, 400))

        assert before.known == (Outage(100, 200),)

    def test_the_oldest_outages_beyond_the_limit_are_forgotten(self) -> None:
        outages = Outages(Outage(start, start + 1) for start in range(0, 4 * MAX_OUTAGES, 2))

        assert len(outages.known) == MAX_OUTAGES
        assert outages.known[-1].start_timestamp == 4 * MAX_OUTAGES - 2

    def test_a_deadline_among_the_most_outages_is_exact(self) -> None:
        outages = Outages(Outage(start, start + 1) for start in range(0, 2 * MAX_OUTAGES, 2))

        # From 1 on one second of each two counts, and the last odd second ends the window.
        assert outages.deadline(1, 5000) == 1 + 2 * 5000 - 1


class TestTheLastMomentOfReceiving:
    def test_the_first_moment_of_receiving_is_the_last_one(self) -> None:
        assert last_receiving(None, 1000, max_skew_seconds=5) == 1000

    def test_the_last_moment_of_receiving_never_goes_back(self) -> None:
        assert last_receiving(1000, 997, max_skew_seconds=5) == 1000
        assert last_receiving(1000, 1005, max_skew_seconds=5) == 1005

    def test_a_moment_that_a_wrong_clock_noted_far_ahead_does_not_count(self) -> None:
        assert last_receiving(1006, 1000, max_skew_seconds=5) == 1000
