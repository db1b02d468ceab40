"""Changes of the table that a store could not accept are joined with later changes."""

from tests.core.examples import KEY, Life, monitor, push
from yuptime_exporter.core.changes import Changes, Correction
from yuptime_exporter.core.model import Arming, MonitorKey

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
    declared = life.table.replace_monitors([monitor()], now_timestamp=1300)
    life.store(forgotten.then(declared))

    assert life.armings == {KEY: Arming(1300)}
