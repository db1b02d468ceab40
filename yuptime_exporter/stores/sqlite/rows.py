"""Values to rows and back: the SQL of the store, next to the order of the columns it relies on."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from yuptime_exporter.core.model import (
    Arming,
    LastPush,
    MonitorKey,
    Outage,
    PushKind,
    Restored,
)

Statement = tuple[str, Sequence[tuple[object, ...]]]
"""SQL, and the rows of parameters it is run with."""

_SAVE_ARMING = """
    INSERT INTO arming VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET armed_timestamp = excluded.armed_timestamp,
        paused_timestamp = excluded.paused_timestamp,
        vanished_timestamp = excluded.vanished_timestamp"""

_SAVE_PUSH = """
    INSERT INTO last_push VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET status = excluded.status, message = excluded.message,
        received_timestamp = excluded.received_timestamp,
        since_timestamp = excluded.since_timestamp,
        last_success_timestamp = excluded.last_success_timestamp,
        pushes_total = excluded.pushes_total, pushes_down_total = excluded.pushes_down_total
        WHERE excluded.pushes_total >= last_push.pushes_total"""

_SAVE_RECEIVING = """
    INSERT INTO receiving VALUES (1, ?)
    ON CONFLICT DO UPDATE SET timestamp = excluded.timestamp"""

_SAVE_OUTAGE = "INSERT INTO outage VALUES (?, ?)"
_FORGET_OUTAGES = "DELETE FROM outage"
_FORGET_ARMING = "DELETE FROM arming WHERE namespace = ? AND name = ?"
_FORGET_PUSH = "DELETE FROM last_push WHERE namespace = ? AND name = ?"


def saving_armings(armings: Mapping[MonitorKey, Arming]) -> Statement:
    """Return what writes these armings."""
    return _SAVE_ARMING, [
        (*key, arming.armed_timestamp, arming.paused_timestamp, arming.vanished_timestamp)
        for key, arming in armings.items()
    ]


def saving_pushes(last_pushes: Mapping[MonitorKey, LastPush]) -> Statement:
    """Return what writes these pushes where they are not older than what is there."""
    return _SAVE_PUSH, [
        (
            *key,
            push.status.value,
            push.message,
            push.received_timestamp,
            push.since_timestamp,
            push.last_success_timestamp,
            push.pushes_total,
            push.pushes_down_total,
        )
        for key, push in last_pushes.items()
    ]


def saving_receiving(timestamp: float) -> Statement:
    """Return what notes the moment at which pushes could last be received."""
    return _SAVE_RECEIVING, ((timestamp,),)


def saving_outages(outages: Iterable[Outage]) -> tuple[Statement, Statement]:
    """Return what puts these outages in the place of all others."""
    rows = [(outage.start_timestamp, outage.end_timestamp) for outage in outages]
    return (_FORGET_OUTAGES, ((),)), (_SAVE_OUTAGE, rows)


def forgetting(keys: Iterable[MonitorKey]) -> tuple[Statement, Statement]:
    """Return what removes all that is known of these monitors."""
    rows = [tuple(key) for key in keys]
    return (_FORGET_ARMING, rows), (_FORGET_PUSH, rows)


def read(connection: sqlite3.Connection) -> Restored:
    """Return everything that is remembered.

    A push that came after the last note of receiving proves receiving just as well.
    """
    armings = {
        MonitorKey(namespace, name): Arming(*moments)
        for namespace, name, *moments in connection.execute("SELECT * FROM arming")
    }
    last_pushes = {
        MonitorKey(namespace, name): LastPush(PushKind(status), *rest)
        for namespace, name, status, *rest in connection.execute("SELECT * FROM last_push")
    }
    outages = connection.execute("SELECT * FROM outage ORDER BY start_timestamp").fetchall()
    (receiving,) = connection.execute(
        """SELECT max(timestamp) FROM
            (SELECT timestamp FROM receiving
             UNION ALL SELECT max(received_timestamp) FROM last_push)"""
    ).fetchone()
    return Restored(armings, last_pushes, tuple(Outage(*outage) for outage in outages), receiving)
