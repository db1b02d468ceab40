"""Every rule of the state machine, one sentence each.

Unless a test says otherwise: declared at 1000, expires at 1300, deadline at 1360.
"""

import pytest

from tests.core.examples import DOWN, UP, Life, judged, monitor, push, pushed, row
from yuptime_exporter.core.arming import (
    ANNOUNCED_SECONDS,
    REMOUNT_SECONDS,
    after_declaration,
    after_vanishing,
    arming_in_the_present,
    newer_arming,
)
from yuptime_exporter.core.evaluation import (
    MAX_FUTURE_SECONDS,
    push_in_the_present,
)
from yuptime_exporter.core.model import Arming, Reason, State, Verdict

A_MOMENT = 1e-6


class TestBeforeTheFirstPush:
    def test_a_new_monitor_is_pending_since_it_was_declared(self) -> None:
        verdict = judged(row(), at=1000)

        assert verdict == Verdict(State.PENDING, Reason.AWAITING_FIRST_PUSH, 1000, 1300, 1360)

    @pytest.mark.parametrize("at", [1300, 1300 + A_MOMENT, 1360 - A_MOMENT])
    def test_a_pending_monitor_stays_pending_past_its_due_time(self, at: float) -> None:
        verdict = judged(row(), at=at)

        assert verdict == Verdict(State.PENDING, Reason.AWAITING_FIRST_PUSH, 1000, 1300, 1360)

    @pytest.mark.parametrize("at", [1360, 1360 + A_MOMENT, 1e9])
    def test_a_monitor_without_a_push_is_down_from_exactly_the_deadline_on(self, at: float) -> None:
        verdict = judged(row(), at=at)

        assert verdict == Verdict(State.DOWN, Reason.NEVER_PUSHED, 1360, 1300, 1360)

    def test_a_first_push_after_the_first_deadline_begins_a_new_up(self) -> None:
        verdict = judged(row(pushed(row(), UP, at=2000)), at=2100)

        assert verdict == Verdict(State.UP, Reason.REPORTED_UP, 2000, 2300, 2360)

    def test_a_first_push_that_says_down_begins_down(self) -> None:
        verdict = judged(row(pushed(row(), DOWN, at=1100)), at=1100)

        assert verdict == Verdict(State.DOWN, Reason.REPORTED_DOWN, 1100, 1400, 1460)

    def test_a_down_push_after_never_pushed_continues_the_incident_of_the_deadline(self) -> None:
        verdict = judged(row(pushed(row(), DOWN, at=2000)), at=2000)

        assert (verdict.reason, verdict.since_timestamp) == (Reason.REPORTED_DOWN, 1360)


class TestAfterAPush:
    @pytest.mark.parametrize("at", [1000, 1150, 1300 - A_MOMENT])
    def test_a_monitor_is_up_until_its_push_expires(self, at: float) -> None:
        verdict = judged(row(push(UP, at=1000)), at=at)

        assert verdict == Verdict(State.UP, Reason.REPORTED_UP, 1000, 1300, 1360)

    @pytest.mark.parametrize("at", [1300, 1300 + A_MOMENT, 1360 - A_MOMENT])
    def test_a_monitor_is_late_from_exactly_the_due_time_on(self, at: float) -> None:
        verdict = judged(row(push(UP, at=1000)), at=at)

        assert verdict == Verdict(State.LATE, Reason.OVERDUE, 1300, 1300, 1360)

    @pytest.mark.parametrize("at", [1360, 1360 + A_MOMENT, 1e9])
    def test_a_monitor_is_down_from_exactly_the_deadline_on(self, at: float) -> None:
        verdict = judged(row(push(UP, at=1000)), at=at)

        assert verdict == Verdict(State.DOWN, Reason.OVERDUE, 1360, 1300, 1360)

    def test_a_monitor_without_grace_is_never_late(self) -> None:
        graceless = row(push(UP, at=1000), grace_seconds=0)

        assert judged(graceless, at=1300 - A_MOMENT).state is State.UP
        assert judged(graceless, at=1300).state is State.DOWN

    def test_a_monitor_without_grace_is_pending_until_the_due_time(self) -> None:
        graceless = row(grace_seconds=0)

        assert judged(graceless, at=1300 - A_MOMENT).state is State.PENDING
        assert judged(graceless, at=1300).state is State.DOWN

    def test_the_clock_counts_from_the_arming_where_that_is_later_than_the_push(self) -> None:
        verdict = judged(row(push(UP, at=500), armed=1000), at=1299)

        assert verdict == Verdict(State.UP, Reason.REPORTED_UP, 1000, 1300, 1360)

    def test_the_clock_counts_from_the_push_where_that_is_later_than_the_arming(self) -> None:
        verdict = judged(row(push(UP, at=1100), armed=1000), at=1399)

        assert verdict == Verdict(State.UP, Reason.REPORTED_UP, 1100, 1400, 1460)

    def test_a_clock_slewed_to_before_the_push_sees_it_as_fresh(self) -> None:
        verdict = judged(row(push(UP, at=1000)), at=996)

        assert verdict.state is State.UP


class TestReportedDown:
    def test_a_down_push_is_down_at_once(self) -> None:
        verdict = judged(row(push(DOWN, at=1100)), at=1100)

        assert verdict == Verdict(State.DOWN, Reason.REPORTED_DOWN, 1100, 1400, 1460)

    @pytest.mark.parametrize("at", [1399, 1400, 1459, 1460, 1e9])
    def test_a_reported_down_keeps_its_reason_and_its_beginning_during_silence(
        self, at: float
    ) -> None:
        verdict = judged(row(push(DOWN, at=1100)), at=at)

        assert verdict == Verdict(State.DOWN, Reason.REPORTED_DOWN, 1100, 1400, 1460)

    def test_a_second_down_push_keeps_the_beginning_of_the_first(self) -> None:
        life = Life()
        life.push(DOWN, at=1100)
        life.push(DOWN, at=1200)

        assert life.since(at=1300) == 1100

    def test_a_down_push_after_long_silence_keeps_the_beginning_of_the_first(self) -> None:
        life = Life()
        life.push(DOWN, at=1100)
        life.push(DOWN, at=9000)

        assert life.since(at=9000) == 1100

    def test_a_down_push_ends_an_up(self) -> None:
        life = Life()
        life.push(UP, at=1050)
        life.push(DOWN, at=1100)

        assert life.since(at=1200) == 1100

    def test_a_down_push_while_late_begins_at_the_push(self) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.push(DOWN, at=1330)

        assert life.since(at=1400) == 1330

    @pytest.mark.parametrize("at", [1360, 5000])
    def test_a_down_push_while_overdue_continues_the_incident_that_began_at_the_deadline(
        self, at: float
    ) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.push(DOWN, at=at)

        assert life.verdict(at=at).reason is Reason.REPORTED_DOWN
        assert life.since(at=9000) == 1360

    def test_an_up_push_ends_a_reported_down(self) -> None:
        life = Life()
        life.push(DOWN, at=1100)
        life.push(UP, at=1200)

        assert life.verdict(at=1200) == Verdict(State.UP, Reason.REPORTED_UP, 1200, 1500, 1560)


class TestTheBeginningOfUp:
    def test_an_unbroken_run_of_ups_keeps_its_beginning(self) -> None:
        life = Life()
        for at in range(1000, 4000, 250):
            life.push(UP, at=at)

        assert life.verdict(at=4000).since_timestamp == 1000

    @pytest.mark.parametrize("at", [1300, 1330])
    def test_an_up_after_late_begins_a_new_up(self, at: float) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.push(UP, at=at)

        assert life.since(at=1400) == at

    @pytest.mark.parametrize("at", [1360, 5000])
    def test_an_up_after_overdue_begins_a_new_up(self, at: float) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.push(UP, at=at)

        assert life.since(at=at) == at


class TestWhatAPushLeaves:
    def test_the_first_push_counts_one(self) -> None:
        accepted = pushed(row(), UP, at=1100, message="copied 3 files")

        assert accepted == push(UP, at=1100, message="copied 3 files")

    def test_each_push_counts_and_each_down_counts_again(self) -> None:
        life = Life()
        for at, status in enumerate((UP, DOWN, DOWN, UP, DOWN), start=1001):
            life.push(status, at=at)

        last = life.last_pushes[monitor().key]
        assert (last.pushes_total, last.pushes_down_total) == (5, 3)

    def test_a_down_push_keeps_the_moment_of_the_last_success(self) -> None:
        life = Life()
        life.push(UP, at=1100)
        life.push(DOWN, at=1200)

        assert life.last_pushes[monitor().key].last_success_timestamp == 1100

    def test_a_first_down_push_leaves_no_last_success(self) -> None:
        assert pushed(row(), DOWN, at=1100).last_success_timestamp == 0

    def test_a_push_replaces_the_message(self) -> None:
        before = row(push(DOWN, at=1000, message="disk full"))

        assert pushed(before, UP, at=1100).message == ""


class TestPauseAndResume:
    def test_a_paused_monitor_is_paused_since_it_was_paused(self) -> None:
        life = Life()
        life.declare(monitor(enabled=False), at=1100)

        assert life.verdict(at=1e9) == Verdict(State.PAUSED, Reason.DISABLED, 1100, 1300, 1360)

    def test_a_monitor_declared_paused_is_paused_since_its_declaration(self) -> None:
        life = Life(monitor(enabled=False), at=1000)

        assert life.verdict(at=5000).since_timestamp == 1000

    def test_declaring_a_paused_monitor_again_does_not_move_the_beginning_of_its_pause(
        self,
    ) -> None:
        life = Life()
        life.declare(monitor(enabled=False), at=1100)
        life.declare(monitor(enabled=False), at=1200)

        assert life.since(at=1300) == 1100

    def test_a_reported_down_is_not_down_while_paused(self) -> None:
        assert judged(row(push(DOWN, at=1000), paused=1100), at=1200).state is State.PAUSED

    def test_resuming_a_monitor_arms_it_again(self) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.declare(monitor(enabled=False), at=1100)
        life.declare(monitor(), at=5000)

        assert life.verdict(at=5299) == Verdict(State.UP, Reason.REPORTED_UP, 5000, 5300, 5360)
        assert life.state(at=5360) is State.DOWN

    def test_resuming_a_monitor_without_a_push_awaits_its_first_push_again(self) -> None:
        life = Life(monitor(enabled=False), at=1000)
        life.declare(monitor(), at=5000)

        assert life.verdict(at=5359) == Verdict(
            State.PENDING, Reason.AWAITING_FIRST_PUSH, 5000, 5300, 5360
        )

    def test_a_down_reported_before_the_pause_is_down_again_from_the_resume(self) -> None:
        life = Life()
        life.push(DOWN, at=1050)
        life.declare(monitor(enabled=False), at=1100)
        life.declare(monitor(), at=5000)

        verdict = life.verdict(at=9000)
        assert (verdict.reason, verdict.since_timestamp) == (Reason.REPORTED_DOWN, 5000)

    def test_a_down_push_after_the_resume_continues_from_the_resume(self) -> None:
        life = Life()
        life.push(DOWN, at=1050)
        life.declare(monitor(enabled=False), at=1100)
        life.declare(monitor(), at=5000)
        life.push(DOWN, at=5100)

        assert life.since(at=9000) == 5000

    def test_pushes_while_paused_are_counted_and_remembered(self) -> None:
        life = Life()
        life.declare(monitor(enabled=False), at=1100)
        accepted = life.push(DOWN, at=1200)

        assert (accepted.received_timestamp, accepted.pushes_total) == (1200, 1)
        assert life.state(at=1200) is State.PAUSED

    def test_a_down_pushed_while_paused_is_down_from_the_resume(self) -> None:
        life = Life()
        life.declare(monitor(enabled=False), at=1100)
        life.push(DOWN, at=1200)
        life.declare(monitor(), at=5000)

        verdict = life.verdict(at=5000)
        assert (verdict.reason, verdict.since_timestamp) == (Reason.REPORTED_DOWN, 5000)

    def test_an_up_pushed_while_paused_is_up_from_the_resume(self) -> None:
        life = Life()
        life.push(DOWN, at=1050)
        life.declare(monitor(enabled=False), at=1100)
        life.push(UP, at=1200)
        life.declare(monitor(), at=5000)

        assert life.verdict(at=5000) == Verdict(State.UP, Reason.REPORTED_UP, 5000, 5300, 5360)

    def test_the_same_report_while_paused_keeps_its_beginning(self) -> None:
        paused = row(push(DOWN, at=1050), paused=1100)

        assert pushed(paused, DOWN, at=1200).since_timestamp == 1050

    def test_another_report_while_paused_begins_at_the_push(self) -> None:
        paused = row(push(DOWN, at=1050), paused=1100)

        assert pushed(paused, UP, at=1200).since_timestamp == 1200

    def test_a_clock_set_back_before_the_resume_does_not_arm_earlier(self) -> None:
        previous = Arming(1000, paused_timestamp=1100)

        resumed = after_declaration(previous, monitor(), now_timestamp=900)

        assert resumed == Arming(1000)


class TestReload:
    def test_the_first_declaration_arms_a_monitor(self) -> None:
        assert after_declaration(None, monitor(), now_timestamp=1000) == Arming(1000)

    def test_declaring_a_monitor_again_changes_nothing(self) -> None:
        assert after_declaration(Arming(1000), monitor(), now_timestamp=9000) == Arming(1000)

    def test_a_longer_expire_moves_the_deadline_of_the_push_already_held(self) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.declare(monitor(expire_seconds=3600), at=1100)

        assert life.deadline(at=1100) == 1000 + 3600 + 60

    def test_a_longer_expire_brings_an_overdue_monitor_back_up_since_its_push(self) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.declare(monitor(expire_seconds=3600), at=2000)

        assert life.verdict(at=2000) == Verdict(State.UP, Reason.REPORTED_UP, 1000, 4600, 4660)

    def test_a_shorter_expire_may_make_a_monitor_overdue_at_once(self) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.declare(monitor(expire_seconds=30, grace_seconds=10), at=1100)

        assert life.verdict(at=1100) == Verdict(State.DOWN, Reason.OVERDUE, 1040, 1030, 1040)


class TestRemount:
    """Gone for at most REMOUNT_SECONDS: the clock goes on. Longer: a new declaration."""

    def test_a_vanished_monitor_keeps_the_first_moment_of_its_absence(self) -> None:
        once = after_vanishing(Arming(1000), now_timestamp=1100)
        twice = after_vanishing(once, now_timestamp=1200)

        assert twice == Arming(1000, vanished_timestamp=1100)

    @pytest.mark.parametrize("gone", [0, 1, REMOUNT_SECONDS])
    def test_a_short_absence_of_a_monitor_keeps_its_arming(self, gone: float) -> None:
        vanished = Arming(1000, vanished_timestamp=1100)

        back = after_declaration(vanished, monitor(), now_timestamp=1100 + gone)

        assert back == Arming(1000)

    def test_a_longer_absence_of_a_monitor_arms_it_again(self) -> None:
        vanished = Arming(1000, vanished_timestamp=1100)
        now = 1100 + REMOUNT_SECONDS + A_MOMENT

        assert after_declaration(vanished, monitor(), now_timestamp=now) == Arming(now)

    def test_an_overdue_monitor_is_still_overdue_after_a_remount(self) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.declare(at=1350)
        life.declare(monitor(), at=1400)

        assert life.verdict(at=1400) == Verdict(State.DOWN, Reason.OVERDUE, 1360, 1300, 1360)

    def test_a_monitor_back_after_long_is_good_for_one_expire(self) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.declare(at=1100)
        life.declare(monitor(), at=9000)

        assert life.verdict(at=9000) == Verdict(State.UP, Reason.REPORTED_UP, 9000, 9300, 9360)

    def test_a_pause_outlives_a_remount(self) -> None:
        vanished = Arming(1000, paused_timestamp=1050, vanished_timestamp=1100)

        back = after_declaration(vanished, monitor(enabled=False), now_timestamp=1200)

        assert back == Arming(1000, paused_timestamp=1050)

    def test_a_monitor_that_comes_back_enabled_after_a_pause_is_resumed(self) -> None:
        vanished = Arming(1000, paused_timestamp=1050, vanished_timestamp=1100)

        assert after_declaration(vanished, monitor(), now_timestamp=1200) == Arming(1200)

    def test_a_monitor_that_comes_back_paused_is_paused_since_then(self) -> None:
        vanished = Arming(1000, vanished_timestamp=1100)

        back = after_declaration(vanished, monitor(enabled=False), now_timestamp=1200)

        assert back == Arming(1000, paused_timestamp=1200)

    def test_a_clock_set_back_is_no_long_absence(self) -> None:
        vanished = Arming(1000, vanished_timestamp=90_000)

        assert after_declaration(vanished, monitor(), now_timestamp=1200) == Arming(1000)


class TestClocksThatStep:
    @pytest.mark.parametrize("back", [A_MOMENT, 1, MAX_FUTURE_SECONDS])
    def test_a_push_under_a_slewed_clock_is_not_received_before_the_one_before_it(
        self, back: float
    ) -> None:
        before = row(push(UP, at=1000))

        assert pushed(before, UP, at=1000 - back).received_timestamp == 1000

    def test_a_push_under_a_clock_that_was_stepped_back_is_received_now(self) -> None:
        before = row(push(UP, at=1000))
        now = 1000 - MAX_FUTURE_SECONDS - A_MOMENT

        accepted = pushed(before, UP, at=now)

        assert (accepted.received_timestamp, accepted.since_timestamp) == (now, now)

    def test_a_stored_moment_up_to_five_seconds_ahead_is_left_alone(self) -> None:
        arming = Arming(1005, paused_timestamp=1005, vanished_timestamp=1005)

        assert arming_in_the_present(arming, now_timestamp=1000) == arming
        assert push_in_the_present(push(at=1005), now_timestamp=1000) == push(at=1005)

    def test_a_stored_moment_further_ahead_is_treated_as_now(self) -> None:
        arming = Arming(1006, paused_timestamp=1006, vanished_timestamp=1006)

        assert arming_in_the_present(arming, now_timestamp=1000) == Arming(1000, 1000, 1000)
        assert push_in_the_present(push(at=1006), now_timestamp=1000) == push(at=1000)

    def test_stored_moments_of_the_past_do_not_change(self) -> None:
        assert arming_in_the_present(Arming(400), now_timestamp=1000) == Arming(400)
        assert push_in_the_present(push(at=400), now_timestamp=1000) == push(at=400)

    def test_a_push_brought_into_the_present_keeps_its_counts_and_message(self) -> None:
        ahead = push(DOWN, at=9000, message="disk full", pushes_total=7, pushes_down_total=3)

        present = push_in_the_present(ahead, now_timestamp=1000)

        assert present == ahead.replace(received_timestamp=1000, since_timestamp=1000)

    def test_a_push_brought_into_the_present_is_in_its_state_since_no_later_than_itself(
        self,
    ) -> None:
        ahead = push(UP, at=1006, since_timestamp=1004, last_success_timestamp=1006)

        present = push_in_the_present(ahead, now_timestamp=1000)

        assert present.since_timestamp <= present.received_timestamp

    def test_a_down_push_under_a_clock_stepped_back_leaves_no_success_in_the_future(self) -> None:
        before = row(push(UP, at=9000), armed=0)

        accepted = pushed(before, DOWN, at=1000)

        assert accepted.last_success_timestamp <= accepted.received_timestamp


class TestCreation:
    """A source of objects knows the creation of each; the clock of a new monitor starts then."""

    def test_a_monitor_that_was_created_just_now_is_armed_since_its_creation(self) -> None:
        new = monitor(created_timestamp=1000)

        armed = after_declaration(None, new, now_timestamp=1000.4, known_timestamp=1000.3)

        assert armed == Arming(1000)

    def test_a_monitor_that_was_created_during_an_absence_is_armed_since_its_creation(self) -> None:
        new = monitor(created_timestamp=1000)

        assert after_declaration(
            None, new, now_timestamp=5000, known_timestamp=900
        ) == Arming(1000)  # fmt: skip

    @pytest.mark.parametrize("age", [0, ANNOUNCED_SECONDS])
    def test_a_monitor_that_is_announced_a_little_late_is_armed_since_its_creation(
        self, age: float
    ) -> None:
        new = monitor(created_timestamp=2000 - age)

        armed = after_declaration(None, new, now_timestamp=2000, known_timestamp=2000)

        assert armed == Arming(2000 - age)

    def test_a_monitor_that_became_a_push_monitor_long_after_its_creation_is_armed_now(
        self,
    ) -> None:
        changed = monitor(created_timestamp=1000)
        late = 1000 + ANNOUNCED_SECONDS + A_MOMENT

        armed = after_declaration(None, changed, now_timestamp=late, known_timestamp=late)

        assert armed == Arming(late)

    def test_a_monitor_with_lost_state_is_armed_now(self) -> None:
        # State was lost, so the last pushes of its jobs are unknown.
        old = monitor(created_timestamp=1000)

        assert after_declaration(None, old, now_timestamp=5000) == Arming(5000)

    def test_a_creation_in_the_future_counts_as_now(self) -> None:
        ahead = monitor(created_timestamp=1003)

        armed = after_declaration(None, ahead, now_timestamp=1000, known_timestamp=999)

        assert armed == Arming(1000)

    def test_an_object_that_replaced_one_of_its_name_is_armed_since_its_own_creation(self) -> None:
        replaced = monitor(created_timestamp=2000)

        assert after_declaration(Arming(1000), replaced, now_timestamp=2001) == Arming(2000)

    def test_declaring_the_same_object_again_changes_nothing(self) -> None:
        same = monitor(created_timestamp=1000)

        assert after_declaration(Arming(1500), same, now_timestamp=9000) == Arming(1500)

    def test_a_monitor_that_was_created_paused_is_paused_since_it_became_known(self) -> None:
        paused = monitor(created_timestamp=1000, enabled=False)

        armed = after_declaration(None, paused, now_timestamp=1002, known_timestamp=1001)

        assert armed == Arming(1000, paused_timestamp=1002)


class TestReplicasArm:
    def test_the_later_of_two_armings_is_active(self) -> None:
        assert newer_arming(Arming(1000), Arming(1000.4)) == Arming(1000.4)
        assert newer_arming(Arming(1000.4), Arming(1000)) == Arming(1000.4)

    def test_a_pause_began_when_the_first_replica_saw_it(self) -> None:
        first, second = Arming(1000, paused_timestamp=1100), Arming(1000, paused_timestamp=1100.4)

        assert newer_arming(first, second) == newer_arming(second, first) == first

    def test_the_own_declaration_of_a_replica_decides_about_a_pause(self) -> None:
        paused, running = Arming(1000, paused_timestamp=1100), Arming(2000)

        assert newer_arming(paused, running) == Arming(2000, paused_timestamp=1100)
        assert newer_arming(running, paused) == running

    def test_the_own_declaration_of_a_replica_decides_about_an_absence(self) -> None:
        gone = Arming(1000, vanished_timestamp=1100)

        assert newer_arming(gone, Arming(1200)) == Arming(1200, vanished_timestamp=1100)


@pytest.mark.interpreted  # a compiled push holds its moments as numbers, without objects
def test_the_equal_moments_of_a_push_are_one_object_in_memory() -> None:
    last = pushed(row(), UP, at=1001.5)

    assert last.received_timestamp is last.since_timestamp is last.last_success_timestamp
