"""`yuptime backup`: a copy of a running exporter's database, in a file."""

import asyncio
import errno
import json
import os
import sqlite3
import ssl
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, TextIO

import aiohttp

from yuptime_exporter.core.errors import YuptimeError
from yuptime_exporter.core.urls import without_credentials
from yuptime_exporter.stores.sqlite.schema import inspect
from yuptime_exporter.web.routes import BACKUP_PATH

# A copy arrives in parts as fast as the disk is read. A silence of this length is a failure.
SILENCE_SECONDS = 60.0

_PART_BYTES = 256 * 1024
_MAX_PROBLEM_BYTES = 64 * 1024


class BackupFailed(YuptimeError):
    """There is no new file; the text says why."""


@dataclass(frozen=True)
class Origin:
    """The exporter whose database is copied.

    Attributes:
        url: of the exporter, with its prefix.
        headers: with the credentials that its pages need.
        tls: how an https URL is verified.
    """

    url: str
    headers: Mapping[str, str]
    tls: ssl.SSLContext


def backup(origin: Origin, path: Path, out: TextIO, *, force: bool) -> None:
    """Write a copy of an exporter's database to a file, whole or not at all.

    Args:
        origin: the exporter.
        path: of the file; only its owner can read it.
        out: for a line that says what was written.
        force: whether a file of that name is replaced.

    Raises:
        BackupFailed: a file of that name stays as it was.
    """
    if path.exists() and not force:
        raise _is_there(path)
    try:
        monitors, size_bytes = _written(origin, path, force=force)
    except OSError as error:
        raise BackupFailed(f"{error.filename or path}: {error.strerror or error}") from error
    out.write(f"{path}: {monitors} monitors, {size_bytes} bytes\n")


def _written(origin: Origin, path: Path, *, force: bool) -> tuple[int, int]:
    """Receive the copy beside the file, check it, and put it in place; return what is in it."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            asyncio.run(_receive(origin, file))
            file.flush()
            os.fsync(file.fileno())
            size_bytes = file.tell()
        monitors = _checked(unfinished)
        _put_in_place(unfinished, path, force=force)
    finally:
        unfinished.unlink(missing_ok=True)
    return monitors, size_bytes


async def _receive(origin: Origin, file: BinaryIO) -> None:
    shown = without_credentials(origin.url)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=SILENCE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(
                headers=origin.headers, timeout=timeout, trust_env=True
            ) as session,
            session.post(
                origin.url.rstrip("/") + BACKUP_PATH, ssl=origin.tls, allow_redirects=False
            ) as answer,
        ):
            if answer.status != HTTPStatus.OK:
                text = await answer.content.read(_MAX_PROBLEM_BYTES)
                raise BackupFailed(f"{shown}: {answer.status}: {_detail(text)}")
            async for part in answer.content.iter_chunked(_PART_BYTES):
                file.write(part)
    except TimeoutError:
        raise BackupFailed(f"{shown}: no answer within {SILENCE_SECONDS:g} s") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise BackupFailed(f"{shown}: {error}") from error


def _detail(text: bytes) -> str:
    """Return the reason in an answer of the exporter, or a text for the answer of another program."""
    try:
        return str(json.loads(text)["detail"])
    except (ValueError, LookupError, TypeError):
        return "the answer is not from yuptime-exporter; look at the URL and its path"


def _checked(path: Path) -> int:
    """Return the number of monitors in the copy.

    Raises:
        BackupFailed: it is not a whole database of the exporter.
    """
    if not path.stat().st_size:
        raise BackupFailed("expected a database, got nothing")
    try:
        inspect(path)
        with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM arming").fetchone()[0])
    except (YuptimeError, sqlite3.Error) as error:
        raise BackupFailed(f"the copy that arrived cannot be used: {error}") from error


def _put_in_place(unfinished: Path, path: Path, *, force: bool) -> None:
    if force:
        unfinished.replace(path)
    else:
        try:
            path.hardlink_to(unfinished)  # unlike a rename, it never replaces a file
        except FileExistsError:
            raise _is_there(path) from None
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            unfinished.replace(path)  # a file system without hard links, such as FAT
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # so that the name survives a power loss, too
    finally:
        os.close(folder)


def _is_there(path: Path) -> BackupFailed:
    return BackupFailed(f"{path}: exists already; --force replaces it")
