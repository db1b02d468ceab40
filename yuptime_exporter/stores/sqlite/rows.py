"""Armings and the receiving log as rows and back; the rows of pushes are in `pushes`."""

import sqlite3
from collections.abc import Iterable, Mapping
from sys import intern

from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.evaluation import MAX_FUTURE_SECONDS
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey, Outage
from yuptime_exporter.core.outages import last_receiving
from yuptime_exporter.core.push_order import place
from yuptime_exporter.core.stored import Restored

_SAVE_ARMING = """
    INSERT INTO arming (namespace, name, armed_timestamp, paused_timestamp, vanished_timestamp)
    VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (namespace, name) DO UPDATE SET armed_timestamp = excluded.armed_timestamp,
        paused_timestamp = excluded.paused_timestamp,
        vanished_timestamp = excluded.vanished_timestamp"""

_READ_ARMINGS = """
    SELECT namespace, name, armed_timestamp, paused_timestamp, vanished_timestamp FROM arming"""

_FORGET_ARMING = "DELETE FROM arming WHERE namespace = ? AND name = ? AND vanished_timestamp < ?"

_SAVE_RECEIVING = """
    INSERT INTO receiving (only_row, timestamp) VALUES (1, ?)
    ON CONFLICT (only_row) DO UPDATE SET timestamp = excluded.timestamp"""

_SAVE_OUTAGE = "INSERT INTO outage (start_timestamp, end_timestamp) VALUES (?, ?)"


def save_armings(connection: sqlite3.Connection, changes: Changes) -> None:
    """Store the armings of monitors, and drop those of monitors that are forgotten."""
    connection.executemany(
        _SAVE_ARMING,
        (
            (*key, arming.armed_timestamp, arming.paused_timestamp, arming.vanished_timestamp)
            for key, arming in changes.armings.items()
        ),
    )
    moments = [(*key, before_timestamp) for key, before_timestamp in changes.forgotten.items()]
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


def read(connection: sqlite3.Connection, last_pushes: Mapping[MonitorKey, LastPush]) -> Restored:
    """Return everything that is stored, these last pushes included.

    A push also proves that pushes could be received at its moment.
    """
    keys = {key: key for key in last_pushes}  # so that each key is in memory once
    armings: dict[MonitorKey, Arming] = {}
    shared: dict[tuple[float | None, ...], Arming] = {}  # monitors declared together share theirs
    for columns in connection.execute(_READ_ARMINGS):
        names, moments = columns[:2], columns[2:]
        key = keys.get(names) or MonitorKey(intern(names[0]), names[1])
        armings[key] = shared.get(moments) or shared.setdefault(moments, Arming(*moments))
    outages = connection.execute(
        "SELECT start_timestamp, end_timestamp FROM outage ORDER BY start_timestamp"
    ).fetchall()
    noted = [timestamp for (timestamp,) in connection.execute("SELECT timestamp FROM receiving")]
    received = (place(push)[0] for push in last_pushes.values())
    return Restored(
        armings,
        last_pushes,
        tuple(Outage(*outage) for outage in outages),
        max((*noted, *received), default=None),
    )
