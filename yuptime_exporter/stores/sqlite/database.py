"""The connection to the database file: opened, checked, locked, and opened again after a failure."""

import logging
import os
import sqlite3
from pathlib import Path

from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.stores.sqlite.diagnosis import check_folder, refused, unavailable
from yuptime_exporter.stores.sqlite.schema import LOCK_TIMEOUT_SECONDS, inspect, migrate

log = logging.getLogger(__name__)


class Database:
    """One file, which no other process can open at the same time.

    Attributes:
        path: of the file.
        connection: None before `open` and after a failure.
    """

    def __init__(self, path: Path, *, makes_folder: bool) -> None:
        """Open nothing yet.

        Args:
            path: of the file.
            makes_folder: whether the folder of the file is made. Otherwise it must be there, so
                that a mistyped path is refused and does not start an empty store.
        """
        self.path = path
        self.connection: sqlite3.Connection | None = None
        self._makes_folder = makes_folder
        self._file_id: tuple[int, int] | None = None

    def open(self) -> sqlite3.Connection:
        """Open the file, or create it, with the schema of this version.

        Raises:
            StoreUnusable: the file or its directory can never be used as it is.
            StoreUnavailable: it may work later.
        """
        try:
            if self._makes_folder:
                self.path.parent.mkdir(exist_ok=True)
            check_folder(self.path)
            inspect(self.path)
            is_new = not self.path.exists() or not self.path.stat().st_size
            # Messages of jobs may be confidential. SQLite gives the write-ahead log the same mode.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._file_id = _file_id(self.path)
            connection = self.connected()
            migrate(connection, self.path)
            if is_new:
                log.info("new database created", extra={"path": str(self.path.absolute())})
        except (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise refused(self.path, error) from error
        except (sqlite3.Error, OSError) as error:
            self.disconnect()
            raise unavailable(self.path, error) from error
        return connection

    def connected(self) -> sqlite3.Connection:
        """Return the connection; after a failure it is opened again.

        Raises:
            StoreUnavailable: the file was moved or deleted while it was open, so that a write to it
                would be lost.
        """
        if self._file_id != _file_id(self.path):
            self.disconnect()
            raise StoreUnavailable(
                "the database was moved or deleted while in use; put it back, or restart "
                "yuptime-exporter to use the file that is there now",
                place=self.path,
            )
        if self.connection is None:
            self.connection = self._connect()
        return self.connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=LOCK_TIMEOUT_SECONDS,
            isolation_level=None,  # this file begins and ends transactions
            check_same_thread=False,  # `restore` opens it, then only the writer thread uses it
        )
        try:
            # Two exporters on one file would overwrite each other's pushes.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def disconnect(self) -> None:
        """Close the connection, if there is one; the next write opens it again."""
        connection, self.connection = self.connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error as error:
                log.warning("store was not closed cleanly", extra={"err": str(error)})


def begin(connection: sqlite3.Connection) -> None:
    """Begin a transaction, unless one is open."""
    if not connection.in_transaction:
        connection.execute("BEGIN IMMEDIATE")


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  before each commit, and twice as fast
    except OSError:
        return None
    return status.st_dev, status.st_ino
