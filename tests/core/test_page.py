"""The kept lines equal what prometheus-client writes about all monitors at that moment."""

import gzip
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tests.core.examples import DOWN, START, UP, Life, monitor, monitor_families
from tests.laws import examples
from yuptime_exporter.core.families import exposed_families
from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.model import Judged, Monitor, MonitorKey, Outage
from yuptime_exporter.core.packing import gzip_file
from yuptime_exporter.core.page import MONITORS_A_STEP, MonitorPage
from yuptime_exporter.core.rejudging import Rejudging

FAMILIES = exposed_families(messages=True)
ACCEPTED = ("", "application/openmetrics-text;version=1.0.0")


class Scraped(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def written(metrics: list[Metric], accept: str) -> bytes:
    registry = CollectorRegistry()
    registry.register(Scraped(metrics))
    return choose_encoder(accept)[0](registry)


class Kept:
    """A table with its page, at a moment that the tests move."""

    def __init__(self, *, monitors_a_block: int = 4) -> None:
        self.life = Life()
        self.now = 1000.0
        self.defaults = AlertDefaults()
        rejudging = self.rejudging = Rejudging(self.life.table, monitors_a_step=monitors_a_block)
        self.reader = rejudging.reader()
        self.known: dict[MonitorKey, Judged] = {}
        self.page = MonitorPage(
            self.life.table,
            rejudging,
            FAMILIES,
            alert_defaults=lambda: self.defaults,
            monitors_a_block=monitors_a_block,
        )

    def refresh(self) -> int:
        """Return the number of rendered lines."""
        before = self.page.lines_rendered_total
        for _ in self.page.refresh(self.now):
            pass
        return self.page.lines_rendered_total - before

    def judge_again(self) -> None:
        """Judge what the other reader of the table has to judge, as the publisher does."""
        for _ in self.rejudging.advance(self.now):
            pass
        keys = self.reader.take()
        for key in keys:
            self.known.pop(key, None)
        for one in self.rejudging.judge(keys, now_timestamp=self.now):
            self.known[one.row.monitor.key] = one

    def text(self, accept: str = "") -> bytes:
        heads = [written([family.metric(())], accept) for family in FAMILIES]
        parts = [
            head.removesuffix(b"# EOF\n") + b"".join(map(bytes, lines))
            for head, (_, lines) in zip(heads, self.page.lines(), strict=True)
        ]
        return b"".join(parts) + (b"# EOF\n" if accept else b"")

    def lines(self) -> bytes:
        return b"".join(bytes(lines) for _, own in self.page.lines() for lines in own)

    def packed(self) -> bytes:
        return b"".join(gzip_file(lines.packed() for _, own in self.page.lines() for lines in own))

    def expected(self, accept: str = "") -> bytes:
        table = self.life.table
        judged = table.judged(now_timestamp=self.now)
        metrics = monitor_families(
            judged, self.defaults, messages=True, rejected_total=table.rejected_total
        )
        return written(metrics, accept)

    def declare(self, *monitors: Monitor) -> None:
        self.life.declare(*monitors, at=self.now)


names = st.integers(0, 19)
seconds = st.sampled_from([0.0, 0.25, 29.0, 59.0, 60.0, 61.0, 300.0, 360.0, 1e6])


class KeptLines(RuleBasedStateMachine):
    """Anything that can happen to monitors, with a scrape after some of it."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = Kept()
        self.declared: dict[MonitorKey, Monitor] = {}

    def _declare(self) -> None:
        self.kept.declare(*self.declared.values())

    @rule(
        numbers=st.sets(names, max_size=20),
        expire=st.sampled_from([60, 300]),
        grace=st.sampled_from([0, 60]),
        limit=st.sampled_from([None, 30]),
    )
    def a_source_declares(
        self, numbers: set[int], expire: int, grace: int, limit: int | None
    ) -> None:
        for number in numbers:
            one = monitor(
                f"job-{number}",
                expire_seconds=expire,
                grace_seconds=grace,
                max_runtime_seconds=limit,
            )
            self.declared[one.key] = one
        self._declare()

    @rule(number=names, text=st.text(max_size=9))
    def a_team_labels(self, number: int, text: str) -> None:
        one = monitor(f"job-{number}", alert_labels=(("team", text),), alert_description=text)
        self.declared[one.key] = one
        self._declare()

    @rule(numbers=st.sets(names, max_size=20))
    def a_source_removes(self, numbers: set[int]) -> None:
        for number in numbers:
            self.declared.pop(MonitorKey("prod", f"job-{number}"), None)
        self._declare()

    @rule(number=names)
    def a_team_pauses_or_resumes(self, number: int) -> None:
        key = MonitorKey("prod", f"job-{number}")
        if key in self.declared:
            one = self.declared[key]
            self.declared[key] = one._replace(enabled=not one.enabled)
            self._declare()

    @rule(number=names, status=st.sampled_from([UP, DOWN]), message=st.text(max_size=5))
    def a_job_pushes(self, number: int, status, message: str) -> None:
        key = MonitorKey("prod", f"job-{number}")
        if key in self.declared:
            self.kept.life.push(status, at=self.kept.now, key=key, message=message)

    @rule(number=names, seconds=st.sampled_from([None, -0.0, 0.5]))
    def a_job_runs(self, number: int, seconds: float | None) -> None:
        key = MonitorKey("prod", f"job-{number}")
        if key in self.declared:
            self.kept.life.push(START, at=self.kept.now, key=key, run_id="a")
            self.kept.life.push(UP, at=self.kept.now, key=key, duration_seconds=seconds)

    @rule(number=names)
    def a_push_is_rejected(self, number: int) -> None:
        self.kept.life.table.record_rejected(MonitorKey("prod", f"job-{number}"))

    @rule(length=seconds)
    def time_passes(self, length: float) -> None:
        self.kept.now += length

    @rule(length=seconds)
    def the_exporter_notes_receiving_as_time_passes(self, length: float) -> None:
        self.kept.now += length
        self.kept.life.table.record_receiving(self.kept.now)

    @rule(length=st.sampled_from([0.001, 10.0, 400.0]))
    def the_clock_is_set_back(self, length: float) -> None:
        self.kept.now -= length

    @rule()
    def the_clock_is_corrected(self) -> None:
        self.kept.life.table.bring_into_the_present(now_timestamp=self.kept.now)

    @rule()
    def the_store_refuses(self) -> None:
        self.kept.life.table.record_refusing()

    @rule()
    def the_store_works(self) -> None:
        self.kept.life.table.record_receiving(self.kept.now)

    @rule(length=st.sampled_from([1.0, 500.0]))
    def an_outage_ended(self, length: float) -> None:
        self.kept.life.table.record_outage(Outage(self.kept.now - length, self.kept.now))

    # "name" comes between the labels of every monitor, the others before and after them.
    @rule(name=st.sampled_from(["cluster", "name", "severity"]), value=st.sampled_from("-ab"))
    def the_operator_sets_labels(self, name: str, value: str) -> None:
        self.kept.defaults = AlertDefaults(((name, value),) if value != "-" else ())

    @rule(steps=st.integers(0, 5))
    def a_client_leaves_during_its_scrape(self, steps: int) -> None:
        refreshing = self.kept.page.refresh(self.kept.now)
        for _, _ in zip(range(steps), refreshing, strict=False):
            pass
        refreshing.close()

    @rule()
    def a_scrape_reads(self) -> None:
        self.kept.refresh()
        for accept in ACCEPTED:
            assert self.kept.text(accept) == self.kept.expected(accept)
        assert gzip.decompress(self.kept.packed()) == self.kept.lines()

    @rule()
    def the_publisher_knows_each_verdict(self) -> None:
        self.kept.judge_again()
        table = self.kept.life.table
        everyone = table.judged(now_timestamp=self.kept.now)
        assert self.kept.known == {one.row.monitor.key: one for one in everyone}

    def teardown(self) -> None:
        self.a_scrape_reads()
        self.the_publisher_knows_each_verdict()


TestKeptLinesAfterAnySequenceOfChanges = KeptLines.TestCase
TestKeptLinesAfterAnySequenceOfChanges.settings = settings(
    max_examples=examples(100), stateful_step_count=30
)


def declared(number_of_monitors: int) -> Kept:
    kept = Kept(monitors_a_block=256)
    kept.declare(*(monitor(f"job-{number:05}") for number in range(number_of_monitors)))
    return kept


def push_to(kept: Kept, numbers: range) -> None:
    kept.now += 1
    for number in numbers:
        kept.life.push(UP, at=kept.now, key=MonitorKey("prod", f"job-{number:05}"))


# Families of a monitor that tells nothing about runs; those of runs are not even looked at.
SHOWN = [family for family in FAMILIES if not family.of_runs]
CHANGING = sum(not family.declared for family in SHOWN)


@pytest.mark.parametrize("pushed", [0, 1, 50])
@pytest.mark.parametrize("monitors", [100, 2000])
def test_a_scrape_renders_the_lines_of_the_monitors_that_were_pushed_to_and_no_other(
    pushed: int, monitors: int
) -> None:
    kept = declared(monitors)
    kept.refresh()

    push_to(kept, range(0, monitors, max(1, monitors // pushed)) if pushed else range(0))

    assert kept.refresh() == pushed * CHANGING
    assert kept.text() == kept.expected()


def test_a_deadline_that_passes_renders_the_monitors_that_it_makes_late_and_down() -> None:
    kept = declared(600)
    push_to(kept, range(0, 600, 2))
    kept.refresh()

    kept.now += (
        300  # the others have never been pushed to, and no push moves their state before 360
    )
    kept.life.table.record_receiving(kept.now)
    late = kept.refresh()
    kept.now += 59
    kept.life.table.record_receiving(kept.now)
    down = kept.refresh()

    assert (late, down) == (600 * CHANGING, 300 * CHANGING)
    assert kept.text() == kept.expected()


def test_a_line_that_does_not_change_keeps_the_text_that_holds_it() -> None:
    kept = declared(10)
    push_to(kept, range(10))
    kept.refresh()
    before = kept.page.lines()

    push_to(kept, range(1))
    kept.refresh()

    changed = {
        family.name
        for (family, old), (_, new) in zip(before, kept.page.lines(), strict=True)
        if any(one is not other for one, other in zip(old, new, strict=True))
    }
    assert changed == {
        "yuptime_monitor_last_push_timestamp_seconds",
        "yuptime_monitor_last_success_timestamp_seconds",
        "yuptime_monitor_deadline_timestamp_seconds",
        "yuptime_monitor_due_timestamp_seconds",
        "yuptime_monitor_pushes",
    }


def test_no_step_after_an_outage_finds_more_monitors_than_it_may() -> None:
    kept = declared(3000)
    kept.refresh()
    kept.reader.take()
    kept.life.table.record_outage(Outage(kept.now - 10, kept.now))

    found = []
    for _ in kept.rejudging.advance(kept.now):
        found += [list(kept.reader.take())]

    assert max(map(len, found)) == 256
    assert [key for some in found for key in some] == [
        row.monitor.key for row in kept.life.table.rows()
    ]


@pytest.mark.peer  # takes whole seconds
def test_a_scrape_whose_client_leaves_leaves_the_monitors_after_an_outage_to_the_next() -> None:
    kept = declared(3000)
    kept.refresh()
    kept.life.table.record_outage(Outage(kept.now - 10, kept.now))
    next(kept.page.refresh(kept.now))

    kept.refresh()

    assert kept.text() == kept.expected()


def lines_of_the_longest_step(kept: Kept) -> int:
    totals = [kept.page.lines_rendered_total]
    for _ in kept.page.refresh(kept.now):
        totals += [kept.page.lines_rendered_total]
    return max(after - before for before, after in pairwise(totals))


def test_no_step_renders_more_monitors_than_it_may_however_many_have_changed() -> None:
    kept = declared(3000)

    assert lines_of_the_longest_step(kept) == MONITORS_A_STEP * len(SHOWN)
    push_to(kept, range(3000))
    assert lines_of_the_longest_step(kept) == MONITORS_A_STEP * CHANGING
    kept.now += 1000
    assert lines_of_the_longest_step(kept) == MONITORS_A_STEP * CHANGING
    kept.defaults = AlertDefaults((("severity", "page"),))
    assert lines_of_the_longest_step(kept) == MONITORS_A_STEP * len(SHOWN)


def test_no_step_arranges_more_than_one_block_however_many_monitors_are_removed() -> None:
    kept = declared(3000)
    kept.refresh()
    kept.declare(*(monitor(f"job-{number:05}") for number in range(3000) if number % 200))

    replaced = []
    (_, known), *_ = kept.page.lines()
    for _ in kept.page.refresh(kept.now):
        (_, own), *_ = kept.page.lines()
        replaced.append(sum(lines not in known for lines in own))
        known = own

    assert max(replaced) == 1
    assert sum(replaced) == 11  # all blocks but the last
    assert kept.text() == kept.expected()
