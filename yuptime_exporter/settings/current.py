"""The configuration that is active, and loading it again."""

import logging
from collections.abc import Callable

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.metrics.process import ReloadMetrics
from yuptime_exporter.settings.configuration import Configuration

log = logging.getLogger(__name__)

FILE = "configuration"


class CurrentConfiguration:
    """The last configuration that was loaded without a problem.

    Attributes:
        value: the active configuration.
        problem: why the last reload failed; empty after a success.
    """

    def __init__(
        self, load: Callable[[], Configuration], *, metrics: ReloadMetrics, clock: Clock
    ) -> None:
        """Load the configuration for the first time.

        Raises:
            ConfigInvalid: the configuration file cannot be used.
        """
        self._load = load
        self._metrics = metrics
        self._clock = clock
        self._followers: list[Callable[[Configuration], None]] = []
        self.problem = ""
        self.value = load()
        self._note_success()

    def follow(self, apply: Callable[[Configuration], None]) -> None:
        """Call `apply` with the active configuration now, and with each later one."""
        self._followers.append(apply)
        apply(self.value)

    def reload(self) -> None:
        """Load the configuration again and apply it.

        Raises:
            ConfigInvalid: the file cannot be used; the active configuration stays.
        """
        try:
            self.value = self._load()
        except ConfigInvalid as error:
            self.problem = str(error)
            self._metrics.failed(FILE)
            log.error("configuration was not reloaded", extra={"err": str(error)})
            raise
        for apply in self._followers:
            apply(self.value)
        self._note_success()

    def _note_success(self) -> None:
        self.problem = ""
        self._metrics.succeeded(FILE, self._clock())
