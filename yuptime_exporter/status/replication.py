"""Adopt the pushes that other replicas stored in the status of Monitors.

The watch delivers them; before an alert is raised the status is also read.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Protocol

from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.engine.replication import Adopt
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.status.body import shown_of, stored_in
from yuptime_exporter.status.limits import StatusLimits
from yuptime_exporter.status.model import ConditionType, Holds
from yuptime_exporter.status.patches import StatusPatches

# Enough to read a Secret and to make its tokens active.
READ_SECONDS = 2.0


class CheckTokens(Protocol):
    """Reads the tokens of a monitor again where another replica has found otherwise."""

    def __call__(self, key: MonitorKey, *, resolved: bool | None) -> bool:
        """Return whether a read has begun.

        Args:
            key: the monitor.
            resolved: whether the other replica has found tokens; None: it does not know.
        """


class StatusReplication:
    """Adopts the pushes and armings in the status of Monitors."""

    def __init__(
        self,
        patches: StatusPatches,
        *,
        adopt: Adopt,
        on_shown: Callable[[MonitorKey], None],
        check_tokens: CheckTokens,
        limits: StatusLimits | None = None,
    ) -> None:
        """Connect the status of Monitors with the table.

        Args:
            patches: reads single Monitors, and knows which statuses this replica wrote itself.
            adopt: adopts the arming and the push of a monitor.
            on_shown: called after the status of another replica was adopted.
            check_tokens: reads the tokens of a monitor again if another replica found otherwise.
            limits: None: the defaults.
        """
        self._patches = patches
        self._limits = limits or StatusLimits()
        self._adopt = adopt
        self._on_shown = on_shown
        self._check_tokens = check_tokens

    def shown(self, key: MonitorKey, found: MonitorObject) -> None:
        """Adopt the status that the watch shows, unless this replica wrote it.

        A replica that reads Secrets now and then may know an older Secret. It looks before it
        replaces the condition of a replica that has just read.
        """
        if self._patches.is_own(key, found):
            return
        stored = stored_in(found.status)
        self._adopt(key, stored.arming, stored.last_push)
        if self._check_tokens(key, resolved=_tokens_resolved(found)):
            asyncio.get_running_loop().call_later(READ_SECONDS, self._on_shown, key)
        else:
            self._on_shown(key)

    async def confirm(self, keys: Collection[MonitorKey]) -> frozenset[MonitorKey]:
        """Read these Monitors and adopt their pushes; return the monitors that were read."""
        confirmed: set[MonitorKey] = set()
        waiting = deque(keys)

        async def read_next() -> None:
            while waiting:
                key = waiting.popleft()
                found = await self._patches.reread(key)
                if found is None:  # the API server does not answer: reading the others is futile
                    waiting.clear()
                    return
                self._adopt(key, None, found.last_push)
                confirmed.add(key)

        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.confirm_seconds), asyncio.TaskGroup() as tasks:
                for _ in range(min(self._limits.writes_in_flight, len(keys))):
                    tasks.create_task(read_next())
        return frozenset(confirmed)


def _tokens_resolved(found: MonitorObject) -> bool | None:
    """Return whether the status says that there are tokens; None: it does not say."""
    holds = {one.type: one.holds for one in shown_of(found.status).conditions}
    return {Holds.TRUE: True, Holds.FALSE: False}.get(
        holds.get(ConditionType.TOKEN_RESOLVED, Holds.UNKNOWN)
    )
