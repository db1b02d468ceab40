"""Save a last push, as the receiver does."""

import asyncio
from collections.abc import Sequence

from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import LastPush, Push, PushKind, Row
from yuptime_exporter.core.ports import PushSave, PushStore


def save(store: PushStore, row: Row, last_push: LastPush) -> "asyncio.Future[LastPush]":
    """Save the last push of a monitor with the push that made it the last; return what is stored."""
    push = Push(last_push.status or PushKind.LOG, last_push.received_timestamp, last_push.message)
    saved: asyncio.Future[LastPush] = asyncio.get_running_loop().create_future()

    def settle(_: Sequence[PushSave], outcome: Sequence[LastPush] | StoreUnavailable) -> None:
        if saved.cancelled():
            return
        if isinstance(outcome, StoreUnavailable):
            saved.set_exception(outcome)
        else:
            saved.set_result(outcome[0])

    store.save_pushes([PushSave(row, last_push, (push,))], settle)
    return saved
