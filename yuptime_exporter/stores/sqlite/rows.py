"""Values as rows and back: the SQL of the store, with every column by its name."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.model import (
    Arming,
    LastPush,
    MonitorKey,
    Outage,
    PushKind,
    Restored,
    Row,
)
from yuptime_exporter.core.outages import last_receiving
from yuptime_exporter.core.push_order import push_to_store

_SAVE_ARMING = """
    INSERT INTO arming (namespace, name, armed_timestamp, paused_timestamp, vanished_timestamp)
    VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (namespace, name) DO UPDATE SET armed_timestamp = excluded.armed_timestamp,
        paused_timestamp = excluded.paused_timestamp,
        vanished_timestamp = excluded.vanished_timestamp"""

# Compare and set: a push takes the place of the one that it continues, and of no other.
_SAVE_PUSH = """
    INSERT INTO last_push (namespace, name, status, message, received_timestamp, since_timestamp,
        last_success_timestamp, pushes_total, pushes_down_total)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (namespace, name) DO UPDATE SET
        status = excluded.status, message = excluded.message,
        received_timestamp = excluded.received_timestamp,
        since_timestamp = excluded.since_timestamp,
        last_success_timestamp = excluded.last_success_timestamp,
        pushes_total = excluded.pushes_total, pushes_down_total = excluded.pushes_down_total
        WHERE last_push.received_timestamp = ? AND last_push.pushes_total = ?"""

_READ_PUSHES = """
    SELECT namespace, name, status, message, received_timestamp, since_timestamp,
        last_success_timestamp, pushes_total, pushes_down_total FROM last_push"""

_READ_ARMINGS = """
    SELECT namespace, name, armed_timestamp, paused_timestamp, vanished_timestamp FROM arming"""

_FORGET_PUSH = "DELETE FROM last_push WHERE namespace = ? AND name = ? AND received_timestamp < ?"

_FORGET_ARMING = "DELETE FROM arming WHERE namespace = ? AND name = ? AND vanished_timestamp < ?"

_SAVE_RECEIVING = """
    INSERT INTO receiving (only_row, timestamp) VALUES (1, ?)
    ON CONFLICT (only_row) DO UPDATE SET timestamp = excluded.timestamp"""

_SAVE_OUTAGE = "INSERT INTO outage (start_timestamp, end_timestamp) VALUES (?, ?)"


def save_push(
    connection: sqlite3.Connection, row: Row, push: LastPush, *, now_timestamp: float
) -> LastPush:
    """Store a push in the place of the one that it continues; return the stored push."""
    key = row.monitor.key
    if _replace_push(connection, key, row.last_push, push):
        return push
    found = _find_push(connection, key)
    assert found is not None  # noqa: S101  or the push would have been inserted
    stored = push_to_store(row, push, found, now_timestamp=now_timestamp)
    _replace_push(connection, key, found, stored)
    return stored


def save_changes(connection: sqlite3.Connection, changes: Changes) -> None:
    """Store the changes of the table."""
    connection.executemany(
        _SAVE_ARMING,
        (
            (*key, arming.armed_timestamp, arming.paused_timestamp, arming.vanished_timestamp)
            for key, arming in changes.armings.items()
        ),
    )
    for key, (before, after) in changes.corrections.items():
        if _find_push(connection, key) == before:
            _replace_push(connection, key, before, after)
    moments = [(*key, before_timestamp) for key, before_timestamp in changes.forgotten.items()]
    connection.executemany(_FORGET_PUSH, moments)
    connection.executemany(_FORGET_ARMING, moments)


def save_receiving(
    connection: sqlite3.Connection, timestamp: float, outages: Iterable[Outage] | None
) -> None:
    """Store when pushes could last be received, and all outages unless they are unchanged."""
    found = connection.execute("SELECT timestamp FROM receiving").fetchone()
    known = found[0] if found else None
    last = last_receiving(known, timestamp, max_skew_seconds=MAX_FUTURE_SECONDS)
    connection.execute(_SAVE_RECEIVING, (last,))
    if outages is not None:
        connection.execute("DELETE FROM outage")
        moments = [(outage.start_timestamp, outage.end_timestamp) for outage in outages]
        connection.executemany(_SAVE_OUTAGE, moments)


def read(connection: sqlite3.Connection) -> Restored:
    """Return everything that is stored.

    A push also proves that pushes could be received at its moment.
    """
    armings = {
        MonitorKey(namespace, name): Arming(armed, paused, vanished)
        for namespace, name, armed, paused, vanished in connection.execute(_READ_ARMINGS)
    }
    last_pushes = dict(map(_push_of, connection.execute(_READ_PUSHES)))
    outages = connection.execute(
        "SELECT start_timestamp, end_timestamp FROM outage ORDER BY start_timestamp"
    ).fetchall()
    (receiving,) = connection.execute(
        """SELECT max(timestamp) FROM
            (SELECT timestamp FROM receiving
             UNION ALL SELECT max(received_timestamp) FROM last_push)"""
    ).fetchone()
    return Restored(armings, last_pushes, tuple(Outage(*outage) for outage in outages), receiving)


def _replace_push(
    connection: sqlite3.Connection, key: MonitorKey, base: LastPush | None, push: LastPush
) -> bool:
    """Store a push in the place of `base`; return False if another push is stored."""
    cursor = connection.execute(
        _SAVE_PUSH,
        (
            *key,
            push.status.value if push.status else None,
            push.message,
            push.received_timestamp,
            push.since_timestamp,
            push.last_success_timestamp,
            push.pushes_total,
            push.pushes_down_total,
            base.received_timestamp if base else None,
            base.pushes_total if base else None,
        ),
    )
    return cursor.rowcount == 1


def _find_push(connection: sqlite3.Connection, key: MonitorKey) -> LastPush | None:
    found = connection.execute(f"{_READ_PUSHES} WHERE namespace = ? AND name = ?", key).fetchone()
    return _push_of(found)[1] if found else None


def _push_of(columns: Sequence[Any]) -> tuple[MonitorKey, LastPush]:
    """Return the push in the columns of `_READ_PUSHES`."""
    namespace, name, status, message, received, since, success, total, down_total = columns
    return MonitorKey(namespace, name), LastPush(
        status=PushKind(status),
        message=message,
        received_timestamp=received,
        since_timestamp=since,
        last_success_timestamp=success,
        pushes_total=total,
        pushes_down_total=down_total,
    )
