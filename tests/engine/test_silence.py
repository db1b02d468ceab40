"""Alerts about silence, where another replica may have accepted a push."""

from collections.abc import Collection

from tests.core.examples import DOWN, KEY, UP, monitor, push
from tests.engine.parts import table_of
from yuptime_exporter.core.model import MonitorKey, State
from yuptime_exporter.core.table import MonitorTable
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
    watcher.table.record_pushes([(KEY, push(DOWN, at=1100))])

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
    watcher.table.record_pushes([(MonitorKey("prod", "other"), push(DOWN, at=1100))])
    watcher.elsewhere.unreachable = True
    cut_off = await watcher.states(at=DEADLINE + 60)
    watcher.elsewhere.unreachable = False
    again = await watcher.states(at=DEADLINE + 75)

    assert cut_off == {"other": State.DOWN}
    assert again == {"backup": State.DOWN, "other": State.DOWN}


async def test_the_store_is_asked_again_after_a_monitor_recovered() -> None:
    watcher = Watcher(table_of(at=1000))
    await watcher.states(at=DEADLINE + 60)
    watcher.table.record_pushes([(KEY, push(UP, at=1500))])
    await watcher.states(at=1500)
    await watcher.states(at=1860 + SETTLE_SECONDS)

    assert watcher.elsewhere.asked == [{KEY}, {KEY}]
