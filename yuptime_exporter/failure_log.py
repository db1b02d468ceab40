"""Log a lasting failure twice: when it begins, and when it is over.

Metrics count the failures in between, so that a dependency that is away for an hour does not fill
the log.
"""

import logging


class FailureLog:
    """The log lines of one operation that may fail."""

    def __init__(
        self,
        log: logging.Logger,
        failure: str,
        recovery: str = "",
        *,
        level: int = logging.WARNING,
    ) -> None:
        """Log nothing yet.

        Args:
            log: the logger of the module that meets the failure.
            failure: the message when it begins.
            recovery: the message when it is over, at level INFO; empty: none.
            level: of the first message.
        """
        self._log = log
        self._failure = failure
        self._recovery = recovery
        self._level = level
        self._kind: str | None = None

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._kind is not None

    def failed(self, err: object, *, kind: str = "", **fields: object) -> None:
        """Log the failure, unless the same kind of failure was logged and is not over.

        Args:
            err: the error's text.
            kind: the kind of failure; another kind is logged again, since its remedy is another.
            fields: further fields of the log line.
        """
        if kind != self._kind:
            self._kind = kind
            extra = {**fields, "err": str(err)}
            self._log.log(self._level, self._failure, extra=extra, stacklevel=2)

    def recovered(self, **fields: object) -> None:
        """Log that the failure is over, if there was one."""
        if self._kind is not None:
            self._kind = None
            if self._recovery:
                self._log.info(self._recovery, extra=fields, stacklevel=2)
