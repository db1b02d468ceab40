"""The last pushes to one monitor, read from the history.

The rows of a monitor are linked, the newest first. So they are read without an index, which would
cost more than the rest of an append.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import Push, PushKind
from yuptime_exporter.stores.sqlite.push_rows import Stored

_READ = """
    WITH RECURSIVE past AS (
        SELECT * FROM push WHERE id = :newest_id
        UNION ALL
        SELECT push.* FROM past JOIN push ON push.id = past.previous_id
        WHERE past.number > :oldest_number
    )
    SELECT number, kind, received_timestamp, run_id, duration_seconds, exit_code, dialect,
        client_address, message_truncated, {message} FROM past ORDER BY number DESC"""

_READ_ALL = _READ.format(message="message")

# A long message lies in pages of its own, which need not be read.
_READ_WITHOUT_MESSAGES = _READ.format(message="''")


def read_past(
    connection: sqlite3.Connection, stored: Stored | None, *, limit: int, messages: bool
) -> PastPushes:
    """Return the last pushes to a monitor.

    Args:
        connection: to the database.
        stored: what is stored of the monitor; None: no push.
        limit: most pushes.
        messages: whether to read their messages.
    """
    if stored is None:
        return PastPushes()
    if limit == 0:
        received = stored.last_push.received_timestamp if stored.last_push else 0.0
        return PastPushes((), received)
    rows = connection.execute(
        _READ_ALL if messages else _READ_WITHOUT_MESSAGES,
        {"newest_id": stored.push_id, "oldest_number": stored.number - limit + 1},
    ).fetchall()
    pushes = tuple(_pushes_of(rows))
    has_all = bool(rows) and rows[-1][0] == 1
    return PastPushes(pushes, None if has_all or not pushes else pushes[-1].received_timestamp)


def _pushes_of(rows: Iterable[Any]) -> Iterable[Push]:
    """Return the pushes in the columns of `_READ`.

    A clock that was set back leaves moments behind that are later than those of newer pushes.
    """
    newer_timestamp = float("inf")
    for _number, kind, received, run_id, duration, code, dialect, address, cut, message in rows:
        newer_timestamp = min(received, newer_timestamp)
        yield Push(
            PushKind(kind),
            newer_timestamp,
            message,
            message_truncated=bool(cut),
            run_id=run_id,
            duration_seconds=duration,
            exit_code=code,
            dialect=dialect,
            client_address=address,
        )
