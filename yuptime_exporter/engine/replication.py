"""Adopt the pushes and armings that other replicas stored."""

from collections.abc import Callable

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.receiver import OnPush

Adopt = Callable[[MonitorKey, Arming | None, LastPush | None], None]
"""Adopts the arming and the push that another replica stored for a monitor."""


class Replication:
    """Makes the pushes of other replicas visible here. For the event loop's thread only."""

    def __init__(self, table: MonitorTable, *, on_push: OnPush, clock: Clock) -> None:
        self._table = table
        self._on_push = on_push
        self._clock = clock

    def adopt(self, key: MonitorKey, arming: Arming | None, push: LastPush | None) -> None:
        """Show the stored state of a monitor, as far as it is newer than the state known here.

        Args:
            key: the monitor.
            arming: as it is stored; None: no arming is stored.
            push: the last push that is stored; None: no push is stored.
        """
        now_timestamp = self._clock()
        row = self._table.row(key)
        if not self._table.adopt(key, arming, push, now_timestamp=now_timestamp) or row is None:
            return
        adopted = self._table.row(key)
        if adopted is not None:
            before = self._table.verdict(row, now_timestamp=now_timestamp)
            after = self._table.verdict(adopted, now_timestamp=now_timestamp)
            self._on_push(key, before.state, after.state)
