"""The overview of all monitors as it is now, brought up to date in short turns when asked for."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.alerting import AlertSettings
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.overview import Overview
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.table import MonitorTable

_VERSION_DIGITS = 18


@dataclass(frozen=True, slots=True)
class ExporterState:
    """The state of the exporter itself, for the top of each page.

    Attributes:
        awaited: why the exporter is not ready; empty when it is.
        notice: things to know although it is ready, such as a store that fails or an Alertmanager that is
            not reached; mostly empty.
        reload_problem: why the last reload of the configuration failed; empty after a success.
        problems: with the manifests, their Secrets, and valid declarations that will not work.
    """

    awaited: str = ""
    notice: str = ""
    reload_problem: str = ""
    problems: tuple[Problem, ...] = ()


class Board:
    """All monitors and the exporter, for pages, JSON and events. For the event loop's thread only.

    Attributes:
        clock: Unix seconds.
        table: all monitors.
        exporter: returns the state of the exporter now.
    """

    def __init__(
        self,
        table: MonitorTable,
        rejudging: Rejudging,
        exporter: Callable[[], ExporterState],
        *,
        alerting: Callable[[], AlertSettings] = AlertSettings,
        clock: Clock,
    ) -> None:
        """Know no monitor yet.

        Args:
            table: all monitors.
            rejudging: knows the monitors whose verdict may have changed.
            exporter: returns the state of the exporter now.
            alerting: returns the active settings of alerts.
            clock: Unix seconds.
        """
        self.clock = clock
        self.table = table
        self.exporter = exporter
        self._overview = Overview(rejudging, alerting=alerting)
        self._refreshing = asyncio.Lock()
        self._run = uuid.uuid4().hex[:8]  # versions count from 0 in each run

    async def overview(self) -> Overview:
        """Return the overview, up to date."""
        async with self._refreshing:
            turn = Turn()
            for _ in self._overview.refreshing(now_timestamp=self.clock()):
                if turn.is_over():
                    await turn.pass_on()
        return self._overview

    def event_id(self, overview: Overview) -> str:
        """Return the name of the overview's version, by which a client continues."""
        return f"{self._run}-{overview.version}"

    def version_of(self, event_id: str) -> int | None:
        """Return the version that an event named; None if it is none of this run."""
        run, _, version = event_id.partition("-")
        known = run == self._run and version.isascii() and version.isdecimal()
        return int(version) if known and len(version) <= _VERSION_DIGITS else None
