"""The flow of a change of monitors: source ─→ follower ─→ table ─→ store."""

from collections.abc import Callable

from yuptime_exporter.engine.follower import Follower
from yuptime_exporter.engine.receiving_log import ReceivingLog
from yuptime_exporter.engine.table_changes import TableChanges
from yuptime_exporter.wiring.parts import Parts
from yuptime_exporter.wiring.shared import Shared


def connect_changes(
    shared: Shared, parts: Parts, *, on_change: Callable[[], None]
) -> tuple[ReceivingLog, Follower]:
    """Return the receiving log and the follower; they store through the same changes.

    Args:
        shared: the values of the run.
        parts: the store, and the reaction to a store that cannot take pushes.
        on_change: called when a set of monitors is active.
    """
    metrics = shared.metrics
    changes = TableChanges(
        shared.table,
        parts.store,
        retention_seconds=shared.settings.storage_retention_seconds,
        metrics=metrics.changes,
        clock=shared.clock,
    )
    receiving_log = ReceivingLog(
        shared.table,
        parts.store,
        changes,
        on_receiving=parts.on_receiving,
        metrics=metrics.receiving,
        clock=shared.clock,
    )
    follower = Follower(
        changes,
        receiving_log,
        shared.readiness,
        on_change=on_change,
        metrics=metrics.declarations,
    )
    return receiving_log, follower
