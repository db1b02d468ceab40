"""The pushes in the database: every push is appended to the history, and only there.

An append touches the last page of one table, whereas an update of the last push of a monitor would
touch a page of its own for each push. The table `last_push` is therefore a checkpoint, which
`Upkeep` writes from time to time. The last push of a monitor is its checkpoint, or a later row of
the history.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from yuptime_exporter.core.changes import Correction
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import NO_PUSH, RESULTS, LastPush, MonitorKey, Push, PushKind
from yuptime_exporter.core.ports import PushSave
from yuptime_exporter.core.push_order import of_a_predecessor, place, push_to_store
from yuptime_exporter.stores.sqlite.appending import Appended
from yuptime_exporter.stores.sqlite.database import begin
from yuptime_exporter.stores.sqlite.push_rows import (
    CHECKPOINTS,
    READ_CHECKPOINTS,
    READ_LATER_PUSHES,
    Stored,
    checkpoint_of,
    last_push_after,
    stored_of,
)

_BEGIN_MONITOR = "INSERT INTO last_push (namespace, name, push_id, number) VALUES (?, ?, 0, 0)"

_COUNT_COMMIT = "UPDATE progress SET commits = ?"

# Commits of rows alone are not counted: a row has a number itself.
_WITNESSES = "SELECT commits, (SELECT max(id) FROM push) FROM progress"


class StoredPushes:
    """All monitors with a push, in memory as they are in the database. For the writer thread only.

    Attributes:
        changed: the monitors whose checkpoint is older than their newest push.
        last_id: the newest row of the history.
        live_rows: how many rows of the history are wanted.
        forgot_at_id: the newest row when a monitor was last forgotten; 0: no rows of forgotten
            monitors are left.
    """

    def __init__(self, *, history_limit: int, clock: Clock) -> None:
        """Know nothing before `load`.

        Args:
            history_limit: how many pushes of each monitor are wanted.
            clock: gives the moment of storing.
        """
        self.changed: set[MonitorKey] = set()
        self.last_id = 0
        self.live_rows = 0
        self.forgot_at_id = 0
        self.history_limit = history_limit
        self._clock = clock
        self._commits = 0
        self._known: dict[MonitorKey, Stored] = {}
        # Of the transaction: what it replaced, and what it changes.
        self._appended = Appended()
        self._is_counted = False
        self._before: dict[MonitorKey, Stored | None] = {}
        self._last_id_before = 0
        self._more_live_rows = 0
        self._forgets = False

    def load(self, connection: sqlite3.Connection) -> None:
        """Read the checkpoints, and the pushes after them."""
        checkpoint_id, commits = connection.execute(
            "SELECT checkpoint_id, commits FROM progress"
        ).fetchone()
        known = self._known = dict(map(stored_of, connection.execute(READ_CHECKPOINTS)))
        self.last_id = max([checkpoint_id, *(one.push_id for one in known.values())])
        self.changed = set()
        keys = {stored.monitor_id: key for key, stored in known.items()}
        for columns in connection.execute(READ_LATER_PUSHES, (checkpoint_id,)):
            monitor_id, push_id, number = columns[:3]
            self.last_id = max(self.last_id, push_id)
            key = keys.get(monitor_id)
            if key is None or push_id <= (found := known[key]).push_id:
                continue  # of a monitor that was forgotten, or in its checkpoint
            last_push = last_push_after(columns[3:], found.last_push)
            known[key] = Stored(monitor_id, push_id, number, last_push)
            self.changed.add(key)
        self._begin()
        self.live_rows = sum(map(self._wanted, known.values()))
        self._commits = commits

    def is_as_in(self, connection: sqlite3.Connection) -> bool:
        """Return whether the database holds these pushes.

        It holds others if a transaction is stored although its commit failed.
        """
        commits, newest_id = connection.execute(_WITNESSES).fetchone()
        return bool(commits == self._commits and newest_id == self.last_id)

    def __len__(self) -> int:
        """Return the number of monitors with a push."""
        return len(self._known)

    def of(self, key: MonitorKey) -> Stored | None:
        """Return what is stored of a monitor; None: no push."""
        return self._known.get(key)

    def last_pushes(self) -> dict[MonitorKey, LastPush]:
        """Return the last push of each monitor."""
        return {
            key: stored.last_push
            for key, stored in self._known.items()
            if stored.last_push is not None
        }

    def save(self, saves: Sequence[PushSave], connection: sqlite3.Connection) -> list[LastPush]:
        """Append pushes to the history; return the last pushes as they are stored."""
        return [self._save(save, connection) for save in saves]

    def _save(self, save: PushSave, connection: sqlite3.Connection) -> LastPush:
        row, last_push, pushes = save.row, save.last_push, save.pushes
        key = row.monitor.key
        found = self._known.get(key)
        if found is None or found.last_push is not row.last_push:
            found, last_push = self._continued(save, found, connection)
        stored = self._append(found, pushes, last_push)
        self._before.setdefault(key, found)
        self._known[key] = stored
        if not _say(pushes, found.last_push, last_push):
            self._checkpoint_now(connection, stored)
        return last_push

    def _continued(
        self, save: PushSave, found: Stored | None, connection: sqlite3.Connection
    ) -> tuple[Stored, LastPush]:
        """Return what a save continues that is no longer `row.last_push`, and its last push then."""
        row, last_push = save.row, save.last_push
        key = row.monitor.key
        base = found.last_push if found else None
        if found and base and not _continues(base, row.last_push):
            now_timestamp = self._clock()
            if of_a_predecessor(base, row.monitor, now_timestamp=now_timestamp):
                self._drop(connection, key, found)
                found = None
            else:
                last_push = push_to_store(row, last_push, base, now_timestamp=now_timestamp)
        return found or self._begin_monitor(connection, key), last_push

    def correct(
        self, connection: sqlite3.Connection, corrections: Mapping[MonitorKey, Correction]
    ) -> None:
        """Store corrected pushes in the place of those that they correct, and of no others."""
        begin(connection)
        self._appended.write(connection)
        self._appended = Appended()
        for key, (before, after) in corrections.items():
            found = self._known.get(key)
            if found is None or found.last_push != before:
                continue
            stored = Stored(found.monitor_id, found.push_id, found.number, after)
            self._replace(key, stored)
            connection.execute(
                "UPDATE push SET received_timestamp = min(received_timestamp, ?) WHERE id = ?",
                (place(after)[0], found.push_id),
            )
            self._checkpoint_now(connection, stored)

    def forget(
        self, connection: sqlite3.Connection, moments: Iterable[tuple[MonitorKey, float]]
    ) -> None:
        """Forget the pushes to monitors without a push since a moment.

        Their rows in the history are without a monitor from now on, and `Upkeep` deletes them.
        """
        for key, before_timestamp in moments:
            found = self._known.get(key)
            if found is None or found.last_push is None:
                continue
            if place(found.last_push)[0] < before_timestamp:
                self._drop(connection, key, found)

    def finish(self, connection: sqlite3.Connection) -> None:
        """Write what is left of a transaction, and commit it.

        A transaction is open only if there is more to write than some rows of the history.
        """
        if not self._appended.is_one_statement:
            begin(connection)
        self._appended.write(connection)
        if connection.in_transaction:
            connection.execute(_COUNT_COMMIT, (self._commits + 1,))
            self._is_counted = True
            connection.execute("COMMIT")

    def committed(self) -> None:
        """Keep the changes of the transaction."""
        self._commits += self._is_counted
        self.changed.update(self._before)
        self.live_rows += self._more_live_rows
        if self._forgets:
            self.forgot_at_id = self.last_id
        self._begin()

    def rolled_back(self) -> None:
        """Undo the changes of the transaction."""
        for key, before in self._before.items():
            if before is None:
                self._known.pop(key, None)
            else:
                self._known[key] = before
        self.last_id = self._last_id_before
        self._begin()

    def take_changed(self) -> list[MonitorKey]:
        """Return the changed monitors in the order in which they lie in the database."""
        changed, self.changed = self.changed, set()
        return [key for key in self._known if key in changed]

    def checkpoint(self, connection: sqlite3.Connection, keys: Iterable[MonitorKey]) -> None:
        """Write the last pushes of these monitors."""
        found = (self._known.get(key) for key in keys)
        rows = (checkpoint_of(stored) for stored in found if stored)
        CHECKPOINTS.execute(connection, list(chain.from_iterable(rows)))

    def _begin(self) -> None:
        self._before = {}
        self._appended = Appended()
        self._is_counted = False
        self._last_id_before = self.last_id
        self._more_live_rows = 0
        self._forgets = False

    def _wanted(self, stored: Stored) -> int:
        return min(stored.number, self.history_limit)

    def _append(self, found: Stored, pushes: tuple[Push, ...], last_push: LastPush) -> Stored:
        """Append rows to the history, the last of them with the summary that `last_push` is."""
        monitor_id, previous_id, number = found.monitor_id, found.push_id, found.number
        push_id = self.last_id
        for push in pushes[:-1]:
            push_id += 1
            number += 1
            self._appended.add(push_id, monitor_id, previous_id, number, push, None)
            previous_id = push_id
        push_id += 1
        number += 1
        self._appended.add(push_id, monitor_id, previous_id, number, pushes[-1], last_push)
        self.last_id = push_id
        if found.number < self.history_limit:
            self._more_live_rows += min(number, self.history_limit) - found.number
        return Stored(monitor_id, push_id, number, last_push)

    def _replace(self, key: MonitorKey, stored: Stored) -> None:
        self._before.setdefault(key, self._known.get(key))
        self._known[key] = stored

    def _drop(self, connection: sqlite3.Connection, key: MonitorKey, found: Stored) -> None:
        self._before.setdefault(key, found)
        del self._known[key]
        self._more_live_rows -= self._wanted(found)
        self._forgets = True
        begin(connection)
        connection.execute("DELETE FROM last_push WHERE id = ?", (found.monitor_id,))

    def _begin_monitor(self, connection: sqlite3.Connection, key: MonitorKey) -> Stored:
        begin(connection)
        cursor = connection.execute(_BEGIN_MONITOR, key)
        assert cursor.lastrowid is not None  # noqa: S101  a row was inserted
        self._before.setdefault(key, None)
        return Stored(cursor.lastrowid, 0, 0, None)

    def _checkpoint_now(self, connection: sqlite3.Connection, stored: Stored) -> None:
        """Store a last push that no row of the history says."""
        begin(connection)
        CHECKPOINTS.execute(connection, checkpoint_of(stored))


def _continues(found: LastPush, base: LastPush | None) -> bool:
    """Return whether the stored push is the one that a new push continues."""
    return base is not None and place(found) == place(base)


def _say(pushes: Iterable[Push], base: LastPush | None, last_push: LastPush) -> bool:
    """Return whether rows with these pushes, after `base`, say all of the last push."""
    before = base or NO_PUSH
    status: PushKind | None = before.status
    result: Push | LastPush = before
    for push in pushes:
        if push.kind in RESULTS:  # starts of runs and messages leave the result as it was
            status, result = push.kind, push
    return (
        status is last_push.status
        and result.received_timestamp == last_push.received_timestamp
        and result.message == last_push.message
    )
