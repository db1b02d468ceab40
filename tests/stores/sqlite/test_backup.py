"""A copy of an open database, made while pushes are stored."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.stores.saving import save
from tests.stores.sqlite.test_store import opened, push, row
from tests.waiting import eventually
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import LastPush, MonitorKey
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.stores.sqlite.backup import copy_database
from yuptime_exporter.stores.sqlite.store import SqliteStore

# So many pushes with long messages need several steps of the copying.
COUNT = 300


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "yuptime.db"


def key(number: int) -> MonitorKey:
    return MonitorKey("jobs", f"job-{number}")


async def filled(store: SqliteStore) -> dict[MonitorKey, LastPush]:
    saved = {key(number): push(message="m" * 9_000) for number in range(COUNT)}
    await asyncio.wait([save(store, row(one), saved[one]) for one in saved])
    return saved


async def restored_from(copy: BinaryIO, folder: Path) -> Restored:
    """Return the state that an exporter finds in the copy."""
    folder.mkdir()
    with copy:
        (folder / "yuptime.db").write_bytes(copy.read())
    async with opened(folder / "yuptime.db") as (_, restored):
        return restored


async def test_a_backup_has_everything_that_was_stored_before_it(
    path: Path, tmp_path: Path
) -> None:
    async with opened(path) as (store, _):
        saved = await filled(store)
        copy = await store.backup()

    assert (await restored_from(copy, tmp_path / "restored")).last_pushes == saved


async def test_pushes_are_stored_while_a_backup_is_made(path: Path, tmp_path: Path) -> None:
    async with opened(path) as (store, _), asyncio.TaskGroup() as tasks:
        saved = await filled(store)
        copying = tasks.create_task(store.backup())
        await asyncio.sleep(0)  # the backup is the next thing that the writer does
        during = 0
        while not copying.done():
            latest = saved[key(0)]
            saved[key(0)] = push(latest.pushes_total + 1)
            await save(store, row(key(0), latest), saved[key(0)])
            during += not copying.done()
        restored = await restored_from(await copying, tmp_path / "restored")

    assert during
    copied = dict(restored.last_pushes)
    assert 1 <= copied.pop(key(0)).pushes_total <= saved.pop(key(0)).pushes_total
    assert copied == saved


def test_the_copy_has_the_state_of_its_last_step(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as source:
        source.execute("PRAGMA journal_mode = WAL")
        source.execute("CREATE TABLE pushes (number INTEGER, message TEXT)")
        source.executemany("INSERT INTO pushes VALUES (?, ?)", [(0, "m" * 4000)] * 20)
        steps = 0

        def write() -> None:
            nonlocal steps
            steps += 1
            source.execute("UPDATE pushes SET number = ?", (steps,))

        copy = copy_database(source, path.with_name("copy"), between_steps=write, pages_per_step=3)
        with copy:
            path.with_name("copied").write_bytes(copy.read())

    with closing(sqlite3.connect(path.with_name("copied"))) as copied:
        assert steps > 5
        assert copied.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        numbers = copied.execute("SELECT DISTINCT number FROM pushes").fetchall()
        assert len(numbers) == 1
        assert numbers[0][0] >= steps - 1


async def test_nothing_of_a_backup_stays_beside_the_database(path: Path) -> None:
    left = path.with_name("yuptime.db-backup")
    left.write_bytes(b"of a process that was killed")
    async with opened(path) as (store, _):
        (await store.backup()).close()
        files = {file.name for file in path.parent.iterdir()}

    assert files == {"yuptime.db", "yuptime.db-wal"}


async def attempted(store: SqliteStore) -> str:
    """Make a backup and close it; return the reason why there was none, or nothing."""
    try:
        (await store.backup()).close()
    except StoreUnavailable as error:
        return str(error)
    return ""


async def test_a_second_backup_at_the_same_time_is_refused(path: Path) -> None:
    async with opened(path) as (store, _), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(attempted(store))
        second = tasks.create_task(attempted(store))
        await asyncio.wait([first, second])
        third = await attempted(store)

    assert (first.result(), second.result(), third) == ("", "another backup is being made", "")


async def test_the_copy_of_a_client_that_left_is_closed(path: Path) -> None:
    async with opened(path) as (store, _), asyncio.TaskGroup() as tasks:
        await filled(store)
        leaving = tasks.create_task(attempted(store))
        await asyncio.sleep(0)
        leaving.cancel()
        await save(store, row(), push())  # between two steps
        assert await eventually(lambda: attempted(store), lambda reason: not reason) == ""
        left = [link for link in Path("/proc/self/fd").iterdir() if "-backup" in target_of(link)]

    assert left == []


def target_of(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # the descriptor with which the directory was read
        return ""


async def test_a_backup_ends_when_the_store_is_closed(path: Path) -> None:
    async with asyncio.TaskGroup() as tasks, opened(path) as (store, _):
        await filled(store)
        copying = tasks.create_task(attempted(store))
        await asyncio.sleep(0)

    assert copying.result() == "yuptime-exporter is stopping"


async def test_a_write_that_fails_ends_the_backup_and_not_the_store(path: Path) -> None:
    async with opened(path) as (store, _), asyncio.TaskGroup() as tasks:
        await filled(store)
        connection = store._writer._database.connection
        assert connection is not None
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")  # until it is opened again
        copying = tasks.create_task(attempted(store))
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await save(store, row(), push(message="lost" * 4000))
        await copying
        await save(store, row(), push())
        after = await attempted(store)

    assert copying.result() == "a write failed while the database was copied"
    assert after == ""


async def test_a_disk_with_too_little_space_for_a_copy_is_left_to_the_pushes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        f_bavail, f_frsize = 1, 4096

    async with opened(path) as (store, _):
        await filled(store)
        monkeypatch.setattr(os, "statvfs", lambda _: Full)
        with pytest.raises(StoreUnavailable, match="too little space for a copy"):
            await store.backup()
