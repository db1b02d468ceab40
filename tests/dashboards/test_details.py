"""The dashboards of one job and of the exporter show the scripted day."""

import pytest

from tests.dashboards.asking import STEP
from tests.dashboards.backfill import matching
from tests.dashboards.cluster_day import AWAY, BACK, HEARTBEATS, WAITING
from tests.dashboards.day import ON_KUBERNETES
from tests.dashboards.reading import EXPORTER, Answers, curve, number, of_monitor
from tests.dashboards.script import MINUTE, at

pytestmark = [pytest.mark.peer, pytest.mark.timeout(240)]


def test_the_dashboard_of_a_job_shows_its_pushes_silence_and_alerts(answers: Answers):
    shown = answers[of_monitor("shop", "mail-queue")]
    [overdue] = shown["Overdue"]["A"]
    [silence] = shown["Silence between pushes"]["A"]
    [alert] = shown["Alerts"]["A"]
    [labels] = shown["Labels of its alerts"]["A"]
    late = [int(moment) for moment, value in overdue["values"] if float(value) > 0]

    assert (min(late), max(late)) == (at("09:20") + STEP, at("09:50"))
    assert max(float(value) for _, value in silence["values"]) == 3000
    assert shown["Silence between pushes"]["B"][0]["values"][0][1] == "900"
    assert shown["Silence between pushes"]["C"][0]["values"][0][1] == "1200"
    assert alert["metric"] == {"alertname": "YuptimeMonitorDown"}
    assert {value for _, value in alert["values"]} == {"2"}
    assert at("09:20") < alert["values"][0][0] <= at("09:24")
    assert labels["metric"] == {
        "namespace": "shop",
        "monitor": "mail-queue",
        "severity": "warning",
        "team": "shop",
        "cluster": "prod",
    }


def test_the_dashboard_of_a_job_shows_its_runs(answers: Answers):
    shown = answers[of_monitor("shop", "mail-queue")]
    [took], [running], [limit] = (shown["Duration of runs"][ref] for ref in "ABC")
    [open_runs], [given_up] = (shown["Open runs"][ref] for ref in "AB")

    # The exporter was gone from 05:00 to 05:10, between the start of a run and the next end.
    across = {
        moment: took_seconds for moment, took_seconds in curve(took).items() if took_seconds != 60
    }
    assert set(across.values()) == {660}
    assert at("05:10") <= min(across) <= max(across) <= at("05:20")
    assert {moment for moment, seconds in curve(running).items() if seconds != 60} <= {at("05:10")}
    assert set(curve(limit).values()) == {1800}
    assert set(curve(open_runs).values()) == {0, 1}
    assert set(curve(given_up).values()) == {0}
    assert number(answers, of_monitor("shop", "mail-queue"), "Exit code") == 0
    without = answers[of_monitor("ops", "flaky-sync")]
    for title in ("Duration of runs", "Open runs", "Exit code"):
        assert not any(without[title].values())


def test_the_dashboards_count_a_push_once_for_all_replicas(answers: Answers):
    shown = answers[of_monitor("shop", "mail-queue")]["Pushes"]["A"]
    [one] = shown
    with_two = [
        float(value) for moment, value in one["values"] if at("12:00") < moment < at("18:00")
    ]

    assert 0 < max(with_two) < 2


def test_a_rejected_push_appears_on_the_dashboards_of_its_job_and_of_the_exporter(answers: Answers):
    [at_the_job] = answers[of_monitor("ops", "flaky-sync")]["Pushes"]["C"]
    rejected = answers[EXPORTER]["Rejected pushes"]["A"]
    strangers = matching(rejected, reason="unauthorized")[0]["values"]
    malformed = matching(rejected, reason="malformed")[0]["values"]

    assert max(float(value) for _, value in at_the_job["values"]) >= 1
    assert max(float(value) for _, value in strangers) >= 30
    assert {int(moment) for moment, value in malformed if float(value) > 0} <= set(
        range(at("21:00"), at("21:06"), STEP)
    )


def test_the_dashboard_of_the_exporter_shows_its_health(answers: Answers):
    credit = number(answers, EXPORTER, "Outage credit in the range")
    by_hour = answers[EXPORTER]["Outage credit of the last hour"]["A"]
    commits = answers[EXPORTER]["Age of the last commit"]["A"]
    versions = answers[EXPORTER]["Versions"]["A"]

    assert number(answers, EXPORTER, "Ready") == 1
    assert number(answers, EXPORTER, "Configuration") == 1
    assert number(answers, EXPORTER, "Last good reload") == 1000 * at("11:30")
    assert 595 <= credit <= 615
    assert max(float(value) for one in by_hour for _, value in one["values"]) >= 595
    assert all(float(value) <= 60 for one in commits for _, value in one["values"])
    assert [one["metric"]["instance"] for one in versions] == ["yuptime-0:10091"]
    assert {one["metric"]["type"] for one in answers[EXPORTER]["Declared monitors"]["A"]} == {
        "push"
    }
    assert len(matching(answers[EXPORTER]["Memory"]["A"], instance="yuptime-1:10091")) == 1
    assert answers[EXPORTER]["Alerts sent"]["A"]


def test_the_dashboard_of_the_exporter_shows_the_silence_of_the_api_server(answers: Answers):
    silence = answers[EXPORTER]["Silence of the API server"]["A"]

    assert {(one["metric"]["instance"], one["metric"]["resource"]) for one in silence} == {
        (ON_KUBERNETES, "monitors"),
        (ON_KUBERNETES, "secrets"),
    }
    for one in silence:
        silent = {moment: seconds for moment, seconds in curve(one).items() if seconds > 0}
        assert silent == {moment: moment - AWAY + MINUTE for moment in range(AWAY, BACK, STEP)}


def test_the_dashboard_of_the_exporter_shows_events_lists_and_errors_of_kubernetes(
    answers: Answers,
):
    changes = answers[EXPORTER]["Changes received"]["A"]
    listed, failed = (answers[EXPORTER]["Lists and errors"][ref] for ref in "AB")
    when = {
        (one["metric"]["resource"], one["metric"]["reason"]): (min(curve(one)), max(curve(one)))
        for one in failed
    }

    assert len(changes) == 2
    assert all(curve(one)[at("12:00")] == pytest.approx(1 / MINUTE) for one in changes)
    assert all(curve(one)[BACK - STEP] == 0 for one in changes)
    assert {one["metric"]["resource"] for one in listed} == {"monitors", "secrets"}
    assert {min(curve(one)) for one in listed} == {BACK}
    for resource in ("monitors", "secrets"):
        assert when.pop((resource, "expired"))[0] == BACK
        first, last = when.pop((resource, "unreachable"))
        assert first == AWAY
        assert BACK - STEP <= last < BACK + 2 * STEP
    assert when == {}


def test_the_dashboard_of_the_exporter_separates_written_failed_and_waiting_statuses(
    answers: Answers,
):
    shown = answers[EXPORTER]
    written = {one["metric"]["cause"]: curve(one) for one in shown["Statuses written"]["A"]}
    failed = {one["metric"]["reason"]: curve(one) for one in shown["Statuses not written"]["A"]}
    [needed] = shown["Statuses written"]["B"]
    [waiting] = shown["Statuses that wait"]["A"]
    told = {one["metric"]["outcome"]: curve(one) for one in shown["Events written"]["A"]}

    assert set(written) == {"push", "transition", "heartbeat"}
    assert written["heartbeat"][at("12:30")] == pytest.approx(HEARTBEATS / MINUTE)
    assert set(written["push"].values()) == {0}
    assert set(curve(needed).values()) == {0.05}
    assert set(failed) == {"unavailable", "conflict"}
    assert min(failed["unavailable"]) == AWAY
    assert {moment for moment, length in curve(waiting).items() if length == WAITING} == set(
        range(AWAY, BACK, STEP)
    )
    assert set(told) == {"created", "duplicate"}
    assert {at("10:00"), at("12:00"), at("18:00")} <= set(told["created"]) & set(failed["conflict"])
