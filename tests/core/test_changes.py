"""Changes of the table that a store could not accept are joined with later changes."""

from dataclasses import dataclass
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import KEY, UP, Life, monitor, push, pushed, replace_monitors
from yuptime_exporter.core.changes import Changes, Correction
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey
from yuptime_exporter.core.push_order import push_to_store
from yuptime_exporter.core.table import MonitorTable

OTHER = MonitorKey("prod", "other")
FIRST, SECOND, THIRD = (push(at=moment) for moment in (9000, 5000, 1000))


def test_no_changes_are_false_and_any_are_true() -> None:
    assert not Changes()
    assert Changes(armings={KEY: Arming(1)})
    assert Changes(corrections={KEY: Correction(FIRST, SECOND)})
    assert Changes(forgotten={KEY: 1.0})


def test_of_two_armings_the_later_change_is_stored() -> None:
    both = Changes(armings={KEY: Arming(1), OTHER: Arming(2)}).then(
        Changes(armings={KEY: Arming(3)})
    )

    assert both == Changes(armings={KEY: Arming(3), OTHER: Arming(2)})


def test_a_push_that_is_corrected_twice_is_corrected_from_what_the_store_holds() -> None:
    both = Changes(corrections={KEY: Correction(FIRST, SECOND)}).then(
        Changes(corrections={KEY: Correction(SECOND, THIRD)})
    )

    assert both == Changes(corrections={KEY: Correction(FIRST, THIRD)})


def test_a_correction_of_a_later_push_takes_the_place_of_one_that_came_to_nothing() -> None:
    later = push(at=9000, pushes_total=2)
    both = Changes(corrections={KEY: Correction(FIRST, SECOND)}).then(
        Changes(corrections={KEY: Correction(later, THIRD)})
    )

    assert both == Changes(corrections={KEY: Correction(later, THIRD)})


def test_a_monitor_that_is_declared_after_it_was_forgotten_keeps_its_new_arming() -> None:
    life = Life(monitor())
    life.declare(at=1100)
    forgotten = life.table.forget_vanished(before_timestamp=1200)
    declared = replace_monitors(life.table, [monitor()], now_timestamp=1300)
    life.store(forgotten.then(declared))

    assert life.armings == {KEY: Arming(1300)}


@dataclass(frozen=True)
class Step:
    """An event, some seconds after the event before it."""

    wait: float
    act: Literal["push", "declare", "remove", "recreate", "forget", "set the clock back"]
    enabled: bool = True
    stored: bool = True


steps = st.builds(
    Step,
    st.sampled_from([0.0, 1.0, 4.0, 6.0, 60.0, 301.0]),
    st.sampled_from(["push", "declare", "remove", "recreate", "forget", "set the clock back"]),
    st.booleans(),
    st.booleans(),
)


class Lived:
    """A table, and a store that at times takes pushes alone."""

    def __init__(self) -> None:
        self.now = 10_000.0
        self.created = self.now
        self.life = Life(monitor(created_timestamp=self.created), at=self.now)
        self.unsaved = Changes()

    def live(self, step: Step) -> None:
        self.now += step.wait
        table, now = self.life.table, self.now
        match step.act:
            case "push":
                self._push()
            case "declare" | "recreate":
                self.created = now if step.act == "recreate" else self.created
                declared = monitor(enabled=step.enabled, created_timestamp=self.created)
                self.changed(replace_monitors(table, [declared], now_timestamp=now), step.stored)
            case "remove":
                self.changed(replace_monitors(table, [], now_timestamp=now), step.stored)
            case "forget":
                self.changed(table.forget_vanished(before_timestamp=now - 100), step.stored)
            case "set the clock back":
                self.changed(Changes(), stored=True)
                self.now = now - 1000.0
                corrected = table.bring_into_the_present(now_timestamp=self.now)
                self.changed(corrected, step.stored)

    def changed(self, changes: Changes, stored: bool) -> None:
        self.unsaved = self.unsaved.then(changes)
        if stored:
            self.life.store(self.unsaved)
            self.unsaved = Changes()

    def _push(self) -> None:
        row, stored = self.life.table.row(KEY), self.life.last_pushes.get(KEY)
        if row is not None:
            push = pushed(row, UP, at=self.now)
            if stored is not None and stored != row.last_push:
                push = push_to_store(row, push, stored, now_timestamp=self.now)
            self.life.last_pushes[KEY] = push
            self.life.table.record_pushes([(KEY, push)])


@given(st.lists(steps, max_size=12))
def test_once_all_changes_are_stored_the_store_knows_what_the_table_knows(
    history: list[Step],
) -> None:
    lived = Lived()
    for step in history:
        lived.live(step)
    lived.changed(Changes(), stored=True)

    armings, last_pushes = known(lived.life.table)
    assert lived.life.last_pushes == last_pushes
    assert lived.life.armings == armings


def known(table: MonitorTable) -> tuple[dict[MonitorKey, Arming], dict[MonitorKey, LastPush]]:
    """Return all that a table knows, of declared and of other monitors."""
    held = table._undeclared
    armings = held.armings | {row.monitor.key: row.arming for row in table.rows()}
    pushes = {row.monitor.key: row.last_push for row in table.rows() if row.last_push is not None}
    return armings, held.last_pushes | pushes
