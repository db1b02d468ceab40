"""Follow one source: make each set of monitors that it declares active."""

import logging
from collections.abc import Callable, Iterable, Iterator

from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.declared import MonitorSet, Problem
from yuptime_exporter.core.model import Monitor
from yuptime_exporter.core.ports import MonitorSource
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.receiving_log import ReceivingLog
from yuptime_exporter.engine.table_changes import TableChanges
from yuptime_exporter.metrics.declarations import DeclarationMetrics

log = logging.getLogger(__name__)


# With more monitors than this, each step of a change takes milliseconds. A push needs several turns
# of the event loop, so that a pause of one turn is not enough for it.
MANY_MONITORS = 1_000
STEP_PAUSE_SECONDS = 0.02


class Follower:
    """Declares in the table the monitors of one source.

    Attributes:
        monitors_by_type: number of declared monitors, by `spec.type`.
        problems: with the active set, and warnings about it, in the order of reading.
    """

    def __init__(
        self,
        changes: TableChanges,
        receiving_log: ReceivingLog,
        readiness: Readiness,
        *,
        on_change: Callable[[], None],
        metrics: DeclarationMetrics,
    ) -> None:
        """Connect the follower; nothing is declared before `follow`.

        Args:
            changes: declares monitors in the table and in the store.
            receiving_log: begins with the first set, just before pushes are accepted.
            readiness: learns that the first set is active.
            on_change: called when a set is active.
            metrics: the number of problems and of ignored documents.
        """
        self._changes = changes
        self._receiving_log = receiving_log
        self._readiness = readiness
        self._on_change = on_change
        self._metrics = metrics
        self._begun = False
        self.problems: tuple[Problem, ...] = ()
        self.monitors_by_type = {"push": 0}

    async def follow(self, source: MonitorSource) -> None:
        """Follow the source forever.

        Raises:
            SourceUnusable: the source cannot be read at all.
        """
        async for monitor_set in source.watch():
            await self._apply(monitor_set)
        raise RuntimeError("the source of monitors ended; a source must go on forever")

    async def _apply(self, monitor_set: MonitorSet) -> None:
        many = len(monitor_set.monitors) > MANY_MONITORS
        turn = Turn(pause_seconds=STEP_PAUSE_SECONDS if many else 0.0)
        await turn.pass_on()  # the source has just worked on the whole set
        tokenless = tuple(_tokenless(monitor_set.monitors))
        await turn.pass_on()
        if not self._begun:
            await self._receiving_log.begin()
        await self._changes.declare(monitor_set.monitors, unlisted=monitor_set.unlisted)
        # Nothing is awaited in between, so that each scrape shows monitors and problems of one set.
        self._describe(monitor_set, tokenless)
        await self._changes.save()
        await turn.pass_on()
        if not self._begun:
            self._begun = True
            self._readiness.listed()
            log.info("ready to receive pushes", extra={"monitors": len(monitor_set.monitors)})
        self._on_change()

    def _describe(self, monitor_set: MonitorSet, tokenless: tuple[Problem, ...]) -> None:
        self.monitors_by_type = {
            **dict.fromkeys(self.monitors_by_type, 0),
            **monitor_set.ignored_types,
            "push": len(monitor_set.monitors),
        }
        self._metrics.documents_ignored.set(monitor_set.ignored_documents)
        invalid = monitor_set.problems
        self._log_new("invalid manifest", invalid)
        self._log_new("monitor accepts no pushes", tokenless)
        self._log_new("manifest will not work as intended", monitor_set.warnings)
        self.problems = (*invalid, *tokenless, *monitor_set.warnings)
        self._readiness.note(monitor_set.notice)
        problems = len(invalid) + len(tokenless)
        self._metrics.monitors_invalid.set(problems)
        log.info(
            "monitors are active",
            extra={
                "monitors": len(monitor_set.monitors),
                "other_types": sum(monitor_set.ignored_types.values()),
                "problems": problems,
            },
        )

    def _log_new(self, message: str, problems: Iterable[Problem]) -> None:
        """Log the problems that the set before did not have."""
        known = frozenset(self.problems)
        for problem in problems:
            if problem not in known:
                log.warning(message, extra={"err": str(problem)})


def _tokenless(monitors: Iterable[Monitor]) -> Iterator[Problem]:
    """Return a problem for each monitor that has no token, so that no push to it is accepted."""
    for monitor in monitors:
        if not monitor.token_digests:
            secret = monitor.token_ref
            text = (
                f"expected a token under the key {secret.secret_key} of the Secret "
                f"{secret.secret_name} in its namespace, got none"
            )
            yield Problem(f"monitor {monitor.key}", "", text)
