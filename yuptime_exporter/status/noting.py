"""Note the pushes that other replicas accepted in the history of this one."""

from yuptime_exporter.core.model import Arming, LastPush, MonitorKey, Push
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.replication import Adopt
from yuptime_exporter.stores.memory.history import MemoryHistory


def noting(adopt: Adopt, table: MonitorTable, history: MemoryHistory) -> Adopt:
    """Return `adopt`, which then also notes each result that it has made visible.

    Another replica hands over its last result only. Of several results within a moment, and of
    starts of runs, the history of this replica may therefore lack some.
    """

    def adopt_and_note(key: MonitorKey, arming: Arming | None, push: LastPush | None) -> None:
        before = _last_push(table, key)
        adopt(key, arming, push)
        after = _last_push(table, key)
        if after is None or after.status is None or after is before:
            return
        if before is None or after.received_timestamp > before.received_timestamp:
            noted = Push(after.status, after.received_timestamp, after.message, dialect="")
            history.add(key, noted)

    return adopt_and_note


def _last_push(table: MonitorTable, key: MonitorKey) -> LastPush | None:
    row = table.row(key)
    return row.last_push if row else None
