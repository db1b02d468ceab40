"""The SQLite schema, its versions, and how to tell a database that must not be touched."""

import sqlite3
from contextlib import closing
from pathlib import Path

from yuptime_exporter.core.errors import StoreUnavailable, StoreUnusable

# "YUPT" in ASCII: tells our databases from other programs' (https://sqlite.org/fileformat.html,
# "Application ID").
APPLICATION_ID = 0x59555054

# One entry a version, never changed once released: version N is what the first N make of an
# empty file. All of an entry is applied in one transaction.
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
)

# How long to wait for another process to let go of the file; the kernel does at its end.
LOCK_TIMEOUT_SECONDS = 1.0

_HEADER_BYTES = 100  # https://sqlite.org/fileformat.html, "The Database Header"
_MAGIC = b"SQLite format 3\x00"
_USER_VERSION = slice(60, 64)
_APPLICATION_ID = slice(68, 72)


def inspect(path: Path) -> None:
    """Look at a database without changing a byte of it or of its write-ahead log.

    Raises:
        StoreUnusable: it is not a database, not ours, newer than this program, or corrupt.
        StoreUnavailable: another process has it open, or its disk fails.
        OSError: it cannot be read.
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
    _refuse_what_is_no_database(path, header)
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
        StoreUnusable: it is newer than this program.
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
        # The header of the file itself must tell the version, or `inspect` could not.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _refuse_what_is_no_database(path: Path, header: bytes) -> None:
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
    """Check every page; `immutable` is for a file without a log, and then writes nothing at all.

    With a log the read-only mode is used, which leaves file and log as they are and may create
    the shared-memory index beside them, which holds nothing of value.
    """
    uri = f"{path.absolute().as_uri()}?{'immutable=1' if immutable else 'mode=ro'}"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_SECONDS)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            foreign = connection.execute(
                "SELECT count(*) FROM sqlite_schema WHERE name NOT IN "
                "('arming', 'last_push', 'outage', 'receiving') AND name NOT LIKE 'sqlite_%'"
            ).fetchone()[0]
    except sqlite3.OperationalError as error:
        raise unavailable(path, error) from error
    except sqlite3.DatabaseError as error:
        raise _corrupt(path, str(error)) from error
    if verdict != "ok":
        raise _corrupt(path, verdict)
    if foreign:
        raise _foreign(path)


def unavailable(path: Path, error: Exception) -> StoreUnavailable:
    """Return why a store cannot be used for now."""
    if "locked" in str(error):
        return StoreUnavailable(
            f"store {path}: open in another process; does another yuptime-exporter use it?"
        )
    return StoreUnavailable(f"store {path}: {error}")


def _foreign(path: Path) -> StoreUnusable:
    return StoreUnusable(
        f"store {path}: the database of another program; name another file with "
        "--storage.url=sqlite:PATH"
    )


def _corrupt(path: Path, what: str) -> StoreUnusable:
    said = [line for line in what.splitlines() if not line.startswith("***")]
    return StoreUnusable(
        f"store {path}: the database is corrupt ({said[0]}); nothing was changed. Restore it "
        "from a copy, or move it away: all monitors are then armed anew"
    )
