"""The body of one alert, in the format of Alertmanager's API."""

import pytest

from tests.core.examples import DOWN, UP, judged, push, row
from yuptime_exporter.core.alerting import AlertFeed, AlertSettings, alert_of
from yuptime_exporter.core.model import Row
from yuptime_exporter.sinks.alertmanager.body import alert_body

START = 1_700_000_000.0
BY_DEFAULT = AlertSettings()


def test_the_body_of_an_alert_never_ends_before_it_starts() -> None:
    declared = row(push(DOWN, at=START))
    alert = alert_of(declared, judged(declared, at=START), BY_DEFAULT)
    assert alert is not None
    [outgoing] = AlertFeed().due({alert.labels: alert}, BY_DEFAULT, now_timestamp=START - 86_400)

    body = alert_body(outgoing, external_url="http://yuptime")

    assert body["endsAt"] == body["startsAt"] == "2023-11-14T22:13:20.000Z"


@pytest.mark.parametrize(
    ("declared", "at", "text"),
    [
        (
            row(push(DOWN, at=START, message="disk full")),
            START,
            (
                "prod/backup reported down; it is down since 2023-11-14 22:13:20 UTC. "
                "Its last message: disk full"
            ),
        ),
        (
            row(push(UP, at=START)),
            START + 360,
            (
                "prod/backup has not reported since 2023-11-14 22:13:20 UTC; "
                "its deadline was 2023-11-14 22:19:20 UTC."
            ),
        ),
        (
            row(armed=START),
            START + 360,
            (
                "prod/backup has never reported; it was awaited from 2023-11-14 22:13:20 UTC "
                "until 2023-11-14 22:19:20 UTC."
            ),
        ),
    ],
    ids=["reported down", "overdue", "never pushed"],
)
def test_the_description_says_why_the_monitor_is_down(declared: Row, at: float, text: str) -> None:
    alert = alert_of(declared, judged(declared, at=at), BY_DEFAULT)
    assert alert is not None
    (outgoing,) = AlertFeed().due({alert.labels: alert}, BY_DEFAULT, now_timestamp=at)

    body = alert_body(outgoing, external_url="http://yuptime")

    assert body["annotations"] == {"summary": "A monitored job is down.", "description": text}
    assert body["generatorURL"] == "http://yuptime/monitors/prod/backup"
