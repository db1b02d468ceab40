"""Rounds of alerts: which monitors are offered to which Alertmanager, and when."""

import asyncio
from collections.abc import Collection, Iterable, Sequence

import pytest
from prometheus_client import CollectorRegistry

from tests.core.examples import DOWN, KEY, UP, monitor, push
from tests.engine.parts import ready, settled, table_of
from tests.exporters import StandingClock
from yuptime_exporter.core.alerting import AlertSettings, OutgoingAlert
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.publisher import Publisher
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.silence import SilenceCheck
from yuptime_exporter.engine.transitions import Transitions
from yuptime_exporter.metrics.process import ReadinessMetrics

SETTLE_SECONDS = 10.0
DEADLINE = 1360.0
URL = "http://alertmanager:9093"
OWN_URL = "http://team:9093"


class Offers:
    """An `AlertSinks` that keeps every alert that it is offered."""

    def __init__(self) -> None:
        self.firing: list[tuple[str, str]] = []
        self.kept: list[set[str]] = []
        self.round_ended = asyncio.Event()

    def offer(self, url: str, alerts: Sequence[OutgoingAlert]) -> None:
        self.firing += [(url, one.alert.row.monitor.key.name) for one in alerts]

    def keep_only(self, urls: Iterable[str]) -> None:
        self.kept.append(set(urls))
        self.round_ended.set()


async def confirm(keys: Collection[MonitorKey]) -> frozenset[MonitorKey]:
    """Find no newer push of any monitor."""
    return frozenset(keys)


def publisher_of(
    table: MonitorTable,
    clock: StandingClock,
    settings: AlertSettings,
    *,
    settles: bool = False,
    readiness: Readiness | None = None,
) -> Publisher:
    return Publisher(
        Rejudging(table),
        readiness or ready(),
        settings=lambda: settings,
        transitions=Transitions(table, clock=clock),
        silence_check=(
            SilenceCheck(table, settle_seconds=SETTLE_SECONDS, confirm=confirm) if settles else None
        ),
        clock=clock,
    )


async def first_round(publisher: Publisher) -> Offers:
    """Return the offers of the first round."""
    offers = Offers()
    async with asyncio.TaskGroup() as tasks:
        publishing = tasks.create_task(publisher.publish_forever(offers))
        await offers.round_ended.wait()
        await settled()
        publishing.cancel()
    return offers


async def published(table: MonitorTable, clock: StandingClock, *, settles: bool) -> list[str]:
    """Return the monitors of which an alert is sent at this moment."""
    settings = AlertSettings(alertmanager_urls=(URL,))
    offers = await first_round(publisher_of(table, clock, settings, settles=settles))
    assert {url for url, _ in offers.firing} <= {URL}
    return [name for _, name in offers.firing]


def down_table(*, alertmanager_url: str | None = None) -> MonitorTable:
    """Return a table with one monitor that reported down at the moment 1100."""
    table = table_of(monitor(alertmanager_url=alertmanager_url), at=1000)
    table.record_receiving(1100)
    table.record_pushes([(KEY, push(DOWN, at=1100))])
    return table


async def test_no_alert_is_sent_right_after_a_deadline() -> None:
    table, clock = table_of(at=1000), StandingClock(DEADLINE + 1)
    table.record_receiving(clock())

    assert await published(table, clock, settles=True) == []
    assert await published(table, clock, settles=False) == ["backup"]


async def test_an_alert_about_a_down_push_is_sent_at_once() -> None:
    assert await published(down_table(), StandingClock(1100), settles=True) == ["backup"]


async def test_an_alert_about_a_settled_deadline_is_sent() -> None:
    table, clock = table_of(at=1000), StandingClock(DEADLINE + SETTLE_SECONDS)
    table.record_receiving(clock())

    assert await published(table, clock, settles=True) == ["backup"]


async def test_a_monitor_that_is_up_raises_no_alert() -> None:
    table, clock = table_of(at=1000), StandingClock(1100)
    table.record_receiving(clock())
    table.record_pushes([(KEY, push(UP, at=1100))])

    assert await published(table, clock, settles=False) == []


async def test_the_alertmanager_of_a_monitor_receives_its_alerts_too() -> None:
    table = down_table(alertmanager_url=OWN_URL)
    settings = AlertSettings(alertmanager_urls=(URL,))

    offers = await first_round(publisher_of(table, StandingClock(1100), settings))

    assert sorted(offers.firing) == [(URL, "backup"), (OWN_URL, "backup")]
    assert offers.kept == [{URL, OWN_URL}]


async def test_an_alertmanager_that_is_not_allowed_is_logged_and_receives_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = down_table(alertmanager_url=OWN_URL)
    settings = AlertSettings(alertmanager_urls=(URL,), allowed_urls=frozenset())

    offers = await first_round(publisher_of(table, StandingClock(1100), settings))

    assert offers.firing == [(URL, "backup")]
    (record,) = caplog.records
    assert "alerting.allowed_urls does not list it" in record.getMessage()
    assert record.__dict__["alertmanager"] == OWN_URL


async def test_no_alert_is_sent_before_the_exporter_is_ready() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    settings = AlertSettings(alertmanager_urls=(URL,))
    publisher = publisher_of(down_table(), StandingClock(1100), settings, readiness=readiness)
    offers = Offers()

    async with asyncio.TaskGroup() as tasks:
        publishing = tasks.create_task(publisher.publish_forever(offers))
        await settled()
        before = list(offers.firing)
        readiness.restored()
        readiness.listed()
        publisher.wake()
        await offers.round_ended.wait()
        publishing.cancel()

    assert before == []
    assert offers.firing == [(URL, "backup")]
