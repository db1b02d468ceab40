"""Reload the configuration and the sources of monitors: at once, or when a signal asks for it."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.core.ports import MonitorSource
from yuptime_exporter.engine.readiness import Readiness

log = logging.getLogger(__name__)


class Reloading:
    """Reloads everything that a user may have changed.

    Attributes:
        requested: set to reload soon; for signals, which cannot wait.
    """

    def __init__(
        self,
        reload_configuration: Callable[[], None],
        source: MonitorSource,
        readiness: Readiness,
    ) -> None:
        """Connect the configuration and the source.

        Args:
            reload_configuration: loads it and makes it active; raises `ConfigInvalid`.
            source: refreshed only when ready: before, its first listing is under way anyway.
            readiness: whether all monitors are listed.
        """
        self.requested = asyncio.Event()
        self._reload_configuration = reload_configuration
        self._source = source
        self._readiness = readiness

    async def reload(self) -> None:
        """Reload the configuration, then the source; return when both are active.

        Raises:
            ConfigInvalid: the active configuration stays, and the source is not refreshed.
        """
        self._reload_configuration()
        if self._readiness.ready:
            await self._source.refresh()
        log.info("configuration and monitors reloaded")

    async def reload_on_request(self) -> NoReturn:
        """Reload each time that `requested` is set, forever."""
        while True:
            await self.requested.wait()
            self.requested.clear()
            with suppress(ConfigInvalid):  # logged and counted where it was raised
                await self.reload()
