"""The body of one alert, in the format of Alertmanager's API."""

from tests.core.examples import DOWN, judged, push, row
from yuptime_exporter.core.alerting import AlertFeed, AlertSettings, alert_of
from yuptime_exporter.core.model import Row
from yuptime_exporter.sinks.alertmanager.body import ExporterUrl, alert_body

START = 1_700_000_000.0
BY_DEFAULT = AlertSettings()
CONFIGURED = ExporterUrl("http://yuptime")
GUESSED = ExporterUrl("http://host:10091", configured=False)


def test_the_body_of_an_alert_never_ends_before_it_starts() -> None:
    declared = row(push(DOWN, at=START))
    alert = alert_of(declared, judged(declared, at=START), BY_DEFAULT)
    assert alert is not None
    [outgoing] = AlertFeed().due({alert.labels: alert}, BY_DEFAULT, now_timestamp=START - 86_400)

    body = alert_body(outgoing, exporter=CONFIGURED)

    assert body["endsAt"] == body["startsAt"] == "2023-11-14T22:13:20.000Z"


def body_of(declared: Row, *, at: float, exporter: ExporterUrl = CONFIGURED) -> dict[str, object]:
    alert = alert_of(declared, judged(declared, at=at), BY_DEFAULT)
    assert alert is not None
    (outgoing,) = AlertFeed().due({alert.labels: alert}, BY_DEFAULT, now_timestamp=at)
    return alert_body(outgoing, exporter=exporter)


def test_the_source_of_an_alert_is_the_page_of_its_monitor() -> None:
    body = body_of(row(push(DOWN, at=START)), at=START)

    assert body["generatorURL"] == "http://yuptime/monitors/prod/backup"


def test_a_page_is_named_only_if_the_operator_said_how_the_exporter_is_reached() -> None:
    configured = body_of(row(push(DOWN, at=START)), at=START)["annotations"]
    guessed = body_of(row(push(DOWN, at=START)), at=START, exporter=GUESSED)["annotations"]

    assert isinstance(configured, dict)
    assert isinstance(guessed, dict)
    assert configured["page"] == "http://yuptime/monitors/prod/backup"
    assert "page" not in guessed
