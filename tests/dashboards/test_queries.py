"""Every query of every dashboard, answered by a real Prometheus about the scripted day."""

import re
from collections import Counter

import pytest

from tests.dashboards.asking import STEP, dashboards, panels
from tests.dashboards.day import Day
from tests.dashboards.reading import (
    EXPORTER,
    MONITOR,
    OF_KUBERNETES,
    ON_FILES,
    OVERVIEW,
    TEXT,
    Answers,
    by_monitor,
    number,
    of_monitor,
    spans,
    states_of,
)
from tests.dashboards.script import DAY, MIDNIGHT, MONITORS, NAMES, at

pytestmark = [pytest.mark.peer, pytest.mark.timeout(240)]


NOW_BAD = {
    ("billing", "ledger-close"): "down: never pushed",
    ("backup", "nightly-dump"): "down: reported",
    ("backup", "offsite-copy"): "down: silent",
    ("billing", "invoices"): "late",
}
# The states on the exporter's pages, which have no reason for late and up.
OF_THE_EXPORTER = {
    "paused (disabled)": "paused",
    "up (reported_up)": "up",
    "pending (awaiting_first_push)": "pending",
    "late (overdue)": "late",
    "down (overdue)": "down: silent",
    "down (reported_down)": "down: reported",
    "down (never_pushed)": "down: never pushed",
}


def test_prometheus_answers_every_query_of_the_dashboards_with_data(answers: Answers):
    eventful = of_monitor("shop", "mail-queue")
    for name, answered in answers.items():
        for panel in panels(dashboards()[name.split()[0]]):
            for query in panel["targets"]:
                if name == ON_FILES and panel["title"] in OF_KUBERNETES:
                    continue
                if not name.startswith(MONITOR) or name == eventful:
                    assert answered[panel["title"]][query["refId"]], (name, panel["title"])
        assert all(answered["variables"].values()), name


def test_the_kubernetes_row_is_empty_for_an_exporter_that_reads_files(answers: Answers):
    told = {title for title in OF_KUBERNETES if any(answers[ON_FILES][title].values())}

    assert told == set()


def test_a_job_that_never_pushed_has_no_push_and_no_silence(answers: Answers):
    shown = answers[of_monitor("billing", "ledger-close")]
    empty = {title for title, result in shown.items() if result.get("A") == []}

    assert empty == {
        "Last push",
        "Last success",
        "Silence between pushes",
        "Duration of runs",
        "Open runs",
        "Exit code",
    }


def test_the_overview_shows_the_worst_jobs_and_counts_the_remaining_ones(answers: Answers):
    two = f"{OVERVIEW} two"
    listed = by_monitor(answers[two]["Not healthy now"]["A"])
    drawn = answers[two]["Since when: jobs that are late or down"]["A"]

    assert set(listed) == {("billing", "ledger-close"), ("backup", "nightly-dump")}
    assert {one["metric"]["monitor"] for one in drawn} == {"ledger-close", "nightly-dump"}
    assert number(answers, two, "Not shown") == len(NOW_BAD) - 2
    assert number(answers, two, "Down") == 3


def test_the_query_of_a_single_number_panel_returns_one_number(answers: Answers):
    for name, answered in answers.items():
        for panel in panels(dashboards()[name.split()[0]]):
            if panel["type"] == "stat":
                assert len(answered[panel["title"]]["A"]) <= 1, (name, panel["title"])


def test_no_series_of_a_panel_shares_its_name_with_another(answers: Answers):
    for name, answered in answers.items():
        for panel in panels(dashboards()[name.split()[0]]):
            for query in panel["targets"]:
                if query["legendFormat"]:
                    legends = Counter(
                        re.sub(
                            r"\{\{(\w+)\}\}",
                            lambda found: one["metric"].get(found[1], ""),  # noqa: B023
                            query["legendFormat"],
                        )
                        for one in answered[panel["title"]][query["refId"]]
                    )
                    assert set(legends.values()) <= {1}, (name, panel["title"], legends)


def test_the_state_on_the_dashboard_is_the_state_of_the_exporter(answers: Answers, day: Day):
    assert len(day.states) > 400
    for namespace, name in NAMES:
        shown = states_of(answers, namespace, name)
        told = {
            int(moment): OF_THE_EXPORTER[state]
            for (moment, *monitor), state in day.states.items()
            if monitor == [namespace, name]
        }
        assert {moment: shown.get(moment) for moment in told} == told


def test_the_overview_counts_jobs_by_state(answers: Answers):
    shown = {
        title: number(answers, OVERVIEW, title)
        for title in ("Down", "Late", "Never pushed", "Paused", "Declared", "Not shown")
    }

    assert shown == {
        "Down": 3,
        "Late": 1,
        "Never pushed": 2,
        "Paused": 1,
        "Declared": len(NAMES),
        "Not shown": 0,
    }
    assert number(answers, OVERVIEW, "Exporters ready") == 1


def test_the_table_lists_unhealthy_jobs_with_their_last_push(answers: Answers):
    columns = answers[OVERVIEW]["Not healthy now"]
    listed = {key: TEXT[int(value)] for key, value in by_monitor(columns["A"]).items()}
    last_push, deadline, grace, success = (by_monitor(columns[ref]) for ref in "BCDE")
    severity = {
        (one["metric"]["namespace"], one["metric"]["monitor"]): one["metric"]["severity"]
        for one in columns["F"]
    }
    schedules = {one["metric"]["monitor"]: one["metric"]["schedule"] for one in columns["G"]}

    assert listed == NOW_BAD
    assert schedules["offsite-copy"] == "every 21600 s"
    assert next(iter(listed)) == ("billing", "ledger-close")
    for namespace, name in listed:
        assert grace[namespace, name] == MONITORS[namespace][name][1]
        assert severity[namespace, name] == MONITORS[namespace][name][2]
    offsite, nightly = ("backup", "offsite-copy"), ("backup", "nightly-dump")
    ledger, invoices = ("billing", "ledger-close"), ("billing", "invoices")
    assert last_push[offsite] == 1000 * at("09:00")
    assert deadline[offsite] == 1000 * at("16:00")
    assert last_push[nightly] == 1000 * at("02:00")
    assert nightly not in success
    assert ledger not in last_push
    assert deadline[invoices] == 1000 * (at("22:05") + 75 * 60 + 3600)
    assert nightly not in deadline


def test_the_table_has_one_row_for_each_monitor(answers: Answers):
    for ref, result in answers[OVERVIEW]["Not healthy now"].items():
        counted = Counter((one["metric"]["namespace"], one["metric"]["monitor"]) for one in result)
        assert set(counted.values()) == {1}, ref


def test_the_timeline_shows_the_start_of_a_failure(answers: Answers):
    shown = answers[OVERVIEW]["Since when: jobs that are late or down"]["A"]
    since = {
        (one["metric"]["namespace"], one["metric"]["monitor"]): (span[0], span[1])
        for one in shown
        for span in [spans(one)[-1]]
    }

    assert since == {
        # After the exporter was gone, no state was known for some minutes.
        ("backup", "nightly-dump"): ("down: reported", at("05:10")),
        # The ten minutes without an exporter are credited.
        ("billing", "ledger-close"): ("down: never pushed", at("07:10")),
        ("backup", "offsite-copy"): ("down: silent", at("16:00")),
        ("billing", "invoices"): ("late", at("23:20")),
    }


def test_the_overview_shows_recovered_jobs_without_those_that_were_always_up(answers: Answers):
    shown = answers[OVERVIEW]["Recovered: jobs that are no longer late or down"]
    found = {one["metric"]["monitor"]: spans(one) for one in shown["A"]}

    assert {"mail-queue", "flaky-sync"} <= set(found)
    assert {"price-import", "new-job", "experiment"}.isdisjoint(found)
    [down] = [span for span in found["mail-queue"] if span[0] == "down: silent"]
    assert down[1:] == (at("09:20"), at("09:50"))
    [reported] = [span for span in found["flaky-sync"] if span[0] == "down: reported"]
    assert at("13:00") <= reported[1] <= reported[2] <= at("13:30")


def test_all_jobs_are_in_one_state_at_any_moment(answers: Answers):
    totals: Counter[int] = Counter()
    for one in answers[OVERVIEW]["All jobs, by state"]["A"]:
        for moment, value in one["values"]:
            totals[moment] += int(value)

    assert {moment: total for moment, total in totals.items() if total not in {9, 10}} == {}
    assert totals[at("19:00")] == 9
    assert totals[at("21:00")] == 10


def test_a_paused_monitor_is_shown_as_paused_and_has_no_alert_labels(answers: Answers):
    states = states_of(answers, "shop", "price-import")
    paused = {moment for moment, state in states.items() if state == "paused"}

    assert (min(paused), max(paused)) == (at("10:00"), at("18:00") - STEP)
    assert answers[of_monitor("lab", "experiment")]["Labels of its alerts"]["A"] == []
    assert states_of(answers, "lab", "experiment")[MIDNIGHT + DAY] == "paused"


def test_annotations_mark_firing_alerts(answers: Answers):
    marked = answers[OVERVIEW]["annotations"]
    jobs = {one["metric"]["monitor"] for one in marked["Jobs down"]}
    own = {one["metric"]["alertname"] for one in marked["Alerts of the exporter"]}

    assert jobs == {"mail-queue", "flaky-sync", "nightly-dump", "offsite-copy", "ledger-close"}
    assert own == {"YuptimeAbsent", "YuptimeConfigReloadFailed", "YuptimeWatchStale"}
    rejected = answers[of_monitor("ops", "flaky-sync")]["annotations"]["Alerts of the job"]
    assert {one["metric"]["alertname"] for one in rejected} == {
        "YuptimeMonitorDown",
        "YuptimePushesRejected",
    }


def test_the_variables_offer_every_existing_job_and_monitor(answers: Answers):
    offered = answers[OVERVIEW]["variables"]

    assert offered == {
        "job": ["yuptime"],
        "namespace": sorted(MONITORS),
        "monitor": sorted(name for _, name in NAMES),
    }
    assert answers[EXPORTER]["variables"]["instance"] == ["yuptime-0:10091", "yuptime-1:10091"]
    assert answers[of_monitor("shop", "mail-queue")]["variables"]["monitor"] == sorted(
        MONITORS["shop"]
    )


def test_every_monitor_has_the_page_to_which_the_dashboards_link(day: Day):
    assert day.pages == dict.fromkeys(NAMES, 200)
