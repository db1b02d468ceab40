"""The SQLite schema and its versions, and the check that a database is safe to open."""

import sqlite3
from contextlib import closing
from pathlib import Path

from yuptime_exporter.core.errors import StoreUnusable
from yuptime_exporter.stores.sqlite.diagnosis import unavailable

# "YUPT" in ASCII marks the databases of this program (https://sqlite.org/fileformat.html,
# "Application ID").
APPLICATION_ID = 0x59555054

# One entry for each version, never changed once released: version N is an empty file after the first
# N entries. Each entry is applied in one transaction.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE arming (
            namespace TEXT NOT NULL,
            name TEXT NOT NULL,
            armed_timestamp REAL NOT NULL,
            paused_timestamp REAL,
            vanished_timestamp REAL,
            PRIMARY KEY (namespace, name)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE last_push (
            namespace TEXT NOT NULL,
            name TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('up', 'down')),
            message TEXT NOT NULL,
            received_timestamp REAL NOT NULL,
            since_timestamp REAL NOT NULL,
            last_success_timestamp REAL NOT NULL,
            pushes_total INTEGER NOT NULL,
            pushes_down_total INTEGER NOT NULL,
            PRIMARY KEY (namespace, name)
        ) STRICT, WITHOUT ROWID""",
        "CREATE TABLE outage (start_timestamp REAL PRIMARY KEY, end_timestamp REAL NOT NULL) STRICT",
        """CREATE TABLE receiving (
            only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
            timestamp REAL NOT NULL
        ) STRICT""",
    ),
    (
        # The history of pushes; rows before this version are the last pushes that it stored.
        """CREATE TABLE push (
            id INTEGER PRIMARY KEY,
            monitor_id INTEGER NOT NULL,
            previous_id INTEGER NOT NULL,
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            received_timestamp REAL NOT NULL,
            since_timestamp REAL,
            last_success_timestamp REAL,
            pushes_total INTEGER,
            pushes_down_total INTEGER,
            runs TEXT,
            run_id TEXT NOT NULL,
            duration_seconds REAL,
            exit_code INTEGER,
            dialect TEXT NOT NULL,
            client_address TEXT NOT NULL,
            message_truncated INTEGER NOT NULL,
            message TEXT NOT NULL
        ) STRICT""",
        # A checkpoint: rows of `push` after `push_id` are newer. The id of a monitor is never used
        # again, so that rows of a forgotten monitor belong to no other.
        """CREATE TABLE last_push_2 (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            namespace TEXT NOT NULL,
            name TEXT NOT NULL,
            push_id INTEGER NOT NULL,
            number INTEGER NOT NULL,
            status TEXT,
            message TEXT,
            received_timestamp REAL,
            since_timestamp REAL,
            last_success_timestamp REAL,
            pushes_total INTEGER,
            pushes_down_total INTEGER,
            runs TEXT,
            UNIQUE (namespace, name)
        ) STRICT""",
        """INSERT INTO last_push_2 (namespace, name, push_id, number, status, message,
            received_timestamp, since_timestamp, last_success_timestamp, pushes_total,
            pushes_down_total)
        SELECT namespace, name, row_number() OVER (), pushes_total, status, message,
            received_timestamp, since_timestamp, last_success_timestamp, pushes_total,
            pushes_down_total FROM last_push""",
        """INSERT INTO push (id, monitor_id, previous_id, number, kind, received_timestamp, run_id,
            dialect, client_address, message_truncated, message)
        SELECT push_id, id, 0, number, status, received_timestamp, '', '', '', 0, message
            FROM last_push_2""",
        "DROP TABLE last_push",
        "ALTER TABLE last_push_2 RENAME TO last_push",
        # Every push up to `checkpoint_id` is in the checkpoints.
        """CREATE TABLE progress (
            only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
            checkpoint_id INTEGER NOT NULL,
            commits INTEGER NOT NULL
        ) STRICT""",
        "INSERT INTO progress SELECT 1, count(*), 0 FROM push",
    ),
)

# Longest wait for another process to close the file; the kernel closes it when the process ends.
LOCK_TIMEOUT_SECONDS = 1.0

_HEADER_BYTES = 100  # https://sqlite.org/fileformat.html, "The Database Header"
_MAGIC = b"SQLite format 3\x00"
_USER_VERSION = slice(60, 64)
_APPLICATION_ID = slice(68, 72)


def inspect(path: Path) -> None:
    """Check a database without changing a byte of it or of its write-ahead log.

    Raises:
        StoreUnusable: the file is not a database, belongs to another program, is newer than this
            program, or is corrupt.
        StoreUnavailable: another process has the file open, or its disk fails.
        OSError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
        log_path = path.with_name(path.name + "-wal")
        log_is_empty = not log_path.exists() or log_path.stat().st_size == 0
    except FileNotFoundError:
        return
    if not header:
        return
    _refuse_other_files(path, header)
    application_id = int.from_bytes(header[_APPLICATION_ID], "big")
    version = int.from_bytes(header[_USER_VERSION], "big")
    if application_id == APPLICATION_ID:
        _refuse_newer(path, version)
    _inspect_pages(path, immutable=log_is_empty)
    if application_id != APPLICATION_ID and (application_id or version):
        raise _foreign(path)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema of an open database up to date.

    Raises:
        StoreUnusable: the database is newer than this program.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    _refuse_newer(path, version)
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    if version < len(MIGRATIONS):
        # `inspect` reads the version from the header of the file, without the write-ahead log.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _refuse_other_files(path: Path, header: bytes) -> None:
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise StoreUnusable(
            f"store {path}: not a SQLite database; move it away, or name another file with "
            "--storage.url=sqlite:PATH"
        )


def _refuse_newer(path: Path, version: int) -> None:
    if version > len(MIGRATIONS):
        raise StoreUnusable(
            f"store {path}: written by a newer version of yuptime-exporter (schema {version}, "
            f"this one knows {len(MIGRATIONS)}); run that version, or name another file with "
            "--storage.url=sqlite:PATH"
        )


def _inspect_pages(path: Path, *, immutable: bool) -> None:
    """Check every page.

    Args:
        path: the database.
        immutable: True for a file without a log; then no file is written. With a log, SQLite may
            create the shared-memory index beside it, and leaves file and log unchanged.
    """
    uri = f"{path.absolute().as_uri()}?{'immutable=1' if immutable else 'mode=ro'}"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_SECONDS)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            foreign = connection.execute(
                "SELECT count(*) FROM sqlite_schema WHERE name NOT IN "
                "('arming', 'last_push', 'outage', 'receiving', 'push', 'progress') "
                "AND name NOT LIKE 'sqlite_%'"
            ).fetchone()[0]
    except sqlite3.OperationalError as error:
        raise unavailable(path, error) from error
    except sqlite3.DatabaseError as error:
        raise _corrupt(path, str(error)) from error
    if verdict != "ok":
        raise _corrupt(path, verdict)
    if foreign:
        raise _foreign(path)


def _foreign(path: Path) -> StoreUnusable:
    return StoreUnusable(
        f"store {path}: the database of another program; name another file with "
        "--storage.url=sqlite:PATH"
    )


def _corrupt(path: Path, findings: str) -> StoreUnusable:
    lines = [line for line in findings.splitlines() if not line.startswith("***")]
    return StoreUnusable(
        f"store {path}: the database is corrupt ({lines[0]}); nothing was changed. Restore it "
        "from a copy, or move it away: then all monitors are armed again"
    )
