"""The history in the database: read beside commits, after failures, and from earlier versions."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tests.core.examples import DOWN
from tests.stores.saving import save
from tests.stores.sqlite.test_store import KEY, VERSION_1, opened, push, row, store_at
from tests.waiting import eventually
from yuptime_exporter.core.changes import Changes, Correction
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import LastPush, MonitorKey, Push
from yuptime_exporter.stores.sqlite.schema import MIGRATIONS
from yuptime_exporter.stores.sqlite.store import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "yuptime.db"


async def past(store: SqliteStore, key: MonitorKey = KEY, *, limit: int = 100) -> PastPushes:
    return (await store.recent([key], limit=limit))[key]


async def filled(store: SqliteStore, count: int, *, message: str = "") -> LastPush:
    """Save pushes to one monitor, each after the one before; return the last push."""
    last: LastPush | None = None
    for number in range(1, count + 1):
        newest = push(number, message=message)
        await save(store, row(last_push=last), newest)
        last = newest
    assert last is not None
    return last


async def test_the_history_of_the_first_version_is_its_last_push(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(";".join(MIGRATIONS[0]) + ";" + VERSION_1)
    async with opened(path) as (store, restored):
        before = await past(store)
        await save(store, row(last_push=restored.last_pushes[KEY]), push(6))
        after = await past(store)

    assert before == PastPushes((Push(DOWN, 1005.0, "disk full", dialect=""),), 1005.0)
    assert [one.received_timestamp for one in after.pushes] == [1006.0, 1005.0]


async def test_moments_of_a_clock_that_was_wrong_are_not_later_than_those_of_newer_pushes(
    path: Path,
) -> None:
    async with opened(path) as (store, _):
        first, second = push(1, received_timestamp=9000.0), push(2, received_timestamp=9001.0)
        await save(store, row(), first)
        await save(store, row(last_push=first), second)
        corrected = push(2, received_timestamp=1002.0)
        await store.save_changes(Changes(corrections={KEY: Correction(second, corrected)}))
        await save(store, row(last_push=corrected), push(3))
        found = await past(store)

    assert [one.received_timestamp for one in found.pushes] == [1003.0, 1002.0, 1002.0]


async def test_many_monitors_are_read_at_once_while_pushes_are_stored(path: Path) -> None:
    keys = [MonitorKey("jobs", f"job-{number}") for number in range(50)]
    async with opened(path) as (store, _):
        for key in keys:
            await save(store, row(key), push())
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(store.recent(keys, limit=10, messages=False))
            await save(store, row(last_push=None), push())

    assert [len(one.pushes) for one in reading.result().values()] == [1] * 50


async def test_with_a_limit_of_0_only_the_last_push_is_known(path: Path) -> None:
    registry = CollectorRegistry()
    store = store_at(path, registry, history_limit=0)
    await store.restore()
    last = await filled(store, 3)
    found = await past(store)
    await store.close()
    async with opened(path) as (_, restored):
        assert restored.last_pushes == {KEY: last}

    assert found == PastPushes((), last.received_timestamp)


async def test_a_push_that_was_refused_by_a_full_disk_is_not_in_the_history(path: Path) -> None:
    async with opened(path) as (store, _):
        last = await filled(store, 3)
        connection = store._writer._database.connection
        assert connection is not None
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")  # until it is opened again
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await save(store, row(last_push=last), push(4, message="lost" * 4000))
        await save(store, row(last_push=last), push(4, message="stored"))
        found = await past(store)

    assert [one.message for one in found.pushes] == ["stored", "", "", ""]


async def test_a_database_that_was_moved_away_gives_no_history(path: Path) -> None:
    async with opened(path) as (store, _):
        await filled(store, 1)
        path.rename(path.with_suffix(".moved"))
        with pytest.raises(StoreUnavailable, match="moved or deleted"):
            await past(store)


async def test_the_reader_that_left_leaves_the_others_alone(path: Path) -> None:
    async with opened(path) as (store, _):
        await filled(store, 2)
        async with asyncio.TaskGroup() as tasks:
            leaving = tasks.create_task(past(store))
            await asyncio.sleep(0)
            leaving.cancel()
        found = await past(store)

    assert len(found.pushes) == 2


@pytest.mark.peer  # takes whole seconds
async def test_an_upkeep_that_fails_is_logged_and_counted_and_keeps_no_push_from_being_stored(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = CollectorRegistry()
    store = store_at(path, registry, history_limit=1)
    await store.restore()
    connection = store._writer._database.connection
    assert connection is not None
    connection.execute(
        "CREATE TRIGGER fails BEFORE DELETE ON push BEGIN SELECT RAISE(ABORT, 'bad page'); END"
    )
    count = 0
    last = None

    async def failures() -> float:
        nonlocal count, last
        waiting = []
        for _ in range(2_000):
            count += 1
            newest = push(count)
            waiting.append(save(store, row(last_push=last), newest))
            last = newest
        await asyncio.wait(waiting)
        return registry.get_sample_value("yuptime_store_upkeep_failures_total") or 0.0

    with caplog.at_level(logging.ERROR):
        await eventually(failures, bool)
    await store.close()
    with closing(sqlite3.connect(path)) as repair, repair:
        repair.execute("DROP TRIGGER fails")
    async with opened(path) as (_, restored):
        assert restored.last_pushes[KEY].pushes_total == count

    errors = [record for record in caplog.records if "history" in record.message]
    assert [record.__dict__["err"] for record in errors] == ["bad page"]
    assert registry.get_sample_value("yuptime_store_errors_total") == 0
