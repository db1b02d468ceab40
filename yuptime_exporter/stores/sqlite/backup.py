"""A copy of the open database, made in steps between which writes are committed."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from yuptime_exporter.core.errors import StoreUnavailable

# 1 MiB with pages of 4 KiB: a step takes about as long as a commit.
PAGES_PER_STEP = 256

# What is left on the disk for pushes while the copy is there, as a multiple of its size.
_FREE_SPACE_FACTOR = 2


def copy_database(
    source: sqlite3.Connection,
    path: Path,
    *,
    between_steps: Callable[[], None],
    pages_per_step: int = PAGES_PER_STEP,
) -> BinaryIO:
    """Return a copy of the database at its beginning; closing it frees its disk space.

    SQLite applies the writes of `source` between two steps to the copy, too
    (https://sqlite.org/c3ref/backup_finish.html). So the copy has the state of its last step.

    Args:
        source: the connection that has locked the database.
        path: of the copy, beside the database. The file is removed before this function returns.
        between_steps: writes with `source`; an error that it raises ends the copying.
        pages_per_step: how many pages are copied at once.

    Raises:
        StoreUnavailable: the disk has too little space.
        sqlite3.Error, OSError: the copy cannot be written.
    """
    _check_space(source, path.parent)
    path.unlink(missing_ok=True)  # of a process that was killed
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "rb")
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as target:
            # Nobody reads an unfinished copy, so it needs no journal of its own.
            target.execute("PRAGMA journal_mode = OFF")
            target.execute("PRAGMA synchronous = OFF")
            source.backup(target, pages=pages_per_step, progress=lambda *_: between_steps())
    except BaseException:
        file.close()
        raise
    finally:
        path.unlink(missing_ok=True)
    return file


def _check_space(source: sqlite3.Connection, folder: Path) -> None:
    pages = source.execute("PRAGMA page_count").fetchone()[0]
    size_bytes = pages * source.execute("PRAGMA page_size").fetchone()[0]
    disk = os.statvfs(folder)
    if disk.f_bavail * disk.f_frsize < _FREE_SPACE_FACTOR * size_bytes:
        raise StoreUnavailable(
            f"the disk has too little space for a copy: expected {_FREE_SPACE_FACTOR * size_bytes} "
            f"free bytes, got {disk.f_bavail * disk.f_frsize}"
        )
