"""Why a database cannot be opened or written, in words that say what to do."""

import errno
import os
import sqlite3
from pathlib import Path

from yuptime_exporter.core.errors import StoreUnavailable, StoreUnusable

_READ_ONLY = "read-only file system; mount it writable"
_DISK_FULL = "the disk is full; free space on it"
_DISK_FAILS = "the disk is full or fails; look at its free space and at the log of the kernel"
_IN_USE = (
    "the database is open in another process; stop the other yuptime-exporter, or give each of "
    "them a database of its own"
)


def check_folder(path: Path) -> None:
    """Check that a database can be created and written here, with a log beside it.

    Raises:
        StoreUnusable: the directory does not exist, or this user may not write to it.
        StoreUnavailable: its file system is read-only.
        OSError: the directory cannot be looked at.
    """
    folder = path.absolute().parent
    if not folder.exists():
        raise StoreUnusable(
            f"store {path}: the directory {folder} does not exist; create it, mount its volume, or "
            "correct --storage.url=sqlite:PATH"
        )
    if _is_read_only(folder):
        raise StoreUnavailable(_READ_ONLY, place=path)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if not _is_writable(folder):
        raise StoreUnusable(f"store {path}: {_unwritable(str(folder))}")


def unavailable(path: Path, error: Exception) -> StoreUnavailable:
    """Return the error for a store that may work later. Its text names no path."""
    return StoreUnavailable(_reason(path.absolute().parent, error), place=path)


def refused(path: Path, error: OSError) -> StoreUnusable:
    """Return the error for a path at which this user cannot have a database."""
    return StoreUnusable(
        f"store {path}: {error.strerror}; --storage.url=sqlite:PATH must name a file that this "
        f"user (uid {os.geteuid()}) may write"
    )


def _reason(folder: Path, error: Exception) -> str:
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return _IN_USE
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            return _obstacle(folder) or str(error)
        if name == "SQLITE_FULL":
            return _DISK_FULL
        if name.startswith("SQLITE_IOERR"):
            return f"{error}; {_obstacle(folder) or _DISK_FAILS}"
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return _DISK_FULL if full else error.strerror or str(error)
    return str(error)


def _obstacle(folder: Path) -> str:
    """Return what keeps this user from writing to the directory; empty: nothing that is known."""
    try:
        if _is_read_only(folder):
            return _READ_ONLY
        return "" if _is_writable(folder) else _unwritable("of the database")
    except OSError as error:
        return error.strerror or str(error)


def _is_read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def _unwritable(folder: str) -> str:
    return (
        f"the directory {folder} must be writable by this user (uid {os.geteuid()}), since SQLite "
        "writes a log beside the database; change its owner or its mode"
    )
