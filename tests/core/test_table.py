"""All monitors in memory: kept, exposed, and stored data."""

from typing import Any

import pytest

from tests.core.examples import (
    DOWN,
    KEY,
    SILENCE_IS_OUTAGE_AFTER_SECONDS,
    UP,
    Life,
    monitor,
    names,
    push,
    replace_monitors,
)
from yuptime_exporter.core.changes import Changes, Correction
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.model import (
    Arming,
    LastPush,
    MonitorKey,
    Outage,
    Reason,
    Row,
    State,
)
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.core.table import MonitorTable

# Later than everything that is adopted.
NOW = 2000


def new_table(restored: Restored | None = None) -> MonitorTable:
    table = MonitorTable(silence_is_outage_after_seconds=SILENCE_IS_OUTAGE_AFTER_SECONDS)
    if restored is not None:
        table.restore(restored)
    return table


def restored(arming: Arming, last_push: LastPush | None = None) -> Restored:
    return Restored({KEY: arming}, {KEY: last_push} if last_push else {})


class TestDeclaring:
    def test_a_new_table_is_empty(self) -> None:
        table = new_table()

        assert table.rows() == ()
        assert table.judged(now_timestamp=1000) == []
        assert table.row(KEY) is None

    def test_a_declared_monitor_is_shown_at_once(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor()], now_timestamp=1000)

        assert table.rows() == (Row(monitor(), Arming(1000), None),)
        assert table.row(KEY) == table.rows()[0]

    def test_rows_are_in_the_order_of_namespace_and_name(self) -> None:
        table = new_table()
        declared = [monitor("b", "y"), monitor("a", "z"), monitor("a", "y"), monitor("z", "x")]
        replace_monitors(table, declared, now_timestamp=1000)

        assert names(table.rows()) == ["x/z", "y/a", "y/b", "z/a"]
        assert names(row for row, _ in table.judged(now_timestamp=1000)) == names(table.rows())

    def test_pushes_do_not_change_the_order_of_rows(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor("a"), monitor("b")], now_timestamp=1000)
        table.record_pushes([(MonitorKey("prod", "b"), push(at=1100))])
        table.record_pushes([(MonitorKey("prod", "a"), push(at=1200))])

        assert names(table.rows()) == ["prod/a", "prod/b"]

    def test_only_changed_armings_are_returned(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor("a"), monitor("b")], now_timestamp=1000)

        changed = replace_monitors(
            table, [monitor("a"), monitor("b", enabled=False), monitor("c")], now_timestamp=1100
        )

        assert changed.armings == {
            MonitorKey("prod", "b"): Arming(1000, paused_timestamp=1100),
            MonitorKey("prod", "c"): Arming(1100),
        }

    def test_declaring_the_same_again_changes_nothing(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor()], now_timestamp=1000)

        assert not replace_monitors(table, [monitor()], now_timestamp=1100)

    def test_a_snapshot_of_the_rows_does_not_change_later(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor()], now_timestamp=1000)
        before = table.rows()
        table.record_pushes([(KEY, push(at=1100))])

        assert before[0].last_push is None


class TestVanishing:
    def test_a_monitor_that_is_no_longer_declared_is_no_longer_shown(self) -> None:
        life = Life()
        life.declare(at=1100)

        assert life.table.rows() == ()
        assert life.table.judged(now_timestamp=1100) == []
        assert life.table.row(KEY) is None

    def test_the_vanishing_of_a_monitor_is_returned_for_the_store_once(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor()], now_timestamp=1000)

        first = replace_monitors(table, [], now_timestamp=1100)
        second = replace_monitors(table, [], now_timestamp=1200)

        assert first == Changes(armings={KEY: Arming(1000, vanished_timestamp=1100)})
        assert not second

    def test_a_monitor_that_returns_has_its_pushes_and_its_arming(self) -> None:
        life = Life()
        last = life.push(UP, at=1050)
        life.declare(at=1100)
        life.declare(monitor(), at=1200)

        assert life.table.row(KEY) == Row(monitor(), Arming(1000), last)

    def test_the_return_of_a_monitor_is_returned_for_the_store(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor()], now_timestamp=1000)
        replace_monitors(table, [], now_timestamp=1100)

        changed = replace_monitors(table, [monitor()], now_timestamp=1200)

        assert changed.armings == {KEY: Arming(1000)}

    def test_a_vanished_monitor_does_not_change_others(self) -> None:
        life = Life(monitor(), monitor("other"))
        last = life.push(UP, at=1050)
        life.declare(monitor(), at=1100)

        assert life.table.rows() == (Row(monitor(), Arming(1000), last),)

    def test_a_push_that_became_durable_after_its_monitor_left_is_kept_unseen(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor()], now_timestamp=1000)
        replace_monitors(table, [], now_timestamp=1100)
        table.record_pushes([(KEY, push(at=1099))])

        assert table.rows() == ()
        replace_monitors(table, [monitor()], now_timestamp=1110)
        assert table.row(KEY) == Row(monitor(), Arming(1000), push(at=1099))


class TestForgetting:
    def test_a_monitor_that_vanished_before_the_moment_is_forgotten(self) -> None:
        life = Life()
        life.push(UP, at=1050)
        life.declare(at=1100)

        changes = life.table.forget_vanished(before_timestamp=1101)
        assert changes == Changes(forgotten={KEY: 1101})
        life.declare(monitor(), at=1150)
        assert life.table.row(KEY) == Row(monitor(), Arming(1150), None)

    def test_a_monitor_that_vanished_at_the_moment_is_kept(self) -> None:
        life = Life()
        life.declare(at=1100)

        assert not life.table.forget_vanished(before_timestamp=1100)

    def test_a_declared_monitor_is_never_forgotten(self) -> None:
        life = Life()
        life.push(UP, at=1050)

        assert not life.table.forget_vanished(before_timestamp=1e12)
        assert len(life.table.rows()) == 1

    def test_a_monitor_that_came_back_is_never_forgotten(self) -> None:
        life = Life()
        life.declare(at=1100)
        life.declare(monitor(), at=1150)

        assert not life.table.forget_vanished(before_timestamp=1e12)

    def test_a_forgotten_monitor_is_forgotten_once(self) -> None:
        life = Life()
        life.declare(at=1100)
        life.table.forget_vanished(before_timestamp=1e12)

        assert not life.table.forget_vanished(before_timestamp=1e12)


class TestRestoring:
    def test_a_restored_monitor_is_shown_once_declared(self) -> None:
        table = new_table(restored(Arming(500), push(at=900)))

        assert table.rows() == ()
        assert not replace_monitors(table, [monitor()], now_timestamp=1000)
        assert table.row(KEY) == Row(monitor(), Arming(500), push(at=900))

    def test_a_restored_monitor_that_is_not_declared_vanishes_now(self) -> None:
        table = new_table(restored(Arming(500)))

        changed = replace_monitors(table, [], now_timestamp=1000)

        assert changed.armings == {KEY: Arming(500, vanished_timestamp=1000)}

    def test_a_resume_while_the_exporter_was_down_is_noticed_at_its_start(self) -> None:
        table = new_table(restored(Arming(500, paused_timestamp=600)))

        changed = replace_monitors(table, [monitor()], now_timestamp=1000)

        assert changed.armings == {KEY: Arming(1000)}

    def test_a_push_with_a_lost_arming_counts_from_now_on(self) -> None:
        table = new_table(Restored({}, {KEY: push(at=500)}))
        replace_monitors(table, [monitor()], now_timestamp=1000)

        [(_, verdict)] = table.judged(now_timestamp=1000)
        assert (verdict.state, verdict.due_timestamp) == (State.UP, 1300)

    def test_the_last_moment_of_receiving_is_restored(self) -> None:
        table = new_table(Restored({}, {}, receiving_timestamp=900))

        assert table.receiving_timestamp == 900

    def test_outages_are_restored(self) -> None:
        table = new_table(Restored({}, {}, outages=(Outage(100, 200),)))

        assert table.ended_outages == (Outage(100, 200),)

    def test_the_store_s_own_mappings_are_not_written_to(self) -> None:
        memory = restored(Arming(500))
        table = new_table(memory)
        replace_monitors(table, [], now_timestamp=1000)
        table.record_pushes([(KEY, push(at=1100))])

        assert memory == restored(Arming(500))

    def test_a_newer_adopted_push_survives_restoring(
        self,
    ) -> None:
        other = MonitorKey("prod", "other")
        table = new_table()
        table.adopt(KEY, Arming(600), push(at=900, pushes_total=2), now_timestamp=NOW)
        table.adopt(other, Arming(700), push(at=700), now_timestamp=NOW)
        last_pushes = {KEY: push(at=800), other: push(at=800)}
        table.restore(Restored({KEY: Arming(500)}, last_pushes))
        replace_monitors(table, [monitor(), monitor("other")], now_timestamp=1000)

        assert table.row(KEY) == Row(monitor(), Arming(600), push(at=900, pushes_total=2))
        assert table.row(other) == Row(monitor("other"), Arming(700), push(at=800))

    def test_a_push_without_an_arming_and_a_declaration_is_forgotten_in_time(self) -> None:
        table = new_table(Restored({}, {KEY: push(at=500)}))
        changes = replace_monitors(table, [], now_timestamp=1000)

        assert changes == Changes(armings={KEY: Arming(500, vanished_timestamp=1000)})
        assert table.forget_vanished(before_timestamp=1001) == Changes(forgotten={KEY: 1001})


class TestOutages:
    def test_nothing_is_an_outage_before_it_was_ever_certain_to_receive(self) -> None:
        assert new_table().outages(now_timestamp=1e9).known == ()

    def test_a_silence_up_to_the_limit_is_no_outage(self) -> None:
        table = new_table()
        table.record_receiving(1000)

        assert table.outages(now_timestamp=1015).known == ()

    def test_a_longer_silence_is_an_outage_while_it_lasts(self) -> None:
        table = new_table()
        table.record_receiving(1000)

        assert table.outages(now_timestamp=1016).known == (Outage(1000, 1016),)
        assert table.outages(now_timestamp=1100).known == (Outage(1000, 1100),)
        assert table.ended_outages == ()

    def test_no_deadline_passes_while_an_outage_lasts(self) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.verdict(at=1200)

        assert life.verdict(at=1250, receiving=False).deadline_timestamp == 1360 + 50
        assert life.verdict(at=1500, receiving=False).state is State.LATE
        assert life.verdict(at=100_000, receiving=False).state is State.LATE

    def test_a_monitor_that_an_outage_made_down_comes_back(self) -> None:
        # The downtime is unknown at first; once known, it is not blamed on the job.
        life = Life()
        life.push(UP, at=1000)
        life.verdict(at=1355)
        before_it_is_known = life.verdict(at=1365, receiving=False).state
        once_it_is_known = life.verdict(at=1371, receiving=False).state

        assert (before_it_is_known, once_it_is_known) == (State.DOWN, State.LATE)

    def test_a_refused_push_tells_of_an_outage_at_once(self) -> None:
        table = new_table()
        table.record_receiving(1000)
        table.record_refusing()

        assert table.open_outage(now_timestamp=1001) == Outage(1000, 1001)
        assert table.outages(now_timestamp=1001).known == (Outage(1000, 1001),)

    def test_receiving_again_ends_an_outage_without_credit_until_it_is_recorded(self) -> None:
        table = new_table()
        table.record_receiving(1000)
        table.record_refusing()
        table.record_receiving(1003)

        assert table.open_outage(now_timestamp=1004) is None

    @pytest.mark.parametrize("end", [1216, 1359, 1360, 5000])
    def test_an_outage_that_ends_is_seamlessly_the_one_that_lasted(self, end: float) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.verdict(at=1200)
        while_it_lasted = life.verdict(at=end, receiving=False)
        life.outage(1200, end)

        assert life.table.outages(now_timestamp=end).known == (Outage(1200, end),)
        assert life.table.receiving_timestamp == end
        assert life.verdict(at=end) == while_it_lasted

    def test_after_an_outage_the_rest_of_the_window_is_left(self) -> None:
        life = Life()
        life.push(UP, at=1000)
        life.outage(1200, 5000)

        assert life.deadline(at=5000) == 5160
        assert life.state(at=5159) is State.LATE
        assert life.state(at=5160) is State.DOWN

    def test_receiving_goes_on_at_the_end_of_an_outage(self) -> None:
        table = new_table()
        table.record_receiving(1000)
        table.record_outage(Outage(1000, 1100))

        assert table.outages(now_timestamp=1110).known == (Outage(1000, 1100),)

    def test_receiving_never_goes_back(self) -> None:
        table = new_table()
        table.record_receiving(1000)
        table.record_receiving(900)

        assert table.receiving_timestamp == 1000

    def test_an_outage_that_is_learned_late_does_not_make_a_later_one(self) -> None:
        table = new_table()
        table.record_receiving(5000)
        table.record_outage(Outage(1000, 1100))

        assert table.outages(now_timestamp=5001).known == (Outage(1000, 1100),)

    def test_a_down_that_was_reported_is_no_less_down_for_an_outage(self) -> None:
        life = Life()
        life.push(DOWN, at=1100)
        life.outage(1200, 5000)

        assert life.verdict(at=5000).reason is Reason.REPORTED_DOWN
        assert life.since(at=9000) == 1100


class TestBringingIntoThePresent:
    def test_future_moments_are_set_to_now_and_returned_for_the_store(self) -> None:
        table = new_table(restored(Arming(9000), push(at=9000)))
        replace_monitors(table, [monitor()], now_timestamp=1000)

        changes = table.bring_into_the_present(now_timestamp=1000)

        correction = Correction(push(at=9000), push(at=1000))
        assert changes == Changes(armings={KEY: Arming(1000)}, corrections={KEY: correction})
        assert table.row(KEY) == Row(monitor(), Arming(1000), push(at=1000))

    def test_moments_that_are_not_in_the_future_are_neither_changed_nor_returned(self) -> None:
        table = new_table(restored(Arming(500), push(at=900)))
        replace_monitors(table, [monitor()], now_timestamp=1000)

        assert not table.bring_into_the_present(now_timestamp=1000)

    def test_monitors_that_are_not_declared_are_corrected_too(self) -> None:
        table = new_table(restored(Arming(9000), push(at=9000)))
        table.bring_into_the_present(now_timestamp=1000)
        replace_monitors(table, [monitor()], now_timestamp=1000)

        assert table.row(KEY) == Row(monitor(), Arming(1000), push(at=1000))

    def test_receiving_is_no_later_than_now(self) -> None:
        table = new_table(Restored({}, {}, receiving_timestamp=9000))
        table.bring_into_the_present(now_timestamp=1000)

        assert table.receiving_timestamp == 1000

    def test_receiving_before_now_is_left_alone(self) -> None:
        table = new_table(Restored({}, {}, receiving_timestamp=900))
        table.bring_into_the_present(now_timestamp=1000)

        assert table.receiving_timestamp == 900

    def test_an_outage_that_lies_ahead_does_not_move_a_deadline(self) -> None:
        # The clock ran ahead when the outage was stored, and has been set back since.
        table = new_table(Restored({}, {}, outages=(Outage(1300, 9000),)))
        table.bring_into_the_present(now_timestamp=1000)
        replace_monitors(table, [monitor()], now_timestamp=1000)

        [(_, verdict)] = table.judged(now_timestamp=1000)
        assert verdict.deadline_timestamp == 1360


class TestAdopting:
    """A newer push of another replica is adopted."""

    def table(self, **fields: Any) -> MonitorTable:
        table = new_table()
        replace_monitors(table, [monitor(**fields)], now_timestamp=1000)
        return table

    def test_a_newer_push_of_another_replica_is_shown(self) -> None:
        table = self.table()

        assert table.adopt(KEY, None, push(at=1100), now_timestamp=NOW)
        assert table.row(KEY) == Row(monitor(), Arming(1000), push(at=1100))

    def test_an_older_push_is_not_adopted(self) -> None:
        table = self.table()
        table.record_pushes([(KEY, push(at=1100))])
        before = table.row(KEY)

        assert not table.adopt(KEY, None, push(DOWN, at=1050), now_timestamp=NOW)
        assert table.row(KEY) is before

    def test_adopting_a_known_push_changes_nothing(self) -> None:
        table = self.table()
        table.record_pushes([(KEY, push(at=1100))])
        before = table.row(KEY)

        assert not table.adopt(KEY, Arming(1000), push(at=1100), now_timestamp=NOW)
        assert table.row(KEY) is before

    def test_of_two_pushes_at_one_moment_the_one_with_the_higher_count_is_newer(self) -> None:
        table = self.table()
        table.record_pushes([(KEY, push(at=1100))])

        table.adopt(KEY, None, push(at=1100, pushes_total=7), now_timestamp=NOW)
        table.adopt(KEY, None, push(at=1100, pushes_total=6), now_timestamp=NOW)

        assert table.row(KEY) == Row(monitor(), Arming(1000), push(at=1100, pushes_total=7))

    def test_a_later_arming_of_another_replica_is_adopted(self) -> None:
        table = self.table()

        assert table.adopt(KEY, Arming(1000.4), None, now_timestamp=NOW)
        assert table.row(KEY) == Row(monitor(), Arming(1000.4), None)

    def test_an_adopted_moment_in_the_future_counts_as_now(self) -> None:
        table = self.table()

        assert table.adopt(KEY, Arming(9000), push(at=9000), now_timestamp=NOW)
        assert table.row(KEY) == Row(monitor(), Arming(NOW), push(at=NOW, since_timestamp=NOW))

    def test_a_push_that_lies_ahead_does_not_replace_the_one_that_continued_it(self) -> None:
        table = self.table()
        table.record_pushes([(KEY, push(at=1100, pushes_total=6))])

        assert not table.adopt(KEY, None, push(at=9000, pushes_total=5), now_timestamp=NOW)

    def test_an_adopted_push_without_an_arming_and_a_declaration_is_forgotten_in_time(self) -> None:
        table = new_table()
        table.adopt(KEY, None, push(at=950), now_timestamp=1000)
        replace_monitors(table, [], now_timestamp=1000)

        assert table.forget_vanished(before_timestamp=1001) == Changes(forgotten={KEY: 1001})

    def test_a_push_after_the_monitor_vanished_keeps_its_history_for_longer(self) -> None:
        table = self.table()
        replace_monitors(table, [], now_timestamp=1100)
        table.adopt(KEY, None, push(at=1500), now_timestamp=NOW)

        assert not table.forget_vanished(before_timestamp=1500)
        assert table.forget_vanished(before_timestamp=1501) == Changes(forgotten={KEY: 1501})

    def test_a_push_that_another_replica_continued_already_does_not_take_its_place(self) -> None:
        table = self.table()
        table.adopt(KEY, None, push(at=1101, pushes_total=3), now_timestamp=NOW)
        table.record_pushes([(KEY, push(at=1100, pushes_total=2))])

        assert table.row(KEY) == Row(monitor(), Arming(1000), push(at=1101, pushes_total=3))

    def test_a_push_to_a_predecessor_is_not_taken_over(self) -> None:
        table = self.table(created_timestamp=1000)

        assert not table.adopt(KEY, None, push(at=900), now_timestamp=NOW)
        assert table.rows()[0].last_push is None

    def test_an_adopted_push_to_an_undeclared_monitor_is_kept_unseen(self) -> None:
        table = new_table()

        assert not table.adopt(KEY, Arming(900), push(at=950), now_timestamp=NOW)
        assert table.rows() == ()
        replace_monitors(table, [monitor()], now_timestamp=1000)
        assert table.row(KEY) == Row(monitor(), Arming(900), push(at=950))

    def test_an_adopted_push_to_an_undeclared_monitor_is_forgotten_in_time(self) -> None:
        table = new_table()
        table.adopt(KEY, Arming(900), push(at=950), now_timestamp=NOW)
        replace_monitors(table, [], now_timestamp=1000)

        changes = table.forget_vanished(before_timestamp=1001)
        assert changes == Changes(forgotten={KEY: 1001})


class TestObjectsThatAreReplaced:
    def test_pushes_to_an_object_that_was_deleted_are_gone_with_it(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor(created_timestamp=1000)], now_timestamp=1000)
        table.record_pushes([(KEY, push(at=1100))])
        replace_monitors(table, [monitor(created_timestamp=2000)], now_timestamp=2000)

        assert table.row(KEY) == Row(monitor(created_timestamp=2000), Arming(2000), None)

    def test_the_store_is_told_to_forget_the_pushes_to_an_object_that_was_deleted(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor(created_timestamp=1000)], now_timestamp=1000)
        table.record_pushes([(KEY, push(at=1100))])
        again = monitor(created_timestamp=2000)
        changes = replace_monitors(table, [again], now_timestamp=2000)

        forgotten = {KEY: 2000 - MAX_FUTURE_SECONDS}
        assert changes == Changes(armings={KEY: Arming(2000)}, forgotten=forgotten)
        assert not replace_monitors(table, [again], now_timestamp=2001)

    def test_pushes_stay_where_the_clock_of_the_creation_is_ahead(self) -> None:
        # The API server's clock is 60 s ahead, so that pushes seem older than the object.
        table = new_table()
        replace_monitors(table, [monitor(created_timestamp=1060)], now_timestamp=1000)
        table.record_pushes([(KEY, push(at=1010))])
        changed = monitor(created_timestamp=1060, expire_seconds=60)
        changes = replace_monitors(table, [changed], now_timestamp=1020)

        row = table.row(KEY)
        assert row is not None
        assert row.last_push == push(at=1010)
        assert not changes.forgotten

    def test_pushes_to_an_object_that_is_changed_stay(self) -> None:
        table = new_table()
        replace_monitors(table, [monitor(created_timestamp=1000)], now_timestamp=1000)
        table.record_pushes([(KEY, push(at=1100))])
        changed = monitor(created_timestamp=1000, expire_seconds=60)
        replace_monitors(table, [changed], now_timestamp=2000)

        assert table.row(KEY) == Row(changed, Arming(1000), push(at=1100))

    def test_a_new_object_is_armed_since_its_creation_if_all_was_known_before(self) -> None:
        table = new_table()
        replace_monitors(table, [], now_timestamp=1000)
        table.record_receiving(1995)
        created = monitor(created_timestamp=2000)

        changes = replace_monitors(table, [created], now_timestamp=2000.5)
        assert changes == Changes(armings={KEY: Arming(2000)})

    def test_an_unchanged_object_is_not_compared_again(self) -> None:
        table = new_table()
        same = monitor()
        replace_monitors(table, [same], now_timestamp=1000)
        before = table.row(KEY)

        assert not replace_monitors(table, [same], now_timestamp=1100)
        assert table.row(KEY) is before

    def test_an_unchanged_object_that_comes_back_is_declared_again(self) -> None:
        table = new_table()
        same = monitor()
        replace_monitors(table, [same], now_timestamp=1000)
        replace_monitors(table, [], now_timestamp=1100)

        changes = replace_monitors(table, [same], now_timestamp=1200)
        assert changes == Changes(armings={KEY: Arming(1000)})
