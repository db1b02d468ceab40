"""A set of monitors that is declared step by step is the set that is declared at once at the end."""

from collections.abc import Callable, Generator

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.examples import DOWN, UP, monitor, push, pushed, replace_monitors
from tests.laws import examples
from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.model import Arming, Monitor, MonitorKey, Row
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.core.table import MonitorTable

NAMES = ("a", "b", "c", "d", "e")
NOW = 10_000.0

Act = Callable[[MonitorTable], object]

keys = st.sampled_from([MonitorKey("prod", name) for name in NAMES])
moments = st.sampled_from([NOW - 500, NOW - 20, NOW - 3, NOW - 1, NOW])


def accepted(key: MonitorKey, at: float, up: bool) -> Act:
    def act(table: MonitorTable) -> None:
        row, status = table.row(key), UP if up else DOWN
        table.record_pushes([(key, pushed(row, status, at=at) if row else push(status, at=at))])

    return act


acts: st.SearchStrategy[Act] = st.one_of(
    st.builds(accepted, keys, moments, st.booleans()),
    st.builds(
        lambda key, armed, at: (
            lambda table: table.adopt(
                key, Arming(armed), push(at=at, pushes_total=7), now_timestamp=NOW
            )
        ),
        keys,
        moments,
        moments,
    ),
    st.builds(lambda at: lambda table: table.forget_vanished(before_timestamp=at), moments),
    st.builds(lambda at: lambda table: table.bring_into_the_present(now_timestamp=at), moments),
)
sets = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(
        dict,
        enabled=st.booleans(),
        created_timestamp=st.sampled_from([None, NOW - 600, NOW - 10]),
    ),
).map(lambda fields: [monitor(name, **fields[name]) for name in sorted(fields)])


def begun(before: list[Monitor]) -> tuple[MonitorTable, list[MonitorKey]]:
    """Return a table with some monitors and stored pushes to all, and its changes from now on."""
    table = MonitorTable(silence_is_outage_after_seconds=15.0)
    stored = [MonitorKey("prod", name) for name in NAMES[::2]]
    table.restore(
        Restored(
            {stored[0]: Arming(NOW - 900, None, NOW - 800)},
            {key: push(at=NOW - 700) for key in stored},
        )
    )
    replace_monitors(table, before, now_timestamp=NOW - 550)
    changed: list[MonitorKey] = []
    table.follow(changed.extend)
    return table, changed


def steps_of(table: MonitorTable, monitors: list[Monitor]) -> Generator[None, None, Changes]:
    return table.declaring(monitors, now_timestamp=NOW, monitors_a_step=1)


def state(table: MonitorTable) -> tuple[tuple[Row, ...], object, object]:
    return table.rows(), table._undeclared.armings, table._undeclared.last_pushes


@settings(max_examples=examples(300))
@given(sets, sets, st.lists(st.lists(acts, max_size=2), max_size=6), st.booleans())
def test_changes_between_the_steps_are_in_the_rows_at_the_end(
    before: list[Monitor], monitors: list[Monitor], acts: list[list[Act]], in_order: bool
) -> None:
    monitors = monitors if in_order else monitors[::-1]
    at_once, _ = begun(before)
    in_steps, changed = begun(before)
    steps = steps_of(in_steps, monitors)
    between = iter(acts)
    changes: Changes | None = None
    while changes is None:
        for act in next(between, ()):
            act(at_once)
            act(in_steps)
        try:
            next(steps)
        except StopIteration as end:
            changes = end.value

    assert changes == replace_monitors(at_once, monitors, now_timestamp=NOW)
    assert state(in_steps) == state(at_once)
    assert set(changed) >= {one.key for one in monitors} - {one.key for one in before}


def test_no_monitor_is_active_before_all_are() -> None:
    table, changed = begun([])
    steps = steps_of(table, [monitor("a"), monitor("b")])

    next(steps)
    next(steps)

    assert table.rows() == ()
    assert changed == []


def test_a_declaration_that_is_given_up_changes_nothing() -> None:
    table, changed = begun([monitor("a")])
    rows = table.rows()
    steps = steps_of(table, [monitor("b")])
    next(steps)

    steps.close()

    assert table.rows() == rows
    assert changed == []
