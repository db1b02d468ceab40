"""Moments as protocols and people write them; inside they are Unix seconds."""

from datetime import UTC, datetime


def rfc3339(timestamp: float) -> str:
    """Return a moment in UTC with milliseconds, such as `2026-01-31T08:00:00.000Z`."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def readable(timestamp: float) -> str:
    """Return a moment for a sentence, such as `2026-01-31 08:00:00 UTC`."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
