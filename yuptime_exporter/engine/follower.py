"""Put each set of monitors that a source declares into force."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import Monitor, MonitorSet, Problem
from yuptime_exporter.core.ports import MonitorSource
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.receiving_log import Bookkeeping
from yuptime_exporter.metrics.declarations import DeclarationMetrics

log = logging.getLogger(__name__)


# Of so many monitors each step takes milliseconds. A push takes several turns of the event loop, so
# that it is not enough to let it have one between two steps: it should be through by the next.
MANY_MONITORS = 1_000
STEP_PAUSE_SECONDS = 0.02


class Follower:
    """Follows one source; what it applied last is what the exporter knows of the declarations."""

    def __init__(
        self,
        table: MonitorTable,
        bookkeeping: Bookkeeping,
        readiness: Readiness,
        *,
        on_change: Callable[[], None],
        metrics: DeclarationMetrics,
        clock: Clock,
    ) -> None:
        """Take what a set of monitors passes through; `on_change` is called once it is in force."""
        self._on_change = on_change
        self._table = table
        self._bookkeeping = bookkeeping
        self._readiness = readiness
        self._metrics = metrics
        self._clock = clock
        self._begun = False
        self._problems: frozenset[Problem] = frozenset()
        self.monitors_by_type = {"push": 0}

    async def follow(self, source: MonitorSource) -> None:
        """Follow the source for as long as it lasts; a source that ends is a fault."""
        async for monitor_set in source.watch():
            await self._apply(monitor_set)
        raise RuntimeError("the source of monitors ended; it must not")

    async def _apply(self, monitor_set: MonitorSet) -> None:
        pause_seconds = STEP_PAUSE_SECONDS if len(monitor_set.monitors) > MANY_MONITORS else 0.0
        await asyncio.sleep(pause_seconds)  # the source has just made all of the set
        if not self._begun:
            await self._bookkeeping.begin()
        now_timestamp = self._clock()
        changes = self._table.replace_monitors(monitor_set.monitors, now_timestamp=now_timestamp)
        await self._bookkeeping.save(changes)
        await asyncio.sleep(pause_seconds)
        self._describe(monitor_set)
        await asyncio.sleep(pause_seconds)
        if not self._begun:
            self._begun = True
            self._readiness.listed()
            log.info("ready to receive pushes", extra={"monitors": len(monitor_set.monitors)})
        self._on_change()

    def _describe(self, monitor_set: MonitorSet) -> None:
        self.monitors_by_type = {
            **dict.fromkeys(self.monitors_by_type, 0),
            **monitor_set.ignored_types,
            "push": len(monitor_set.monitors),
        }
        self._metrics.documents_ignored.set(monitor_set.ignored_documents)
        problems = [*monitor_set.problems, *_tokenless(monitor_set.monitors)]
        self._metrics.monitors_invalid.set(len(problems))
        for problem in problems:
            if problem not in self._problems:
                log.warning("declared object cannot be used as it is", extra={"err": str(problem)})
        self._problems = frozenset(problems)
        log.info(
            "monitors in force",
            extra={
                "monitors": len(monitor_set.monitors),
                "other_types": sum(monitor_set.ignored_types.values()),
                "problems": len(problems),
            },
        )


def _tokenless(monitors: Iterable[Monitor]) -> Iterator[Problem]:
    """Return the monitors to which nobody can push, since there is no token to push with."""
    for monitor in monitors:
        if not monitor.token_digests:
            secret = monitor.token_ref
            text = (
                f"nobody can push: the Secret {secret.secret_name} in its namespace is missing, "
                f"or has no token under the key {secret.secret_key}"
            )
            yield Problem(f"monitor {monitor.key}", "", text)
