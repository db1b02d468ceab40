"""Save a last push, as the receiver does."""

from typing import Any

from yuptime_exporter.core.model import LastPush, Push, PushKind, Row
from yuptime_exporter.core.ports import PushStore


def save(store: PushStore, row: Row, last_push: LastPush) -> Any:
    """Save the last push of a monitor with the push that made it the last; return the saving."""
    push = Push(last_push.status or PushKind.LOG, last_push.received_timestamp, last_push.message)
    return store.save_push(row, last_push, (push,))
