"""Alerts about silence, where another replica may have accepted a push."""

import asyncio
from collections.abc import Collection, Iterable, Sequence

from tests.core.examples import DOWN, KEY, UP, monitor, push
from tests.engine.parts import ready, settled, table_of
from tests.exporters import StandingClock
from yuptime_exporter.core.alerting import AlertSettings, OutgoingAlert
from yuptime_exporter.core.model import MonitorKey, State
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.publisher import Publisher
from yuptime_exporter.engine.silence import SilenceCheck

SETTLE_SECONDS = 10.0
DEADLINE = 1360.0
URL = "http://alertmanager:9093"


class Elsewhere:
    """The pushes of other replicas in the store."""

    def __init__(self, table: MonitorTable) -> None:
        self._table = table
        self.pushes: dict[MonitorKey, float] = {}
        self.unreachable = False
        self.asked: list[set[MonitorKey]] = []

    async def confirm(self, keys: Collection[MonitorKey]) -> frozenset[MonitorKey]:
        self.asked.append(set(keys))
        if self.unreachable:
            return frozenset()
        for key in keys:
            if key in self.pushes:
                at = self.pushes[key]
                self._table.adopt(key, None, push(UP, at=at), now_timestamp=at)
        return frozenset(keys)


class Watcher:
    """Looks at a table as the publisher does."""

    def __init__(self, table: MonitorTable) -> None:
        self.table = table
        self.elsewhere = Elsewhere(table)
        self.check = SilenceCheck(
            table, settle_seconds=SETTLE_SECONDS, confirm=self.elsewhere.confirm
        )

    async def states(self, *, at: float) -> dict[str, State]:
        """Return the certain state of each monitor."""
        self.table.record_receiving(at)
        judged = self.table.judged(now_timestamp=at)
        certain = await self.check.certain(judged, now_timestamp=at)
        return {row.monitor.key.name: verdict.state for row, verdict in certain}


async def test_monitors_that_are_not_silent_are_certain_without_a_look_into_the_store() -> None:
    watcher = Watcher(table_of(monitor(), monitor("other"), at=1000))
    watcher.table.record_push(KEY, push(DOWN, at=1100))

    assert await watcher.states(at=1100) == {"backup": State.DOWN, "other": State.PENDING}
    assert watcher.elsewhere.asked == []


async def test_silence_is_not_certain_right_after_the_deadline() -> None:
    watcher = Watcher(table_of(at=1000))

    assert await watcher.states(at=DEADLINE) == {}
    assert await watcher.states(at=DEADLINE + SETTLE_SECONDS - 0.001) == {}
    assert watcher.elsewhere.asked == []


async def test_silence_is_certain_once_the_deadline_has_settled_and_the_store_was_asked() -> None:
    watcher = Watcher(table_of(at=1000))

    assert await watcher.states(at=DEADLINE + SETTLE_SECONDS) == {"backup": State.DOWN}
    assert await watcher.states(at=DEADLINE + 1000) == {"backup": State.DOWN}
    assert watcher.elsewhere.asked == [{KEY}]


async def test_a_push_that_the_watch_did_not_show_is_found_before_an_alert() -> None:
    watcher = Watcher(table_of(at=1000))
    watcher.elsewhere.pushes = {KEY: 1355.0}

    assert await watcher.states(at=DEADLINE + SETTLE_SECONDS) == {"backup": State.UP}


async def test_silence_is_not_certain_while_the_store_cannot_be_asked() -> None:
    watcher = Watcher(table_of(monitor(), monitor("other"), at=1000))
    watcher.table.record_push(MonitorKey("prod", "other"), push(DOWN, at=1100))
    watcher.elsewhere.unreachable = True
    cut_off = await watcher.states(at=DEADLINE + 60)
    watcher.elsewhere.unreachable = False
    again = await watcher.states(at=DEADLINE + 75)

    assert cut_off == {"other": State.DOWN}
    assert again == {"backup": State.DOWN, "other": State.DOWN}


async def test_the_store_is_asked_again_after_a_monitor_recovered() -> None:
    watcher = Watcher(table_of(at=1000))
    await watcher.states(at=DEADLINE + 60)
    watcher.table.record_push(KEY, push(UP, at=1500))
    await watcher.states(at=1500)
    await watcher.states(at=1860 + SETTLE_SECONDS)

    assert watcher.elsewhere.asked == [{KEY}, {KEY}]


class Alerts:
    """An `AlertSinks` that keeps what it is offered."""

    def __init__(self) -> None:
        self.firing: list[str] = []

    def offer(self, url: str, alerts: Sequence[OutgoingAlert]) -> None:
        assert url == URL
        self.firing += [one.alert.row.monitor.key.name for one in alerts]

    def keep_only(self, urls: Iterable[str]) -> None:
        pass


async def published(table: MonitorTable, clock: StandingClock, *, settles: bool) -> list[str]:
    """Return the monitors of which an alert is sent at this moment."""
    alerts, elsewhere = Alerts(), Elsewhere(table)
    check = SilenceCheck(table, settle_seconds=SETTLE_SECONDS, confirm=elsewhere.confirm)
    publisher = Publisher(
        table,
        ready(),
        settings=lambda: AlertSettings(alertmanager_urls=(URL,)),
        silence_check=check if settles else None,
        clock=clock,
    )
    looked = asyncio.Event()
    offer, keep_only = alerts.offer, alerts.keep_only

    class Noting(Alerts):
        def offer(self, url: str, alerts: Sequence[OutgoingAlert]) -> None:
            offer(url, alerts)

        def keep_only(self, urls: Iterable[str]) -> None:
            keep_only(urls)
            looked.set()

    async with asyncio.TaskGroup() as tasks:
        publishing = tasks.create_task(publisher.publish_forever(Noting()))
        await looked.wait()
        await settled()
        publishing.cancel()
    return alerts.firing


async def test_no_alert_is_sent_right_after_a_deadline() -> None:
    table, clock = table_of(at=1000), StandingClock(DEADLINE + 1)
    table.record_receiving(clock())

    assert await published(table, clock, settles=True) == []
    assert await published(table, clock, settles=False) == ["backup"]


async def test_an_alert_about_a_down_push_is_sent_at_once() -> None:
    table, clock = table_of(at=1000), StandingClock(1100)
    table.record_receiving(clock())
    table.record_push(KEY, push(DOWN, at=1100))

    assert await published(table, clock, settles=True) == ["backup"]


async def test_an_alert_about_a_settled_deadline_is_sent() -> None:
    table, clock = table_of(at=1000), StandingClock(DEADLINE + SETTLE_SECONDS)
    table.record_receiving(clock())

    assert await published(table, clock, settles=True) == ["backup"]
