"""Every rule of runs, one sentence each, and their laws.

Unless a test says otherwise: declared at 1000, expires at 1300, deadline at 1360, and a run may take
100 seconds.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import (
    DOWN,
    KEY,
    LOG,
    NO_OUTAGES,
    START,
    UP,
    Life,
    judged,
    monitor,
    push,
    pushed,
    row,
)
from yuptime_exporter.core.evaluation import after_push, last_event_timestamp, push_in_the_present
from yuptime_exporter.core.model import LastPush, Outage, Push, PushKind, Reason, Row, State
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.push_order import after_other_pushes, newer
from yuptime_exporter.core.runs import MAX_OPEN_RUNS, NO_RUNS, Run, Runs

LIMIT = 100


def limited(last: LastPush | None = None, **fields: Any) -> Row:
    return row(last, max_runtime_seconds=LIMIT, **fields)


def ran(*pushes: Push, onto: Row | None = None) -> Row:
    """Return a monitor after these pushes; without `onto`, one that was up at 1000."""
    current = limited(push(UP, at=1000)) if onto is None else onto
    for one in pushes:
        accepted = after_push(current, NO_OUTAGES, one)
        current = Row(current.monitor, current.arming, accepted)
    return current


def start(at: float, run_id: str = "") -> Push:
    return Push(START, at, run_id=run_id)


def up(at: float, run_id: str = "", **fields: Any) -> Push:
    return Push(UP, at, run_id=run_id, **fields)


def down(at: float, run_id: str = "", **fields: Any) -> Push:
    return Push(DOWN, at, run_id=run_id, **fields)


def runs_of(after: Row) -> Runs:
    assert after.last_push is not None
    return after.last_push.runs


def ids(after: Row) -> list[str]:
    return [run.run_id for run in runs_of(after).open]


class TestStart:
    def test_a_start_changes_nothing_of_the_last_push_but_its_runs(self) -> None:
        before = push(UP, at=1000, message="fine")

        after = pushed(row(before), START, at=1100, message="begins", run_id="7")

        assert after.runs.open == (Run("7", 1100, 1100),)
        assert after.replace(runs=NO_RUNS) == before

    def test_a_message_changes_nothing_at_all(self) -> None:
        before = ran(start(1050, "7"))

        assert ran(Push(LOG, 1100, "half way", run_id="7"), onto=before) == before

    def test_a_start_before_any_push_leaves_the_monitor_pending(self) -> None:
        after = ran(start(1100), onto=row())

        verdict = judged(after, at=1200)
        assert (verdict.state, verdict.reason) == (State.PENDING, Reason.AWAITING_FIRST_PUSH)

    def test_without_a_maximum_runtime_a_start_moves_no_deadline(self) -> None:
        before = row(push(UP, at=1000))

        verdict = judged(ran(start(1100), onto=before), at=1200)

        assert verdict.replace(running_since_timestamp=None) == judged(before, at=1200)
        assert verdict.running_since_timestamp == 1100

    def test_with_a_maximum_runtime_a_push_is_due_at_the_end_of_the_run(self) -> None:
        verdict = judged(ran(start(1290)), at=1350)

        assert (verdict.state, verdict.reason) == (State.UP, Reason.REPORTED_UP)
        assert (verdict.due_timestamp, verdict.deadline_timestamp) == (1390, 1390)

    def test_a_run_that_has_not_ended_by_its_deadline_overran(self) -> None:
        verdict = judged(ran(start(1100)), at=1200)

        assert (verdict.state, verdict.reason, verdict.since_timestamp) == (
            State.DOWN,
            Reason.OVERRAN,
            1200,
        )

    def test_a_first_run_that_hangs_overran_and_has_not_never_pushed(self) -> None:
        verdict = judged(ran(start(1100), onto=limited()), at=1200)

        assert (verdict.state, verdict.reason) == (State.DOWN, Reason.OVERRAN)

    def test_a_start_after_the_due_time_ends_the_lateness_at_the_start(self) -> None:
        verdict = judged(ran(start(1310)), at=1330)

        assert (verdict.state, verdict.since_timestamp) == (State.UP, 1310)

    def test_a_start_after_the_deadline_does_not_end_the_alert(self) -> None:
        before = ran()

        after = judged(ran(start(1360), onto=before), at=1370)

        assert (after.state, after.reason, after.since_timestamp) == (
            State.DOWN,
            Reason.OVERDUE,
            1360,
        )
        assert after.deadline_timestamp == judged(before, at=1370).deadline_timestamp

    def test_a_start_does_not_end_a_reported_down(self) -> None:
        after = ran(down(1010), start(1020))

        assert judged(after, at=1030).reason is Reason.REPORTED_DOWN

    def test_a_second_start_without_an_id_does_not_move_the_deadline(self) -> None:
        after = ran(start(1050), start(1120))

        assert judged(after, at=1130).deadline_timestamp == 1150

    def test_a_job_that_crashes_each_time_before_its_end_goes_down(self) -> None:
        after = ran(*(start(at) for at in range(1050, 1400, 60)))

        assert judged(after, at=1400).reason is Reason.OVERRAN

    def test_a_repeated_start_counts_and_opens_no_second_run(self) -> None:
        after = ran(start(1050, "7"), start(1051, "7"))

        assert runs_of(after).starts_total == 2
        assert runs_of(after).open == (Run("7", 1050, 1051),)

    def test_time_in_which_nobody_can_push_is_credited_to_a_run(self) -> None:
        outages = Outages([Outage(1120, 1150)])

        assert judged(ran(start(1100)), at=1200, outages=outages).deadline_timestamp == 1230

    def test_a_run_from_before_a_pause_does_not_count_after_it(self) -> None:
        before_pause = ran(start(1100)).last_push

        verdict = judged(limited(before_pause, armed=5000), at=5100)

        assert (verdict.state, verdict.deadline_timestamp) == (State.UP, 5360)
        assert verdict.running_since_timestamp is None

    def test_a_start_by_a_clock_that_went_back_a_little_counts_as_the_newest_push(self) -> None:
        after = ran(start(999))

        assert runs_of(after).open == (Run("", 1000, 1000),)

    def test_a_start_in_the_future_becomes_a_start_now(self) -> None:
        last = ran(start(9000)).last_push
        assert last is not None

        corrected = push_in_the_present(last, now_timestamp=2000)

        assert corrected.runs.open == (Run("", 2000, 2000),)
        assert corrected.runs.last_start_timestamp == 2000

    def test_the_newest_event_is_the_last_push_the_last_start_or_the_arming(self) -> None:
        assert last_event_timestamp(limited(armed=900)) == 900
        assert last_event_timestamp(ran()) == 1000
        assert last_event_timestamp(ran(start(1100))) == 1100
        assert last_event_timestamp(ran(start(1100), up(1150))) == 1150


class TestEnd:
    def test_an_end_with_an_id_ends_this_run_alone(self) -> None:
        after = ran(start(1010, "a"), start(1020, "b"), start(1030), up(1040, "a"))

        assert ids(after) == ["b", ""]
        assert judged(after, at=1050).deadline_timestamp == 1120

    def test_an_end_without_an_id_ends_the_run_without_one(self) -> None:
        after = ran(start(1010, "a"), start(1020), up(1030))

        assert ids(after) == ["a"]

    def test_a_failure_without_an_id_ends_every_run(self) -> None:
        after = ran(start(1010, "a"), start(1020), down(1030))

        assert ids(after) == []
        assert runs_of(after).abandoned_total == 1

    def test_a_failure_with_an_id_ends_this_run_alone(self) -> None:
        after = ran(start(1010, "a"), start(1020, "b"), down(1030, "b"))

        assert ids(after) == ["a"]

    def test_an_end_of_a_run_that_never_started_is_a_push_as_any_other(self) -> None:
        after = ran(up(1100, "x"))

        assert judged(after, at=1100) == judged(ran(up(1100)), at=1100)

    def test_a_success_after_a_run_overran_ends_the_alert_for_good(self) -> None:
        """A machine that dies in a run never reports its end; the next run is the proof."""
        after = ran(start(1010, "a"), start(1150, "b"), up(1160, "b"))

        assert judged(after, at=1160).state is State.UP
        assert runs_of(after).open == ()
        assert runs_of(after).abandoned_total == 1

    def test_a_success_beside_a_run_within_its_limit_leaves_it_watched(self) -> None:
        after = ran(start(1010, "a"), start(1020, "b"), up(1030, "b"))

        assert judged(after, at=1110).reason is Reason.OVERRAN

    def test_down_after_a_run_overran_continues_the_incident(self) -> None:
        after = ran(start(1010), down(1500))

        verdict = judged(after, at=1500)
        assert (verdict.reason, verdict.since_timestamp) == (Reason.REPORTED_DOWN, 1110)


class TestDuration:
    def test_the_duration_is_the_time_from_start_to_end(self) -> None:
        runs = runs_of(ran(start(1010, "a"), up(1052.5, "a")))

        assert runs.last_duration_seconds == 42.5
        assert (runs.durations_total, runs.durations_seconds) == (1, 42.5)

    def test_the_duration_counts_from_the_newest_start(self) -> None:
        runs = runs_of(ran(start(1010), start(1040), up(1050)))

        assert runs.last_duration_seconds == 10

    def test_the_duration_that_a_job_measured_counts_more(self) -> None:
        runs = runs_of(ran(start(1010), up(1050, duration_seconds=12.5)))

        assert runs.last_duration_seconds == 12.5

    def test_a_job_may_report_a_duration_without_a_start(self) -> None:
        runs = runs_of(ran(up(1050, duration_seconds=7), up(1100, duration_seconds=3)))

        assert (runs.durations_total, runs.durations_seconds) == (2, 10)

    def test_a_push_without_a_duration_has_none(self) -> None:
        runs = runs_of(ran(up(1050, duration_seconds=7, exit_code=0), up(1100)))

        assert (runs.last_duration_seconds, runs.last_exit_code) == (None, None)

    def test_the_exit_code_is_that_of_the_last_push(self) -> None:
        assert runs_of(ran(down(1050, exit_code=137))).last_exit_code == 137

    def test_a_push_that_says_nothing_about_runs_leaves_no_trace_of_runs(self) -> None:
        assert runs_of(ran(up(1050), down(1060))) is NO_RUNS


class TestTooManyRuns:
    def test_sixteen_runs_may_be_open_at_once(self) -> None:
        after = ran(*(start(1000 + n, str(n)) for n in range(MAX_OPEN_RUNS)))

        assert len(ids(after)) == MAX_OPEN_RUNS
        assert runs_of(after).abandoned_total == 0

    def test_the_seventeenth_replaces_the_newest_but_one_and_is_counted(self) -> None:
        after = ran(*(start(1000 + n, str(n)) for n in range(MAX_OPEN_RUNS + 2)))

        assert ids(after) == [*map(str, range(MAX_OPEN_RUNS - 1)), str(MAX_OPEN_RUNS + 1)]
        assert runs_of(after).abandoned_total == 2


# Small numbers, so that chance meets ties, limits and repeated ids.
moments = st.integers(0, 60).map(lambda seconds: 1000.0 + seconds * 5)
run_ids = st.sampled_from(["", "a", "b", "c"])
one_push = st.builds(
    lambda kind, at, run_id, seconds: Push(
        kind, at, run_id=run_id, duration_seconds=None if kind in (START, LOG) else seconds
    ),
    st.sampled_from([START, START, UP, DOWN, LOG]),
    moments,
    run_ids,
    st.sampled_from([None, None, 3.0]),
)
pushes = st.lists(one_push, max_size=12).map(
    lambda found: sorted(found, key=lambda one: one.received_timestamp)
)


class TestLaws:
    @given(pushes, moments, moments)
    def test_the_deadline_never_moves_by_looking(
        self, given_pushes: list[Push], first: float, second: float
    ) -> None:
        after = ran(*given_pushes)

        assert (
            judged(after, at=first).deadline_timestamp
            == judged(after, at=second).deadline_timestamp
        )

    @given(pushes, moments, run_ids)
    def test_a_start_never_heals(self, given_pushes: list[Push], at: float, run_id: str) -> None:
        before = ran(*given_pushes)
        begun = max([at, *(one.received_timestamp for one in given_pushes)])

        after = ran(start(begun, run_id), onto=before)

        was_down = judged(before, at=begun).state is State.DOWN
        assert not was_down or judged(after, at=begun).state is State.DOWN

    @given(pushes)
    def test_after_a_start_without_an_end_silence_is_down(self, given_pushes: list[Push]) -> None:
        assert judged(ran(*given_pushes), at=10_000).state is State.DOWN

    @given(pushes, st.integers(1, 5))
    def test_a_repeated_start_without_an_id_does_not_move_the_deadline(
        self, given_pushes: list[Push], repetitions: int
    ) -> None:
        begun = ran(*given_pushes, start(1300))
        repeated = ran(*(start(1300.0 + n) for n in range(repetitions)), onto=begun)

        assert (
            judged(repeated, at=1400).deadline_timestamp
            == judged(begun, at=1400).deadline_timestamp
        )

    @given(st.lists(run_ids, unique=True, min_size=1), st.randoms(use_true_random=False))
    def test_runs_end_in_any_order(self, started: list[str], random: Any) -> None:
        ended = list(started)
        random.shuffle(ended)

        after = ran(
            *(start(1010.0 + n, run_id) for n, run_id in enumerate(started)),
            *(up(1050.0 + n, run_id) for n, run_id in enumerate(ended)),
        )

        assert ids(after) == []
        assert runs_of(after).durations_total == len(started)

    @given(st.integers(1, 60))
    def test_the_oldest_run_is_never_given_up_for_a_newer(self, number: int) -> None:
        after = ran(*(start(1000.0 + n, f"run-{n}") for n in range(number)))

        assert ids(after)[0] == "run-0"
        assert ids(after)[-1] == f"run-{number - 1}"
        assert len(ids(after)) + runs_of(after).abandoned_total == number

    @given(pushes)
    def test_a_restart_forgets_no_run(self, given_pushes: list[Push]) -> None:
        life = Life(monitor(max_runtime_seconds=LIMIT))
        for one in given_pushes:
            life.push(one.kind, at=one.received_timestamp, run_id=one.run_id)
        before = life.verdict(at=1300)

        life.restart(at=1300)

        assert life.verdict(at=1300) == before

    @given(pushes)
    def test_the_totals_count_every_push_but_messages_once(self, given_pushes: list[Push]) -> None:
        kinds = [one.kind for one in given_pushes]
        last = ran(*given_pushes, onto=limited()).last_push or LastPush()

        assert last.runs.starts_total == kinds.count(START)
        assert last.pushes_total == kinds.count(UP) + kinds.count(DOWN)


class TestReplicas:
    @given(pushes, one_push, one_push)
    def test_pushes_to_two_replicas_are_both_stored(
        self, before: list[Push], ours: Push, theirs: Push
    ) -> None:
        base = ran(*before, onto=limited())
        found = ran(theirs.replace(received_timestamp=1400), onto=base)
        late = ours.replace(received_timestamp=1401)
        mine = ran(late, onto=base)
        if mine.last_push is None or found.last_push is None or LOG in (ours.kind, theirs.kind):
            return

        stored = after_other_pushes(mine.last_push, base.last_push, found.last_push)

        in_order = ran(late, onto=found).last_push
        assert in_order is not None
        assert stored.runs.starts_total == in_order.runs.starts_total
        assert stored.pushes_total == in_order.pushes_total
        assert stored.runs.last_start_timestamp == in_order.runs.last_start_timestamp

    @given(pushes, st.sampled_from([START, UP, DOWN]), run_ids)
    def test_a_push_that_is_stored_twice_opens_and_ends_no_run_twice(
        self, before: list[Push], kind: PushKind, run_id: str
    ) -> None:
        base = ran(*before, onto=limited())
        stored = ran(Push(kind, 1400, run_id=run_id), onto=base).last_push
        assert stored is not None

        again = after_other_pushes(stored, base.last_push, stored)

        assert again.runs.open == stored.runs.open
        assert after_other_pushes(stored, stored, stored) == stored

    @given(pushes, st.permutations(range(13)))
    def test_replicas_agree_after_they_adopt_pushes_in_any_order(
        self, given_pushes: list[Push], order: list[int]
    ) -> None:
        stored: list[LastPush] = []
        current = limited()
        for one in given_pushes:
            current = ran(one, onto=current)
            stored += [current.last_push] if current.last_push else []
        replica = Life(monitor(max_runtime_seconds=LIMIT))
        for index in order:
            if index < len(stored):
                replica.table.adopt(KEY, None, stored[index], now_timestamp=2000)

        adopted = replica.table.row(KEY)
        assert adopted is not None
        assert (adopted.last_push or LastPush()) == (current.last_push or LastPush())

    def test_a_start_is_newer_than_the_push_before_it(self) -> None:
        first = push(UP, at=1000)
        begun = pushed(row(first), START, at=1010)

        assert newer(first, begun, now_timestamp=1020) is begun
        assert newer(begun, first, now_timestamp=1020) is begun

    @pytest.mark.parametrize("kind", [UP, DOWN])
    def test_a_run_that_another_replica_ended_stays_ended_after_a_start_here(
        self, kind: PushKind
    ) -> None:
        base = ran(start(1010, "a"))
        found = ran(Push(kind, 1020, run_id="a"), onto=base)
        mine = ran(start(1030, "b"), onto=base)
        assert mine.last_push
        assert found.last_push

        stored = after_other_pushes(mine.last_push, base.last_push, found.last_push)

        assert [run.run_id for run in stored.runs.open] == ["b"]
        assert (stored.status, stored.received_timestamp) == (kind, 1020)

    def test_a_run_that_another_replica_ended_and_started_again_is_the_new_one(self) -> None:
        base = ran(start(1010))
        found = ran(up(1020), start(1030), onto=base)
        mine = ran(start(1040, "b"), onto=base)
        assert mine.last_push
        assert found.last_push

        stored = after_other_pushes(mine.last_push, base.last_push, found.last_push)

        assert stored.runs.open == (Run("", 1030, 1030), Run("b", 1040, 1040))
