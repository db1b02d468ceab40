"""Builders of the values that the tests talk about, and the life of one table told in moments.

The example monitor is `prod/backup`, declared at 1000 with 300 s to expire and 60 s of grace: it
expires at 1300 and its deadline is 1360, and so it is after a push at 1000.
"""

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client.metrics_core import Metric

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.evaluation import after_push, judge
from yuptime_exporter.core.exposition import Shown
from yuptime_exporter.core.families import exposed_families
from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.model import (
    Arming,
    Judged,
    LastPush,
    Monitor,
    MonitorKey,
    Outage,
    Push,
    PushKind,
    Row,
    State,
    TokenRef,
    Verdict,
)
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.schedules import Every
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.core.table import MonitorTable

KEY = MonitorKey("prod", "backup")
UP, DOWN, START, LOG = PushKind.UP, PushKind.DOWN, PushKind.START, PushKind.LOG
NO_OUTAGES = Outages()

SILENCE_IS_OUTAGE_AFTER_SECONDS = 15.0


def replace_monitors(
    table: MonitorTable,
    monitors: Iterable[Monitor],
    *,
    unlisted: frozenset[str] = frozenset(),
    now_timestamp: float,
) -> Changes:
    """Declare exactly these monitors at once; return the changes to store."""
    steps = table.declaring(monitors, unlisted=unlisted, now_timestamp=now_timestamp)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            changes: Changes = end.value
            return changes


def monitor(name: str = "backup", namespace: str = "prod", **fields: Any) -> Monitor:
    if "expire_seconds" in fields:
        fields["schedule"] = Every(fields.pop("expire_seconds"))
    return Monitor(MonitorKey(namespace, name), TokenRef("tokens", "token"), **fields)


def push(status: PushKind = UP, *, at: float = 1000, **fields: Any) -> LastPush:
    """Return a first push, unless the fields say otherwise."""
    first: dict[str, Any] = {
        "message": "",
        "since_timestamp": at,
        "last_success_timestamp": at if status is UP else 0.0,
        "pushes_total": 1,
        "pushes_down_total": int(status is DOWN),
    }
    return LastPush(status=status, received_timestamp=at, **(first | fields))


def row(
    last_push: LastPush | None = None,
    *,
    armed: float = 1000,
    paused: float | None = None,
    **fields: Any,
) -> Row:
    declared = monitor(enabled=paused is None, **fields)
    return Row(declared, Arming(armed, paused_timestamp=paused), last_push)


def judged(judged_row: Row, *, at: float, outages: Outages = NO_OUTAGES) -> Verdict:
    return judge(judged_row, outages, now_timestamp=at)


def pushed(onto: Row, status: PushKind, *, at: float, message: str = "", **fields: Any) -> LastPush:
    return after_push(onto, NO_OUTAGES, Push(status, at, message, **fields))


class Life:
    """The life of one exporter: declarations, pushes, outages, restarts.

    Only data that a store keeps survives `restart`. It receives at every
    moment that is named, unless a test says that it does not; time that nothing is told of is
    no outage.
    """

    def __init__(self, *monitors: Monitor, at: float = 1000) -> None:
        self.armings: dict[MonitorKey, Arming] = {}
        self.last_pushes: dict[MonitorKey, LastPush] = {}
        self.monitors: tuple[Monitor, ...] = ()
        self.table = self._new_table()
        self.declare(*(monitors or (monitor(),)), at=at)

    def declare(self, *monitors: Monitor, at: float, unlisted: tuple[str, ...] = ()) -> None:
        """Declare exactly these monitors; those of unlisted namespaces are not known."""
        self.monitors = monitors
        self.table.record_receiving(at)
        self.store(
            replace_monitors(self.table, monitors, unlisted=frozenset(unlisted), now_timestamp=at)
        )

    def store(self, changes: Changes) -> None:
        """Store the changes of the table, as every store does."""
        self.armings |= changes.armings
        for key, (before, after) in changes.corrections.items():
            if self.last_pushes.get(key) == before:
                self.last_pushes[key] = after
        for key, moment in changes.forgotten.items():
            last, arming = self.last_pushes.get(key), self.armings.get(key)
            if last and last.received_timestamp < moment:
                del self.last_pushes[key]
            if arming and arming.vanished_timestamp and arming.vanished_timestamp < moment:
                del self.armings[key]

    def push(
        self,
        status: PushKind,
        *,
        at: float,
        key: MonitorKey = KEY,
        message: str = "",
        **fields: Any,
    ) -> LastPush:
        self.table.record_receiving(at)
        row = self.table.row(key)
        assert row is not None
        outages = self.table.outages(now_timestamp=at)
        accepted = after_push(row, outages, Push(status, at, message, **fields))
        self.table.record_pushes([(key, accepted)])
        self.last_pushes[key] = accepted
        return accepted

    def outage(self, start: float, end: float) -> None:
        self.table.record_outage(Outage(start, end))

    def restart(self, *, at: float, unlisted: tuple[str, ...] = ()) -> None:
        """Keep only stored data, and declare the same monitors again, except the unlisted ones."""
        restored = Restored(
            armings=dict(self.armings),
            last_pushes=dict(self.last_pushes),
            outages=self.table.ended_outages,
            receiving_timestamp=self.table.receiving_timestamp,
        )
        self.table = self._new_table()
        self.table.restore(restored)
        listed = [one for one in self.monitors if one.key.namespace not in unlisted]
        self.declare(*listed, at=at, unlisted=unlisted)

    def verdict(self, *, at: float, key: MonitorKey = KEY, receiving: bool = True) -> Verdict:
        if receiving:
            self.table.record_receiving(at)
        verdicts = {
            row.monitor.key: verdict for row, verdict in self.table.judged(now_timestamp=at)
        }
        return verdicts[key]

    def state(self, *, at: float) -> State:
        return self.verdict(at=at).state

    def since(self, *, at: float) -> float:
        return self.verdict(at=at).since_timestamp

    def deadline(self, *, at: float) -> float:
        return self.verdict(at=at).deadline_timestamp

    def _new_table(self) -> MonitorTable:
        return MonitorTable(silence_is_outage_after_seconds=SILENCE_IS_OUTAGE_AFTER_SECONDS)


def names(rows: Iterable[Row]) -> list[str]:
    return [str(row.monitor.key) for row in rows]


def monitor_families(
    judged: Iterable[Judged],
    defaults: AlertDefaults,
    *,
    messages: bool = False,
    rejected_total: Callable[[MonitorKey], int] = lambda _: 0,
) -> list[Metric]:
    """Return the families of monitors as prometheus-client writes them."""
    shown = [
        Shown(row, verdict, rejected_total(row.monitor.key), defaults) for row, verdict in judged
    ]
    return [family.metric(shown) for family in exposed_families(messages=messages)]
