"""The work on the database that no push waits for: checkpoints, and the end of old history.

It is done between two commits of the writer thread, in steps that take about as long as a commit,
and in proportion to the pushes. So it is finished under any load, and costs an idle exporter
nothing.
"""

import sqlite3
from dataclasses import dataclass

from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.stores.sqlite.pushes import StoredPushes


@dataclass(frozen=True, slots=True)
class UpkeepLimits:
    """How much the upkeep does at once, and how much it leaves for later.

    Attributes:
        pushes_per_step: pushes between two steps; a step takes about a millisecond.
        last_pushes_per_step: last pushes that one step writes.
        rows_per_step: rows of the history that one step looks at.
        pushes_per_monitor_and_checkpoint: so that at most every eighth push causes an update,
        min_pushes_per_checkpoint: however few the monitors are,
        max_pushes_per_checkpoint: and however many: a restart reads the pushes after the last
            checkpoint, some 300,000 a second.
        min_unwanted_rows: the history is cleaned beyond this number of unwanted rows,
        unwanted_fraction: and beyond this fraction of the wanted ones: then a cleaning finds enough
            of them, and the file has little more than it needs.
        idle_seconds: time between two steps while no push arrives.
    """

    pushes_per_step: int = 256
    last_pushes_per_step: int = 256
    rows_per_step: int = 1024
    pushes_per_monitor_and_checkpoint: int = 8
    min_pushes_per_checkpoint: int = 10_000
    max_pushes_per_checkpoint: int = 200_000
    min_unwanted_rows: int = 4096
    unwanted_fraction: float = 0.25
    idle_seconds: float = 0.05


_NEXT_ROWS = """
    SELECT max(id) FROM (SELECT id FROM push WHERE id > ? AND id <= ? ORDER BY id LIMIT ?)"""

# Rows of forgotten monitors have no monitor.
_DELETE_UNWANTED = """
    DELETE FROM push WHERE id > ? AND id <= ? AND NOT EXISTS (
        SELECT 1 FROM last_push
        WHERE last_push.id = push.monitor_id AND push.number > last_push.number - ?)"""


class Upkeep:
    """Writes the last pushes of monitors, and deletes history that is not wanted."""

    def __init__(self, pushes: StoredPushes, limits: UpkeepLimits | None = None) -> None:
        """Do nothing before `load`; limits None: the defaults."""
        self._pushes = pushes
        self._limits = limits or UpkeepLimits()
        self._failing = False
        self._stepped_at_id = 0  # the newest push at the last step
        self._checkpoint_id = 0  # every push up to this one is in the checkpoints
        self._target_id = 0  # the same, once `_unwritten` is written
        self._unwritten: list[MonitorKey] = []
        self._deleted_rows = 0  # since `load`
        self._rows_at_load = 0
        self._loaded_at_id = 0
        self._clean_to_id = 0
        self._forgot_before_round_at_id = 0

    def load(self, connection: sqlite3.Connection) -> None:
        """Read how far the upkeep is; the pushes are loaded."""
        (self._checkpoint_id,) = connection.execute("SELECT checkpoint_id FROM progress").fetchone()
        (self._rows_at_load,) = connection.execute("SELECT count(*) FROM push").fetchone()
        self._loaded_at_id = self._stepped_at_id = self._pushes.last_id
        self._target_id = self._checkpoint_id
        self._unwritten, self._deleted_rows = [], 0

    @property
    def idle_seconds(self) -> float | None:
        """After which time without a push a step is due; None: none is, or the last one failed."""
        return self._limits.idle_seconds if self._is_wanted() and not self._failing else None

    def is_due(self, *, idle: bool) -> bool:
        """Return whether to make a step now.

        Args:
            idle: whether no push has come for `idle_seconds`.
        """
        enough = self._pushes.last_id - self._stepped_at_id >= self._limits.pushes_per_step
        return (idle or enough) and self._is_wanted()

    def step(self, connection: sqlite3.Connection) -> None:
        """Make one step, in a transaction of its own.

        The transaction need not be durable: with it or without it, the same pushes are stored.
        After an error, the step can be made again with another connection.
        """
        self._failing = True
        self._stepped_at_id = self._pushes.last_id
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        written = self._write_checkpoints(connection) if self._is_checkpoint_wanted() else 0
        cleaned = self._clean(connection) if self._is_cleaning_wanted() else None
        connection.execute("COMMIT")
        connection.execute("PRAGMA synchronous = FULL")
        self._failing = False
        del self._unwritten[len(self._unwritten) - written :]
        if not self._unwritten:
            self._checkpoint_id = self._target_id
        if cleaned is not None:
            self._cleaned(*cleaned)

    def _is_wanted(self) -> bool:
        return self._is_checkpoint_wanted() or self._is_cleaning_wanted()

    def _is_checkpoint_wanted(self) -> bool:
        if self._unwritten:
            return True
        later_pushes = self._pushes.last_id - self._checkpoint_id
        if self._pushes.forgot_at_id > self._checkpoint_id:  # their rows are deleted after it
            return True
        limits = self._limits
        pushes = max(
            limits.pushes_per_monitor_and_checkpoint * len(self._pushes),
            limits.min_pushes_per_checkpoint,
        )
        return later_pushes >= min(pushes, limits.max_pushes_per_checkpoint)

    def _write_checkpoints(self, connection: sqlite3.Connection) -> int:
        """Write some last pushes, from the end of the list; return how many."""
        if not self._unwritten:
            self._target_id = self._pushes.last_id
            self._unwritten = self._pushes.take_changed()
        part = self._unwritten[-self._limits.last_pushes_per_step :]
        self._pushes.checkpoint(connection, part)
        if len(part) == len(self._unwritten):
            connection.execute("UPDATE progress SET checkpoint_id = ?", (self._target_id,))
        return len(part)

    def _is_cleaning_wanted(self) -> bool:
        live_rows = self._pushes.live_rows
        enough = max(self._limits.min_unwanted_rows, self._limits.unwanted_fraction * live_rows)
        forgotten = 0 < self._pushes.forgot_at_id <= self._checkpoint_id
        return forgotten or self._unwanted_rows(live_rows) > enough

    def _unwanted_rows(self, live_rows: int) -> int:
        """Return how many rows can be deleted: those before the checkpoint that are not wanted."""
        rows = self._rows_at_load + self._checkpoint_id - self._loaded_at_id - self._deleted_rows
        return rows - live_rows

    def _clean(self, connection: sqlite3.Connection) -> tuple[int | None, int]:
        """Delete unwanted rows among the next ones; return the last of these, and how many."""
        (found_id,) = connection.execute(
            _NEXT_ROWS, (self._clean_to_id, self._checkpoint_id, self._limits.rows_per_step)
        ).fetchone()
        if found_id is None:
            return None, 0
        moments = (self._clean_to_id, found_id, self._pushes.history_limit)
        return found_id, connection.execute(_DELETE_UNWANTED, moments).rowcount

    def _cleaned(self, last_id: int | None, deleted_rows: int) -> None:
        self._deleted_rows += deleted_rows
        self._clean_to_id = last_id or 0
        if last_id is not None:
            return
        # Monitors that were forgotten before this round have no rows any more.
        if self._pushes.forgot_at_id == self._forgot_before_round_at_id:
            self._pushes.forgot_at_id = 0
        self._forgot_before_round_at_id = self._pushes.forgot_at_id
