"""Whether silence is certain where other replicas take pushes, too.

A push that another replica accepted before the deadline may become visible here after it: the push
may have waited for the store, and the watch may be broken without a sign. So an alert about silence
waits until a deadline has settled, and until the store was asked for the monitor.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable

from yuptime_exporter.core.model import Judged, MonitorKey, Reason, State
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.receiver import SAVE_TIMEOUT_SECONDS

Confirm = Callable[[Collection[MonitorKey]], Awaitable[frozenset[MonitorKey]]]

# A push that another replica accepted just before a deadline is stored at most this long after it:
# the longest wait for the store, and one second for the watch.
SETTLE_SECONDS = SAVE_TIMEOUT_SECONDS + 1.0

SILENCE = frozenset({Reason.OVERDUE, Reason.NEVER_PUSHED, Reason.OVERRAN})


class SilenceCheck:
    """Holds back monitors whose silence is not certain yet."""

    def __init__(
        self, table: MonitorTable, *, confirm: Confirm, settle_seconds: float = SETTLE_SECONDS
    ) -> None:
        """Have no monitor confirmed yet.

        Args:
            table: all monitors.
            confirm: reads these monitors from the store into the table, and returns the monitors
                that were read; the others could not be read.
            settle_seconds: how long after a deadline a push from before it may be stored.
        """
        self._table = table
        self.settle_seconds = settle_seconds
        self._confirm = confirm
        self._confirmed: frozenset[MonitorKey] = frozenset()

    async def certain(self, judged: list[Judged], *, now_timestamp: float) -> list[Judged]:
        """Return the monitors that are certainly in their judged state."""
        settled_timestamp = now_timestamp - self.settle_seconds
        silent = {
            row.monitor.key
            for row, verdict in judged
            if verdict.reason in SILENCE and verdict.deadline_timestamp <= settled_timestamp
        }
        self._confirmed &= silent
        if silent - self._confirmed:
            self._confirmed |= await self._confirm(silent - self._confirmed)
            rows = [self._table.row(one.row.monitor.key) for one in judged]
            known = [row for row in rows if row is not None]
            judged = self._table.judged(now_timestamp=now_timestamp, rows=known)
        return list(self._certain(judged, settled_timestamp))

    def _certain(self, judged: list[Judged], settled_timestamp: float) -> Iterable[Judged]:
        for one in judged:
            if one.verdict.reason in SILENCE and one.verdict.state is State.DOWN:
                settling = one.verdict.deadline_timestamp > settled_timestamp
                if settling or one.row.monitor.key not in self._confirmed:
                    continue
            yield one
