"""Which monitors are judged again as time passes; test_page.py has the law about all of them."""

from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.examples import UP, Life, monitor
from tests.laws import examples
from yuptime_exporter.core.cron_times import CronTimes
from yuptime_exporter.core.model import MonitorKey, State
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.schedules import Cron

NAMES = [f"job-{number}" for number in range(20)]
KEYS = [MonitorKey("prod", name) for name in NAMES]


class Reader:
    """The reader of a table of monitors that expire after 300 s, with 60 s of grace."""

    def __init__(self) -> None:
        self.life = Life(*map(monitor, NAMES))
        self.rejudging = Rejudging(self.life.table, monitors_a_step=6)
        self._changed = self.rejudging.reader()

    def judge(self, *, at: float) -> dict[MonitorKey, State]:
        """Return the states of the monitors that have to be judged."""
        self.life.table.record_receiving(at)
        for _ in self.rejudging.advance(at):
            pass
        judged = self.rejudging.judge(self._changed.take(), now_timestamp=at)
        return {row.monitor.key: verdict.state for row, verdict in judged}


FEW = range(3)
CHANGES = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 10, 29, 30, 31, 100, 400])),
    st.tuples(st.just("push"), st.sampled_from(FEW)),
    st.tuples(st.just("expire"), st.tuples(*[st.sampled_from([40, 100, 300])] * len(FEW))),
)


@settings(max_examples=examples(200))
@given(changes=st.lists(CHANGES, max_size=12))
def test_a_reader_knows_the_state_of_every_monitor_at_every_moment(
    changes: list[tuple[str, Any]],
) -> None:
    reader, now = Reader(), 1000
    known: dict[MonitorKey, State] = {}
    for change, value in [("expire", (300,) * len(FEW)), *changes]:
        if change == "wait":
            now += value
        elif change == "push":
            reader.life.push(UP, at=now, key=KEYS[value])
        else:
            declared = zip(NAMES, value, strict=False)
            reader.life.declare(*(monitor(name, expire_seconds=n) for name, n in declared), at=now)

        known |= reader.judge(at=now)

        judged = reader.life.table.judged(now_timestamp=now)
        assert {row.monitor.key: verdict.state for row, verdict in judged} == known


def test_a_monitor_is_judged_when_it_is_due_and_at_its_deadline_and_at_no_other_moment() -> None:
    reader = Reader()
    reader.judge(at=1000)

    judged = {at: reader.judge(at=at) for at in (1269, 1270, 1299, 1300, 1301, 1340, 1360, 9999)}

    assert judged == {at: {} for at in (1269, 1270, 1299, 1301, 1340, 9999)} | {
        1300: dict.fromkeys(KEYS, State.PENDING),
        1360: dict.fromkeys(KEYS, State.DOWN),
    }


@pytest.mark.parametrize("late", [1300.0, 1345.0, 1359.9, 1360.0, 99999.0])
def test_a_moment_is_not_missed_however_late_it_is_looked_at(late: float) -> None:
    reader = Reader()
    reader.judge(at=1000)

    state = State.PENDING if late < 1360 else State.DOWN
    assert reader.judge(at=late) == dict.fromkeys(KEYS, state)


def test_a_monitor_that_was_pushed_to_is_not_judged_at_its_former_moment() -> None:
    reader = Reader()
    reader.judge(at=1000)
    reader.life.push(UP, at=1250, key=KEYS[0])
    reader.judge(at=1250)

    assert KEYS[0] not in reader.judge(at=1300)
    assert reader.judge(at=1550)[KEYS[0]] is State.LATE


def test_a_monitor_that_is_never_due_has_no_moment() -> None:
    never = "* * */20 * 1L"
    reader = Reader()
    reader.life.declare(monitor(schedule=Cron(never, "UTC", CronTimes(never, UTC))), at=1000)
    reader.judge(at=1000)

    assert reader.rejudging.next_timestamp() is None


def test_a_monitor_that_expires_sooner_than_before_is_judged_at_its_new_moments_only() -> None:
    reader = Reader()
    reader.judge(at=1000)
    reader.life.declare(monitor(NAMES[0], expire_seconds=100), at=1000)
    reader.judge(at=1000)

    judged = {at: reader.judge(at=at) for at in (1099, 1100, 1160, 1300, 1360)}

    assert judged == {1099: {}, 1300: {}, 1360: {}} | {
        1100: {KEYS[0]: State.PENDING},
        1160: {KEYS[0]: State.DOWN},
    }


def test_a_monitor_whose_moments_are_round_is_judged_at_them() -> None:
    reader = Reader()
    reader.life.declare(*map(monitor, NAMES), at=1200)
    reader.life.push(UP, at=1200, key=KEYS[0])
    reader.judge(at=1200)

    assert reader.judge(at=1500)[KEYS[0]] is State.LATE
    assert reader.judge(at=1560)[KEYS[0]] is State.DOWN


def test_a_monitor_that_expires_later_again_is_judged_at_the_moment_that_it_had_before() -> None:
    reader = Reader()
    reader.judge(at=1000)
    reader.life.declare(monitor(NAMES[9], expire_seconds=100), at=1000)
    reader.judge(at=1000)
    reader.life.declare(monitor(NAMES[9]), at=1010)
    reader.judge(at=1010)

    judged = {at: reader.judge(at=at) for at in (1100, 1299, 1300, 1360)}

    assert judged == {1100: {}, 1299: {}} | {
        1300: {KEYS[9]: State.PENDING},
        1360: {KEYS[9]: State.DOWN},
    }
