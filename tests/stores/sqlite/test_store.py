import asyncio
import errno
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from tests.laws import examples
from tests.stores.saving import save
from yuptime_exporter.core.changes import Changes, Correction
from yuptime_exporter.core.errors import StoreUnavailable, StoreUnusable
from yuptime_exporter.core.model import (
    RESULTS,
    Arming,
    LastPush,
    Monitor,
    MonitorKey,
    Outage,
    PushKind,
    Row,
    TokenRef,
)
from yuptime_exporter.core.runs import NO_RUNS, Run, Runs
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.stores.sqlite.diagnosis import unavailable
from yuptime_exporter.stores.sqlite.schema import APPLICATION_ID, MIGRATIONS
from yuptime_exporter.stores.sqlite.store import QUEUE_CAPACITY, SqliteStore

KEY = MonitorKey("jobs", "backup")

moments = st.floats(min_value=0, max_value=1e11, allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
keys = st.builds(MonitorKey, texts, texts)
armings = st.builds(Arming, moments, st.none() | moments, st.none() | moments)
counts = st.integers(0, 2**62)
runs = st.builds(
    Runs,
    open=st.lists(st.builds(Run, texts, moments, moments), max_size=3).map(tuple),
    last_start_timestamp=moments,
    starts_total=counts,
    abandoned_total=counts,
    durations_total=counts,
    durations_seconds=moments,
    last_duration_seconds=st.none() | moments,
    last_exit_code=st.none() | st.integers(-(2**31), 2**32 - 1),
)
pushes = st.builds(
    LastPush,
    status=st.sampled_from(RESULTS),
    message=texts,
    received_timestamp=moments,
    since_timestamp=moments,
    last_success_timestamp=moments,
    pushes_total=st.integers(1, 2**62),
    pushes_down_total=counts,
    runs=st.just(NO_RUNS) | runs,
)


def push(number: int = 1, **fields: object) -> LastPush:
    values: dict[str, object] = {
        "status": PushKind.UP,
        "message": "",
        "received_timestamp": 1000.0 + number,
        "since_timestamp": 1000.0,
        "last_success_timestamp": 1000.0 + number,
        "pushes_total": number,
        "pushes_down_total": 0,
    }
    return LastPush(**(values | fields))  # type: ignore[arg-type]


def row(key: MonitorKey = KEY, last_push: LastPush | None = None, **fields: Any) -> Row:
    """Return a monitor before a push."""
    return Row(Monitor(key, TokenRef("tokens", "token"), **fields), Arming(900.0), last_push)


def store_at(
    path: Path, registry: CollectorRegistry | None = None, *, history_limit: int = 100
) -> SqliteStore:
    metrics = StoreMetrics(registry or CollectorRegistry())
    return SqliteStore(path, metrics=metrics, clock=lambda: 1000.0, history_limit=history_limit)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[tuple[SqliteStore, Restored]]:
    store = store_at(path)
    try:
        yield store, await store.restore()
    finally:
        await store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder / "yuptime.db"


async def test_a_new_store_remembers_nothing(path: Path) -> None:
    async with opened(path) as (_, restored):
        pass

    assert restored == Restored({}, {}, (), None)


async def test_what_was_saved_is_restored_by_the_next_process(path: Path) -> None:
    arming = Arming(900.5, paused_timestamp=950.25)
    async with opened(path) as (store, _):
        await save(store, row(), push())
        await store.save_changes(Changes(armings={KEY: arming}))
        await store.save_receiving(1990.0, [Outage(800.0, 850.0)])
        await store.save_receiving(2000.0, None)

    async with opened(path) as (_, restored):
        pass

    assert restored == Restored({KEY: arming}, {KEY: push()}, (Outage(800.0, 850.0),), 2000.0)


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    saved_armings=st.dictionaries(keys, armings, max_size=5),
    saved_pushes=st.dictionaries(keys, pushes, max_size=5),
)
def test_every_value_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    saved_armings: dict[MonitorKey, Arming],
    saved_pushes: dict[MonitorKey, LastPush],
) -> None:
    path = tmp_path_factory.mktemp("store") / "yuptime.db"

    async def round_trip() -> Restored:
        async with opened(path) as (store, _):
            await store.save_changes(Changes(armings=saved_armings))
            for key, saved in saved_pushes.items():
                await save(store, row(key), saved)
        async with opened(path) as (_, restored):
            return restored

    restored = asyncio.run(round_trip())

    assert restored.armings == saved_armings
    assert restored.last_pushes == saved_pushes


async def test_an_older_push_never_takes_the_place_of_a_newer_one(path: Path) -> None:
    async with opened(path) as (store, _):
        await save(store, row(), push(7))
        stored = await save(store, row(last_push=push(5)), push(6, message="older"))

    async with opened(path) as (_, restored):
        pass

    assert restored.last_pushes == {KEY: stored}
    assert (stored.received_timestamp, stored.message) == (1007.0, "")
    assert stored.pushes_total == 8


async def test_a_correction_leaves_a_later_push_alone(path: Path) -> None:
    before, corrected = push(6, received_timestamp=9000.0), push(6, received_timestamp=1006.5)
    async with opened(path) as (store, _):
        await save(store, row(), before)
        await save(store, row(last_push=before), push(7))
        await store.save_changes(Changes(corrections={KEY: Correction(before, corrected)}))

    async with opened(path) as (_, restored):
        pass

    assert restored.last_pushes == {KEY: push(7)}


async def test_a_correction_replaces_the_push_that_it_corrects(path: Path) -> None:
    before, corrected = push(6, received_timestamp=9000.0), push(6)
    async with opened(path) as (store, _):
        await save(store, row(), before)
        await store.save_changes(Changes(corrections={KEY: Correction(before, corrected)}))

    async with opened(path) as (_, restored):
        pass

    assert restored.last_pushes == {KEY: corrected}


async def test_a_correction_of_a_push_that_is_not_stored_stores_nothing(path: Path) -> None:
    before, corrected = push(6, received_timestamp=9000.0), push(6)
    async with opened(path) as (store, _):
        await store.save_changes(Changes(corrections={KEY: Correction(before, corrected)}))

    async with opened(path) as (_, restored):
        pass

    assert restored.last_pushes == {}


async def test_a_push_proves_that_pushes_could_be_received(path: Path) -> None:
    async with opened(path) as (store, _):
        await store.save_receiving(1000.0, None)
        await save(store, row(), push(received_timestamp=1003.0))

    async with opened(path) as (_, restored):
        pass

    assert restored.receiving_timestamp == 1003.0


async def test_forgetting_removes_all_that_is_known_of_a_monitor(path: Path) -> None:
    other = MonitorKey("jobs", "other")
    armings = {KEY: Arming(1.0, vanished_timestamp=1500.0), other: Arming(2.0)}
    async with opened(path) as (store, _):
        await save(store, row(), push())
        await save(store, row(other), push())
        await store.save_changes(Changes(armings=armings))
        await store.save_changes(Changes(forgotten={KEY: 1501.0}))

    async with opened(path) as (_, restored):
        pass

    assert restored.armings == {other: Arming(2.0)}
    assert restored.last_pushes == {other: push()}


async def test_outages_take_the_place_of_those_before(path: Path) -> None:
    async with opened(path) as (store, _):
        await store.save_receiving(960.0, [Outage(800.0, 850.0), Outage(900.0, 950.0)])
        await store.save_receiving(970.0, [Outage(900.0, 920.0)])

    async with opened(path) as (_, restored):
        assert restored.outages == (Outage(900.0, 920.0),)


async def test_many_writes_share_a_commit(path: Path) -> None:
    registry = CollectorRegistry()
    store = store_at(path, registry)
    await store.restore()

    savings = [save(store, row(MonitorKey("jobs", f"job-{n}")), push()) for n in range(1000)]
    for saving in savings:
        await saving
    await store.close()

    commits = registry.get_sample_value("yuptime_store_commit_duration_seconds_count")
    assert registry.get_sample_value("yuptime_store_writes_total") == 1000
    assert commits is not None
    assert commits < 500


@pytest.mark.peer  # takes whole seconds
async def test_writes_are_refused_once_too_many_wait_for_the_disk(path: Path) -> None:
    async with opened(path) as (store, _):
        waiting = [save(store, row(), push(n)) for n in range(1, QUEUE_CAPACITY + 1)]
        refused = save(store, row(), push(QUEUE_CAPACITY + 1))

        with pytest.raises(StoreUnavailable, match="too slow"):
            await refused
        for saving in waiting:
            await saving


async def test_closing_commits_what_still_waits(path: Path) -> None:
    store = store_at(path)
    await store.restore()
    savings = [save(store, row(MonitorKey("jobs", f"job-{n}")), push()) for n in range(100)]

    await store.close()

    async with opened(path) as (_, restored):
        assert len(restored.last_pushes) == 100
    assert all(saving.done() for saving in savings)


async def test_the_database_is_readable_by_its_owner_alone(path: Path) -> None:
    async with opened(path) as (store, _):
        await save(store, row(), push(message="a secret of the job"))
        modes = {file.name: file.stat().st_mode & 0o077 for file in path.parent.iterdir()}

    assert set(modes.values()) == {0}


async def test_a_second_exporter_cannot_open_the_same_file(path: Path) -> None:
    async with opened(path) as (store, _):
        await save(store, row(), push())

        with pytest.raises(StoreUnavailable, match="open in another process") as refusal:
            await store_at(path).restore()

    assert str(path) not in str(refusal.value)
    assert refusal.value.log_fields == {"store": str(path)}


async def test_a_file_that_was_deleted_is_not_written_to_as_if_it_were_there(path: Path) -> None:
    async with opened(path) as (store, _):
        path.rename(path.with_suffix(".moved"))

        with pytest.raises(StoreUnavailable, match="moved or deleted"):
            await save(store, row(), push(1))
        path.with_suffix(".moved").rename(path)
        await save(store, row(), push(2))

    async with opened(path) as (_, restored):
        assert restored.last_pushes == {KEY: push(2)}


async def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        StoreUnusable, match=r"must name a file that this user \(uid \d+\) may write"
    ):
        await store_at(tmp_path).restore()


async def test_the_directory_of_the_database_is_not_made(path: Path) -> None:
    mistyped = path.parent / "dat" / "yuptime.db"

    with pytest.raises(StoreUnusable, match=r"/dat does not exist; create it, mount its volume"):
        await store_at(mistyped).restore()

    assert list(path.parent.iterdir()) == []


async def test_the_directory_of_the_default_database_is_made(path: Path) -> None:
    metrics = StoreMetrics(CollectorRegistry())
    database = path.parent / "data" / "yuptime.db"
    store = SqliteStore(
        database, metrics=metrics, clock=lambda: 1000.0, history_limit=100, makes_folder=True
    )
    await store.restore()
    await store.close()

    assert database.exists()


async def test_only_a_database_that_is_new_is_logged_as_new(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        async with opened(path):
            pass

    created = [record for record in caplog.records if record.message == "new database created"]
    assert [record.__dict__["path"] for record in created] == [str(path)]


def sqlite_error(name: str, text: str = "as SQLite says it") -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = name
    return error


REASONS: dict[str, tuple[Exception, str]] = {
    "locked": (sqlite_error("SQLITE_BUSY"), "open in another process; stop the other"),
    "full": (sqlite_error("SQLITE_FULL"), "the disk is full; free space on it"),
    "no space": (OSError(errno.ENOSPC, "No space left"), "the disk is full; free space on it"),
    "quota": (OSError(errno.EDQUOT, "Quota exceeded"), "the disk is full; free space on it"),
    "disk": (
        sqlite_error("SQLITE_IOERR_WRITE", "disk I/O error"),
        "disk I/O error; the disk is full or fails; look at its free space",
    ),
    "another failure of the system": (OSError(errno.EIO, "Input/output error"), "Input/output"),
    "anything else": (sqlite_error("SQLITE_NOMEM", "out of memory"), "out of memory"),
}


@pytest.mark.parametrize("cause", REASONS)
def test_the_reason_of_a_failure_says_what_to_do_and_names_no_path(path: Path, cause: str) -> None:
    error, expected = REASONS[cause]
    failure = unavailable(path, error)

    assert expected in str(failure)
    assert str(path.parent) not in str(failure)


async def a_database(path: Path) -> bytes:
    async with opened(path) as (store, _):
        for number in range(200):
            name = f"job-{number}"
            await save(store, row(MonitorKey("jobs", name)), push(message="m" * 200))
    return path.read_bytes()


def overwritten(content: bytes, offset: int, patch: bytes) -> bytes:
    return content[:offset] + patch + content[offset + len(patch) :]


HARM: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "garbage": (lambda _: b"this is no database\n" * 50, "not a SQLite database"),
    "a short file": (lambda _: b"SQLite format 3\x00", "not a SQLite database"),
    "a truncated file": (lambda content: content[: len(content) // 2], "corrupt"),
    "pages of noise": (
        lambda content: overwritten(content, 4096, os.urandom(3 * 4096)),
        "corrupt",
    ),
    "a newer version": (
        lambda content: overwritten(content, 60, (len(MIGRATIONS) + 1).to_bytes(4, "big")),
        "newer version of yuptime-exporter",
    ),
    "a header of noise": (
        lambda content: content[:16] + os.urandom(84) + content[100:],
        "corrupt|not a SQLite|another program|newer",
    ),
    "another program's database": (
        lambda content: overwritten(content, 68, (APPLICATION_ID + 1).to_bytes(4, "big")),
        "database of another program",
    ),
}


@pytest.mark.parametrize("harm", HARM)
async def test_a_database_that_cannot_be_used_is_refused_and_left_as_it_is(
    path: Path, harm: str
) -> None:
    change, reason = HARM[harm]
    harmed = change(await a_database(path))
    path.write_bytes(harmed)

    with pytest.raises(StoreUnusable, match=reason) as refusal:
        await store_at(path).restore()

    assert path.read_bytes() == harmed
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert "\n" not in str(refusal.value)
    assert str(path) in str(refusal.value)


async def test_a_corrupt_database_with_a_write_ahead_log_keeps_both_as_they_are(path: Path) -> None:
    async with opened(path) as (store, _):
        for number in range(200):
            await save(store, row(MonitorKey("jobs", f"job-{number}")), push(message="m" * 200))
        log_path = path.with_name(path.name + "-wal")
        log_content = log_path.read_bytes()
    harmed = overwritten(path.read_bytes(), 100, os.urandom(4000))
    path.write_bytes(harmed)
    log_path.write_bytes(log_content[:32])  # a log without a frame: nothing in it repairs the file

    with pytest.raises(StoreUnusable, match="corrupt"):
        await store_at(path).restore()

    assert path.read_bytes() == harmed
    assert log_path.read_bytes() == log_content[:32]


async def test_a_database_without_our_mark_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE somebody_elses (thing TEXT)")
    before = path.read_bytes()

    with pytest.raises(StoreUnusable, match="database of another program"):
        await store_at(path).restore()

    assert path.read_bytes() == before


async def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()

    async with opened(path) as (store, _):
        await save(store, row(), push())

    async with opened(path) as (_, restored):
        assert restored.last_pushes == {KEY: push()}


async def test_the_header_tells_the_version_as_soon_as_the_schema_is_there(path: Path) -> None:
    async with opened(path):
        header = path.read_bytes()[:100]

    assert int.from_bytes(header[60:64], "big") == len(MIGRATIONS)
    assert int.from_bytes(header[68:72], "big") == APPLICATION_ID


async def test_a_commit_waits_for_the_disk(path: Path) -> None:
    async with opened(path) as (store, _):
        connection = store._writer._database.connection
        assert connection is not None

        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


# As the first release wrote it.
VERSION_1 = """
    INSERT INTO arming (namespace, name, armed_timestamp) VALUES ('jobs', 'backup', 900.0);
    INSERT INTO last_push VALUES
        ('jobs', 'backup', 'down', 'disk full', 1005.0, 1001.0, 1000.0, 5, 2);
    INSERT INTO outage VALUES (800.0, 850.0);
    INSERT INTO receiving VALUES (1, 2000.0);
    PRAGMA application_id = 1498763348;
    PRAGMA user_version = 1;"""
MORE_COLUMNS = """
    ALTER TABLE arming ADD COLUMN note TEXT;
    ALTER TABLE last_push ADD COLUMN note TEXT;
    ALTER TABLE outage ADD COLUMN note TEXT;
    ALTER TABLE receiving ADD COLUMN note TEXT;"""


@pytest.mark.parametrize("more", ["", MORE_COLUMNS], ids=["as released", "with more columns"])
async def test_a_database_of_the_first_version_is_restored_and_continued(
    path: Path, more: str
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(";".join(MIGRATIONS[0]) + ";" + VERSION_1 + more)
    known = LastPush(PushKind.DOWN, "disk full", 1005.0, 1001.0, 1000.0, 5, 2)
    async with opened(path) as (store, restored):
        await save(store, row(last_push=known), push(6))
        await store.save_changes(Changes(armings={KEY: Arming(900.0, 1500.0)}))

    assert restored == Restored({KEY: Arming(900.0)}, {KEY: known}, (Outage(800.0, 850.0),), 2000.0)
    async with opened(path) as (_, after):
        pass
    assert after.last_pushes == {KEY: push(6)}
    assert after.armings == {KEY: Arming(900.0, paused_timestamp=1500.0)}
