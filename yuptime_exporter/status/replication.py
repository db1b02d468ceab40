"""Adopts what other replicas stored in the status of Monitors.

That happens as the watch shows a status, and on request before an alert is raised.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress

from yuptime_exporter.core.model import Arming, LastPush, MonitorKey
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.status.body import stored_in
from yuptime_exporter.status.patches import MonitorStatusSink
from yuptime_exporter.status.reporter import MAX_IN_FLIGHT

Adopt = Callable[[MonitorKey, Arming | None, LastPush | None], None]

# An alert waits at most this long for the API server. A monitor that was not read by then is asked
# for again in the next round of alerts.
CONFIRM_SECONDS = 10.0


class StatusReplication:
    """Adopts the pushes and armings in the status of Monitors."""

    def __init__(
        self,
        sink: MonitorStatusSink,
        *,
        adopt: Adopt,
        on_shown: Callable[[MonitorKey], None],
    ) -> None:
        """Connect the status of Monitors with the table.

        Args:
            sink: reads single Monitors, and knows which statuses this replica wrote itself.
            adopt: adopts the arming and the push of a monitor.
            on_shown: called after the status of another replica was adopted.
        """
        self._sink = sink
        self._adopt = adopt
        self._on_shown = on_shown

    def shown(self, key: MonitorKey, found: MonitorObject) -> None:
        """Adopt the status that the watch shows, unless this replica wrote it."""
        if self._sink.is_own(key, found):
            return
        stored = stored_in(found.status)
        self._adopt(key, stored.arming, stored.last_push)
        self._on_shown(key)

    async def confirm(self, keys: Collection[MonitorKey]) -> frozenset[MonitorKey]:
        """Read these Monitors and adopt their pushes; return the monitors that were read."""
        confirmed: set[MonitorKey] = set()
        waiting = deque(keys)

        async def read_next() -> None:
            while waiting:
                key = waiting.popleft()
                found = await self._sink.reread(key)
                if found is None:  # the API server does not answer: no use to ask for the others
                    waiting.clear()
                    return
                self._adopt(key, None, found.last_push)
                confirmed.add(key)

        with suppress(TimeoutError):
            async with asyncio.timeout(CONFIRM_SECONDS), asyncio.TaskGroup() as tasks:
                for _ in range(min(MAX_IN_FLIGHT, len(keys))):
                    tasks.create_task(read_next())
        return frozenset(confirmed)
