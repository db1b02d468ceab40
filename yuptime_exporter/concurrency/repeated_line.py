"""One log line of an event that strangers can cause thousands of times a second."""

import asyncio
import logging


class RepeatedLine:
    """Logs the first event at once, and counts the events after it in one line each period.

    For the event loop's thread only. No event is lost: each line has the number of events since
    the line before, as `count`.
    """

    def __init__(
        self, log: logging.Logger, message: str, *, level: int, period_seconds: float = 1.0
    ) -> None:
        """Log nothing yet.

        Args:
            log: the logger of the module that meets the event.
            message: of every line.
            level: of every line.
            period_seconds: the least time between two lines.
        """
        self._log = log
        self._message = message
        self._level = level
        self._period_seconds = period_seconds
        self._count = 0
        self._fields: dict[str, object] = {}
        self._error: BaseException | None = None
        self._period: asyncio.TimerHandle | None = None

    def happened(self, *, error: BaseException | None = None, **fields: object) -> None:
        """Note one event.

        Args:
            error: logged with its traceback.
            fields: of the log line; a line about several events has those of the last.
        """
        self._count += 1
        self._error, self._fields = error, fields
        if self._period is None:
            self._write(stacklevel=3)

    def _write(self, *, stacklevel: int) -> None:
        extra = {**self._fields, "count": self._count}
        self._log.log(
            self._level, self._message, extra=extra, exc_info=self._error, stacklevel=stacklevel
        )
        self._count, self._error = 0, None
        loop = asyncio.get_running_loop()
        self._period = loop.call_later(self._period_seconds, self._end_period)

    def _end_period(self) -> None:
        self._period = None
        if self._count:
            self._write(stacklevel=2)  # a timer has no caller in the program
