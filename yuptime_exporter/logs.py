"""Logs on stderr in the format of Prometheus' programs: logfmt or JSON, one event a line.

The formatter is our own. The libraries write control characters unescaped, so that a job's message
could forge lines or move a terminal's cursor (docs/adr/0007-logs.md).
"""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

# The attributes of every record; all others were given as `extra` and are fields of the event.
_STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
}

# Fields are cut, so that no input makes a line too long for a log collector.
_MAX_VALUE_CHARS = 4096

_UNQUOTED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:+@*()[],")


def configure(*, level: str, log_format: str) -> None:
    """Send events at or above `level` to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogfmtFormatter() if log_format == "logfmt" else JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Its only warning is a write to a client that has left, once for each write.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    # It logs each change of a file at INFO; the source logs the result.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    # It logs every error that it also raises, and at DEBUG the credentials that it looks for.
    logging.getLogger("kubernetes_asyncio").setLevel(logging.CRITICAL)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one event."""
        return json.dumps(_event(record), default=str)


class LogfmtFormatter(logging.Formatter):
    """`key=value` pairs; a value with unusual characters is quoted as in JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one event."""
        return " ".join(f"{key}={_logfmt_value(value)}" for key, value in _event(record).items())


def _event(record: logging.LogRecord) -> Mapping[str, object]:
    """Return the fields of an event, in the order in which they are written."""
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    event: dict[str, object] = {
        "time": moment.replace("+00:00", "Z"),
        "level": record.levelname.replace("WARNING", "WARN"),
        "source": f"{record.filename}:{record.lineno}",
        "msg": record.getMessage()[:_MAX_VALUE_CHARS],
    }
    for key, value in record.__dict__.items():
        if key not in _STANDARD_FIELDS:
            event[key] = value if isinstance(value, int | float) else str(value)[:_MAX_VALUE_CHARS]
    if record.exc_info:
        event["exception"] = logging.Formatter().formatException(record.exc_info)
    return event


def _logfmt_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if text and _UNQUOTED.issuperset(text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
