"""Moments as protocols and people write them; inside they are Unix seconds."""

from datetime import UTC, datetime


def rfc3339(timestamp: float) -> str:
    """Return a moment in UTC with milliseconds, such as `2026-01-31T08:00:00.000Z`."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def exact_rfc3339(timestamp: float) -> str:
    """Return a moment in UTC with microseconds, the form from which the same moment is read.

    It is a Kubernetes MicroTime: microseconds are what its API keeps at most.
    """
    moment = datetime.fromtimestamp(timestamp, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def whole_rfc3339(timestamp: float) -> str:
    """Return the second of a moment in UTC, as a Kubernetes Time has it."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def timestamp_of(text: object) -> float | None:
    """Return the moment that is written in RFC 3339; None for everything else.

    No moment of ours lies before 1970, and what does may have no day in UTC: it is nothing, too.
    """
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None:
        return None
    timestamp = moment.timestamp()
    return timestamp if timestamp >= 0 else None


def readable(timestamp: float) -> str:
    """Return a moment for a sentence, such as `2026-01-31 08:00:00 UTC`."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
