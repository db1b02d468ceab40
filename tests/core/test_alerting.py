"""The alerts that each Alertmanager receives, and when they are sent again.

In the feed's stories an alert of `prod/backup` begins at the moment 0 of the story; all moments
are told in seconds from there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import DOWN, UP, judged, monitor, push, row
from yuptime_exporter.core.alerting import (
    Alert,
    AlertFeed,
    AlertSettings,
    alert_of,
    fingerprint,
    firing_by_url,
    may_name_its_alertmanager,
    urls_of,
)
from yuptime_exporter.core.model import Judged, LastPush, Row

START = 1_700_000_000.0
MINUTE = 60.0
BY_DEFAULT = AlertSettings()

Told = tuple[float, float]
"""When something was sent, and which end it had; both in seconds of the story."""


def down(name: str = "backup", *, since: float = 0, **fields: Any) -> Alert:
    """Return the alert of a monitor that reported down."""
    declared = row(push(DOWN, at=START + since), armed=START - 9999, name=name, **fields)
    alert = alert_of(declared, judged(declared, at=START + since), BY_DEFAULT)
    assert alert is not None
    return alert


class Story:
    """One feed, looked at once in each second of a story, as often as the publisher may look."""

    def __init__(self, settings: AlertSettings = BY_DEFAULT) -> None:
        self.settings = settings
        self.feed = AlertFeed()

    def look(self, *firing: Alert, at: float) -> list[Told]:
        alerts = {alert.labels: alert for alert in firing}
        outgoing = self.feed.due(alerts, self.settings, now_timestamp=START + at)
        return [(at, one.ends_timestamp - START) for one in outgoing]

    def through(self, *firing: Alert, start: int, end: int) -> list[Told]:
        """Return everything that is sent from `start` until before `end` while exactly these alerts fire."""
        return [told for at in range(start, end) for told in self.look(*firing, at=at)]


def moments(told: Iterable[Told]) -> list[float]:
    return [at for at, _ in told]


class TestFiring:
    def test_a_new_alert_is_sent_after_0_15_30_and_60_seconds_and_then_each_minute(self) -> None:
        told = Story().through(down(), start=0, end=301)

        assert moments(told) == [0, 15, 30, 60, 120, 180, 240, 300]

    def test_a_shorter_resend_delay_repeats_more_often(self) -> None:
        told = Story(AlertSettings(resend_seconds=20)).through(down(), start=0, end=101)

        assert moments(told) == [0, 15, 30, 50, 60, 80, 100]

    def test_a_longer_resend_delay_only_reduces_the_later_repetitions(self) -> None:
        told = Story(AlertSettings(resend_seconds=300)).through(down(), start=0, end=1000)

        assert moments(told) == [0, 15, 30, 60, 360, 660, 960]

    @pytest.mark.parametrize("resend_seconds", [1, 60, 300])
    def test_a_firing_alert_outlives_three_lost_repetitions(self, resend_seconds: float) -> None:
        told = Story(AlertSettings(resend_seconds=resend_seconds)).through(
            down(), start=0, end=1000
        )

        assert [ends - at for at, ends in told] == [4 * resend_seconds] * len(told)

    def test_each_alert_is_repeated_at_its_own_times(self) -> None:
        story, first, second = Story(), down("first"), down("second")
        story.through(first, start=0, end=7)

        told = story.through(first, second, start=7, end=100)

        assert moments(told) == [7, 15, 22, 30, 37, 60, 67]

    def test_a_late_look_sends_the_missed_repetitions_once(self) -> None:
        story = Story()
        story.look(down(), at=0)

        told = story.through(down(), start=500, end=600)

        assert moments(told) == [500, 560]

    def test_a_repetition_of_an_alert_has_the_newest_state_of_its_monitor(self) -> None:
        story = Story()
        [alert] = story.feed.due({down().labels: down()}, BY_DEFAULT, now_timestamp=START)
        worse = row(push(DOWN, at=START + 60, since_timestamp=START, message="worse"))
        renewed = alert_of(worse, judged(worse, at=START + 60), BY_DEFAULT)
        assert renewed is not None

        [again] = story.feed.due({renewed.labels: renewed}, BY_DEFAULT, now_timestamp=START + 60)

        assert again.alert.labels == alert.alert.labels
        assert again.alert.row.last_push is not None
        assert again.alert.row.last_push.message == "worse"

    def test_a_second_down_push_does_not_restart_the_repetitions(self) -> None:
        story = Story()
        story.through(down(), start=0, end=61)

        told = story.through(down(since=61), start=61, end=240)

        assert moments(told) == [120, 180]

    def test_the_feed_knows_the_moment_of_the_next_repetition(self) -> None:
        story = Story()
        story.look(down(), at=0)

        assert story.feed.next_timestamp() == START + 15

    def test_a_feed_without_alerts_has_no_next_repetition(self) -> None:
        story = Story()

        assert story.look(at=0) == []
        assert story.feed.next_timestamp() is None

    @pytest.mark.parametrize("back", [100, 3600, 10 * 365 * 86_400])
    def test_an_alert_is_repeated_after_the_clock_was_set_back(self, back: int) -> None:
        story = Story()
        story.through(down(), start=0, end=61)

        told = story.through(down(), start=61 - back, end=61 - back + 200)

        assert moments(told)
        assert moments(told)[0] <= 61 - back + 90

    def test_a_shorter_resend_delay_applies_to_alerts_that_already_fire(self) -> None:
        story = Story(AlertSettings(resend_seconds=3600))
        story.through(down(), start=0, end=100)
        story.settings = AlertSettings(resend_seconds=20, resolve_delay_seconds=0)

        told = story.through(down(), start=100, end=200)

        assert moments(told)[0] <= 120


class TestRecovery:
    def test_firing_is_not_sent_after_the_recovery(self) -> None:
        story = Story()
        story.through(down(), start=0, end=14)

        told = story.through(start=14, end=104)

        assert told == []

    def test_a_recovery_is_sent_after_the_delay_with_its_moment(self) -> None:
        story = Story()
        story.through(down(), start=0, end=100)

        told = story.through(start=100, end=191)

        assert told == [(190, 100)]

    def test_a_recovery_without_a_delay_is_sent_at_once_and_then_each_minute(self) -> None:
        story = Story(AlertSettings(resolve_delay_seconds=0))
        story.through(down(), start=0, end=5)

        told = story.through(start=5, end=126)

        assert told == [(5, 5), (65, 5), (125, 5)]

    def test_a_recovery_is_repeated_for_15_minutes_and_then_forgotten(self) -> None:
        story = Story()
        story.through(down(), start=0, end=100)

        told = story.through(start=100, end=5000)

        assert moments(told) == [190 + 60 * n for n in range(14)]
        assert {ends for _, ends in told} == {100}
        assert told[-1][0] <= 100 + 15 * MINUTE
        assert story.feed.next_timestamp() is None

    def test_the_moment_of_recovery_does_not_move_with_a_clock_that_is_set_back(self) -> None:
        story = Story()
        story.through(down(), start=0, end=100)
        story.look(at=100)

        told = story.through(start=50, end=300)

        assert {ends for _, ends in told} == {100}

    def test_an_alert_never_ends_before_it_began(self) -> None:
        story = Story(AlertSettings(resolve_delay_seconds=0))
        story.look(down(), at=0)

        [(_, ends)] = story.look(at=-50)

        assert ends == 0

    def test_an_alert_that_fires_again_is_no_longer_sent_as_resolved(self) -> None:
        story = Story()
        story.through(down(), start=0, end=100)
        story.through(start=100, end=200)

        told = story.through(down(since=200), start=200, end=2000)

        assert all(ends > at for at, ends in told)
        assert moments(told)[:5] == [200, 215, 230, 260, 320]

    def test_an_alert_that_fires_again_within_the_delay_was_never_resolved(self) -> None:
        story = Story()
        story.through(down(), start=0, end=100)
        story.through(start=100, end=189)

        told = story.through(down(since=189), start=189, end=2000)

        assert moments(told)[:2] == [189, 204]
        assert all(ends > at for at, ends in told)

    def test_each_incident_has_a_recovery_of_its_own(self) -> None:
        story = Story()
        recoveries = []
        for start in (0, 1000, 2000):
            story.through(down(since=start), start=start, end=start + 100)
            told = story.through(start=start + 100, end=start + 1000)
            recoveries.append({ends for _, ends in told})

        assert recoveries == [{100}, {1100}, {2100}]

    def test_one_of_two_alerts_recovers_and_the_other_still_fires(self) -> None:
        story, first, second = Story(), down("first"), down("second")
        story.through(first, second, start=0, end=100)

        told = story.through(second, start=100, end=400)

        assert [at for at, ends in told if ends > at] == [120, 180, 240, 300, 360]
        assert [at for at, ends in told if ends <= at] == [190, 250, 310, 370]

    def test_a_change_of_labels_resolves_the_old_alert_and_fires_a_new_one(self) -> None:
        story = Story(AlertSettings(resolve_delay_seconds=0))
        old, new = down(alert_labels=(("team", "a"),)), down(alert_labels=(("team", "b"),))
        story.look(old, at=0)

        sent = story.feed.due({new.labels: new}, story.settings, now_timestamp=START + 1)

        ends = {dict(one.alert.labels)["team"]: one.ends_timestamp - START for one in sent}
        assert ends == {"a": 1, "b": 241}


class TestTheBeginning:
    def test_an_alert_begins_when_the_job_reported(self) -> None:
        declared = row(push(DOWN, at=1200))

        at_once = alert_of(declared, judged(declared, at=1200), BY_DEFAULT)
        hours_later = alert_of(declared, judged(declared, at=99_999), BY_DEFAULT)

        assert at_once is not None
        assert hours_later is not None
        assert at_once.verdict.since_timestamp == hours_later.verdict.since_timestamp == 1200

    @pytest.mark.parametrize("last_push", [None, push(UP, at=1000)])
    def test_silence_begins_at_the_deadline_whenever_it_is_noticed(
        self, last_push: LastPush | None
    ) -> None:
        declared = row(last_push)

        alerts = [alert_of(declared, judged(declared, at=at), BY_DEFAULT) for at in (1360, 9999)]

        assert [alert and alert.verdict.since_timestamp for alert in alerts] == [1360, 1360]

    @pytest.mark.parametrize(
        ("declared", "at"),
        [
            (row(), 1359),
            (row(push(UP)), 1299),
            (row(push(UP)), 1359),
            (row(push(DOWN), paused=1100), 9999),
            (row(paused=1100), 9999),
        ],
        ids=["pending", "up", "late", "paused after a report", "paused and silent"],
    )
    def test_a_monitor_that_is_not_down_raises_no_alert(self, declared: Row, at: float) -> None:
        assert alert_of(declared, judged(declared, at=at), BY_DEFAULT) is None


GLOBAL = ("http://one:9093", "http://two:9093")


class TestRecipients:
    def test_configured_alertmanagers_receive_the_alerts_of_every_monitor(self) -> None:
        assert urls_of(monitor(), AlertSettings(alertmanager_urls=GLOBAL)) == set(GLOBAL)

    def test_a_monitor_can_name_an_alertmanager_of_its_own(self) -> None:
        own = monitor(alertmanager_url="http://own:9093")

        urls = urls_of(own, AlertSettings(alertmanager_urls=GLOBAL))

        assert urls == {*GLOBAL, "http://own:9093"}

    def test_an_alertmanager_both_configured_and_named_is_sent_to_once(self) -> None:
        own = monitor(alertmanager_url="http://two:9093/api/v2/alerts/")

        assert urls_of(own, AlertSettings(alertmanager_urls=GLOBAL)) == set(GLOBAL)

    @pytest.mark.parametrize("allowed", [frozenset(), frozenset({"http://other:9093"})])
    def test_an_alertmanager_that_is_not_allowed_is_not_sent_to(
        self, allowed: frozenset[str]
    ) -> None:
        own = monitor(alertmanager_url="http://own:9093")
        settings = AlertSettings(alertmanager_urls=GLOBAL, allowed_urls=allowed)

        assert urls_of(own, settings) == set(GLOBAL)
        assert not may_name_its_alertmanager(own, settings)

    @pytest.mark.parametrize(
        "url",
        [
            "http://own:9093.example.com",
            "http://own:90930",
            "http://own:9093/tenant",
            "https://own:9093",
            "http://own",
            "http://own:9093/api/v2/alerts/../../..",
        ],
    )
    def test_only_the_exact_url_is_allowed(self, url: str) -> None:
        settings = AlertSettings(allowed_urls=frozenset({"http://own:9093"}))

        assert urls_of(monitor(alertmanager_url=url), settings) == frozenset()

    def test_an_allowed_alertmanager_is_allowed_in_every_spelling(self) -> None:
        own = monitor(alertmanager_url="http://own:9093/api/v1/alerts")
        settings = AlertSettings(allowed_urls=frozenset({"http://own:9093"}))

        assert urls_of(own, settings) == {"http://own:9093"}

    @pytest.mark.parametrize("allowed", [None, frozenset[str]()])
    def test_a_monitor_without_an_alertmanager_is_always_allowed(
        self, allowed: frozenset[str] | None
    ) -> None:
        assert may_name_its_alertmanager(monitor(), AlertSettings(allowed_urls=allowed))

    def test_each_alertmanager_holds_the_alerts_that_fire_and_are_meant_for_it(self) -> None:
        rows = [
            row(push(DOWN), name="a"),
            row(push(DOWN), name="b", alertmanager_url="http://own:9093"),
            row(push(UP), name="c", alertmanager_url="http://own:9093"),
            row(push(UP), name="d"),
        ]
        settings = AlertSettings(alertmanager_urls=("http://one:9093",))

        firing = firing_by_url([Judged(one, judged(one, at=1000)) for one in rows], settings)

        names = {
            url: [dict(labels)["monitor"] for labels in alerts] for url, alerts in firing.items()
        }
        assert names == {"http://one:9093": ["a", "b"], "http://own:9093": ["b"]}


class TestFingerprints:
    @pytest.mark.parametrize(
        ("labels", "expected"),
        [
            ({}, "cbf29ce484222325"),
            ({"a": "b"}, "d2b371819297f98a"),
            ({"a": "bc"}, "a0a3542c19b900ab"),
            ({"B": "1", "a": "2", "_": "3"}, "3ec37bce5bb696d1"),
            (
                {"alertname": "YuptimeMonitorDown", "namespace": "jobs", "monitor": "backup"},
                "5656978974a1ceae",
            ),
            (
                {
                    "alertname": "YuptimeMonitorDown",
                    "namespace": "j",
                    "monitor": "b",
                    "team": 'say "hi"\n\\ü🙂',
                },
                "e45575a848ae4dd0",
            ),
        ],
    )
    def test_the_fingerprint_is_the_one_of_a_real_alertmanager(
        self, labels: Mapping[str, str], expected: str
    ) -> None:
        assert fingerprint(labels.items()) == expected

    @given(st.dictionaries(st.text(max_size=5), st.text(max_size=5)).map(lambda d: [*d.items()]))
    def test_the_fingerprint_does_not_depend_on_the_order_of_the_labels(
        self, labels: list[tuple[str, str]]
    ) -> None:
        try:
            assert fingerprint(labels) == fingerprint(labels[::-1])
        except UnicodeEncodeError:
            assert any("\ud800" <= c <= "\udfff" for pair in labels for c in "".join(pair))
