"""The overview: it always shows what judging all monitors again would show."""

from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.core.examples import replace_monitors
from tests.laws import examples
from yuptime_exporter.core.alerting import AlertSettings
from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.model import (
    LastPush,
    Monitor,
    MonitorKey,
    Outage,
    PushKind,
    State,
    TokenRef,
)
from yuptime_exporter.core.overview import KEPT_REMOVALS, URGENCY, Filters, Overview
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.schedules import Every
from yuptime_exporter.core.table import MonitorTable

ALL = Filters()


def monitor(name: str, namespace: str = "jobs", **values: Any) -> Monitor:
    made = Monitor(
        MonitorKey(namespace, name), TokenRef("s", "k"), schedule=Every(100), grace_seconds=10
    )
    return made._replace(**values)


def refresh(overview: Overview, now: float) -> None:
    for _ in overview.refreshing(now_timestamp=now):
        pass


def an_overview(table: MonitorTable) -> Overview:
    return Overview(Rejudging(table))


def a_table(*monitors: Monitor, now: float = 0) -> MonitorTable:
    table = MonitorTable(silence_is_outage_after_seconds=1e9)
    replace_monitors(table, monitors, now_timestamp=now)
    return table


def push(kind: PushKind, now: float) -> LastPush:
    return LastPush(kind, received_timestamp=now, since_timestamp=now, pushes_total=1)


class AsIfJudgedAgain(RuleBasedStateMachine):
    """Pushes, declarations, outages and time in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.table = a_table(now=self.now)
        self.overview = an_overview(self.table)
        self.seen: dict[MonitorKey, State] = {}
        self.version = 0

    @rule(names=st.sets(st.sampled_from("abcdef")), enabled=st.booleans())
    def declare(self, names: set[str], enabled: bool) -> None:
        monitors = [monitor(name, enabled=enabled) for name in sorted(names)]
        replace_monitors(self.table, monitors, now_timestamp=self.now)

    @rule(name=st.sampled_from("abcdef"), kind=st.sampled_from([PushKind.UP, PushKind.DOWN]))
    def push(self, name: str, kind: PushKind) -> None:
        self.table.record_pushes([(MonitorKey("jobs", name), push(kind, self.now))])

    @rule(seconds=st.sampled_from([-50.0, 1.0, 60.0, 150.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def outage(self) -> None:
        self.table.record_outage(Outage(self.now - 20, self.now))

    @invariant()
    def shows_what_is_judged(self) -> None:
        refresh(self.overview, self.now)
        judged = self.table.judged(now_timestamp=self.now)
        listing = self.overview.listing(ALL, offset=0, limit=100)
        order = [one for state in URGENCY for one in judged if one.verdict.state is state]
        assert list(listing.judged) == order
        assert listing.total == len(judged)

    @invariant()
    def a_reader_of_changes_sees_the_same(self) -> None:
        refresh(self.overview, self.now)
        changes = self.overview.changes_since(self.version, ALL, limit=100)
        assert changes.complete
        for key in changes.removed:
            self.seen.pop(key, None)
        self.seen |= {one.row.monitor.key: one.verdict.state for one in changes.judged}
        self.version = self.overview.version
        judged = self.table.judged(now_timestamp=self.now)
        assert self.seen == {one.row.monitor.key: one.verdict.state for one in judged}


TestAsIfJudgedAgain = AsIfJudgedAgain.TestCase
TestAsIfJudgedAgain.settings = hypothesis_settings(
    max_examples=examples(50), stateful_step_count=25
)


def test_without_a_change_the_version_stays() -> None:
    overview = an_overview(a_table(monitor("a"), monitor("b")))
    refresh(overview, 10)
    before = overview.version
    refresh(overview, 20)

    assert overview.version == before
    assert overview.changes_since(before, ALL, limit=9).judged == ()


def test_filters_narrow_the_list_and_the_counts_but_for_the_states() -> None:
    labels = (("team", "red"),)
    table = a_table(monitor("a"), monitor("b", alert_labels=labels), monitor("c", "shop"))
    table.record_pushes([(MonitorKey("jobs", "b"), push(PushKind.DOWN, 5))])
    overview = an_overview(table)
    refresh(overview, 10)

    def names(**filters: Any) -> list[str]:
        listing = overview.listing(Filters(**filters), offset=0, limit=9)
        return [one.row.monitor.key.name for one in listing.judged]

    assert names() == ["b", "a", "c"]
    assert names(states=frozenset({State.PENDING})) == ["a", "c"]
    assert names(namespaces=frozenset({"shop"})) == ["c"]
    assert names(names=frozenset({"a", "c"})) == ["a", "c"]
    assert names(labels=frozenset(labels)) == ["b"]
    assert names(search="OBS/") == ["b", "a"]
    assert overview.namespaces == ("jobs", "shop")
    counts = overview.listing(
        Filters(states=frozenset({State.UP}), search="jobs"), offset=0, limit=9
    ).counts
    assert (counts[State.DOWN], counts[State.PENDING], counts[State.UP]) == (1, 1, 0)


def test_a_label_is_found_wherever_the_alert_has_it_from() -> None:
    table = a_table(monitor("a"), monitor("b", alert_labels=(("team", "red"),)))
    defaults = AlertDefaults((("team", "blue"),), (("cluster", "west"), ("team", "unused")))
    overview = Overview(Rejudging(table), alerting=lambda: AlertSettings(defaults))
    refresh(overview, 10)

    def names(*labels: tuple[str, str]) -> list[str]:
        listing = overview.listing(Filters(labels=frozenset(labels)), offset=0, limit=9)
        return [one.row.monitor.key.name for one in listing.judged]

    assert names(("team", "red")) == ["b"]
    assert names(("team", "blue")) == ["a"]
    assert names(("cluster", "west")) == names(("namespace", "jobs")) == ["a", "b"]
    assert names(("monitor", "a"), ("alertname", "YuptimeMonitorDown")) == ["a"]
    assert names(("team", "unused")) == names(("cluster", "east")) == []


@given(
    st.frozensets(st.tuples(st.sampled_from("ab-0"), st.sampled_from("xyz"))),
    st.frozensets(st.sampled_from(["a", "b", "-", "0", "c", ""])),
    st.sampled_from(["", "y", "a/"]),
)
def test_a_list_has_the_monitors_that_its_filters_admit_one_by_one(
    declared: frozenset[tuple[str, str]], namespaces: frozenset[str], search: str
) -> None:
    table = a_table(*(monitor(name, namespace) for namespace, name in declared))
    overview = an_overview(table)
    refresh(overview, 10)
    filters = Filters(namespaces=namespaces, search=search)

    listed = [one.row for one in overview.listing(filters, offset=0, limit=99).judged]

    assert listed == [row for row in table.rows() if filters.admits_key(row.monitor.key)]


def test_pages_behind_each_other_are_the_whole_list() -> None:
    table = a_table(*(monitor(f"m{n:02}") for n in range(20)))
    for n in range(0, 20, 3):
        table.record_pushes([(MonitorKey("jobs", f"m{n:02}"), push(PushKind.DOWN, 5))])
    overview = an_overview(table)
    refresh(overview, 10)
    whole = overview.listing(ALL, offset=0, limit=100).judged

    parts = [overview.listing(ALL, offset=at, limit=3).judged for at in range(0, 24, 3)]

    assert tuple(one for part in parts for one in part) == whole
    assert len(whole) == 20


def test_too_many_changes_are_not_complete() -> None:
    table = a_table(monitor("a"), monitor("b"), monitor("c"))
    overview = an_overview(table)
    refresh(overview, 10)

    assert not overview.changes_since(0, ALL, limit=2).complete
    assert not overview.changes_since(99, ALL, limit=9).complete  # of another run


def test_changes_that_an_abandoned_refresh_did_not_reach_are_left_to_the_next() -> None:
    overview = an_overview(a_table(*(monitor(f"m{n:03}") for n in range(250))))
    begun = overview.refreshing(now_timestamp=10)
    next(begun)
    begun.close()  # type: ignore[attr-defined]
    refresh(overview, 20)

    assert overview.listing(ALL, offset=0, limit=0).total == 250


def test_of_many_removals_the_oldest_are_forgotten_and_said_to_be_incomplete() -> None:
    table = a_table(*(monitor(f"m{n:04}") for n in range(KEPT_REMOVALS + 1)))
    overview = an_overview(table)
    refresh(overview, 10)
    before = overview.version
    replace_monitors(table, [], now_timestamp=20)
    refresh(overview, 20)

    assert not overview.changes_since(before, ALL, limit=9).complete
    assert overview.changes_since(overview.version, ALL, limit=9).complete
    assert overview.namespaces == ()
