"""The database after `kill -9`: while pushes are stored, and while it is migrated."""

import asyncio
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path

import pytest

from tests.core.examples import UP
from tests.stores.sqlite.test_store import VERSION_1, opened, store_at
from yuptime_exporter.core.model import LastPush, MonitorKey, PushKind
from yuptime_exporter.stores.sqlite.schema import MIGRATIONS

pytestmark = [pytest.mark.peer, pytest.mark.hot]  # starts processes

MONITORS = 40
HISTORY_LIMIT = 5

STORING = """
import asyncio, sys
from pathlib import Path
from tests.stores.saving import save
from tests.stores.sqlite.test_crashes import HISTORY_LIMIT, MONITORS, key_of
from tests.stores.sqlite.test_store import push, row, store_at

async def main():
    store = store_at(Path(sys.argv[1]), history_limit=HISTORY_LIMIT)
    last = {key: stored for key, stored in (await store.restore()).last_pushes.items()}
    while True:
        savings = []
        for number in range(MONITORS):
            key, before = key_of(number), last.get(key_of(number))
            last[key] = push((before.pushes_total if before else 0) + 1)
            savings.append(save(store, row(key, before), last[key]))
        await asyncio.wait(savings)
        assert all(saving.exception() is None for saving in savings)
        print(last[key_of(0)].pushes_total, flush=True)

asyncio.run(main())
"""

MIGRATING = """
import asyncio, sys
from pathlib import Path
from tests.stores.sqlite.test_store import store_at

print("begin", flush=True)
asyncio.run(store_at(Path(sys.argv[1])).restore())
print("end", flush=True)
"""


def key_of(number: int) -> MonitorKey:
    return MonitorKey("jobs", f"job-{number}")


async def test_every_acknowledged_push_is_in_the_history_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "yuptime.db"
    acknowledged = 0
    for rounds in (30, 300, 290, 320):  # checkpoints and cleaning begin after 250 rounds
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", STORING, str(path), stdout=PIPE
        )
        assert process.stdout is not None
        enough = acknowledged + rounds
        while acknowledged < enough:
            acknowledged = int(await process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        for line in (await process.stdout.read()).splitlines():
            acknowledged = int(line)
        await process.wait()
        store = store_at(path, history_limit=HISTORY_LIMIT)
        restored = await store.restore()
        past = await store.recent(restored.last_pushes, limit=HISTORY_LIMIT)
        await store.close()

        assert len(restored.last_pushes) == MONITORS
        for key, last in restored.last_pushes.items():
            assert acknowledged <= last.pushes_total <= acknowledged + 1
            assert [push.received_timestamp for push in past[key].pushes] == [
                1000.0 + number
                for number in range(last.pushes_total, last.pushes_total - HISTORY_LIMIT, -1)
            ]
        with closing(sqlite3.connect(path)) as connection:
            (rows,) = connection.execute("SELECT count(*) FROM push").fetchone()
        assert rows < 20_000 + 4_096 + MONITORS * HISTORY_LIMIT * 1.25


@pytest.mark.parametrize("after_seconds", [0.0, 0.02, 0.05, 0.1, 0.2])
async def test_a_migration_that_is_killed_is_made_by_the_next_start(
    tmp_path: Path, after_seconds: float
) -> None:
    path = tmp_path / "yuptime.db"
    count = 50_000
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(";".join(MIGRATIONS[0]) + ";" + VERSION_1)
        connection.executemany(
            "INSERT INTO last_push VALUES ('jobs', ?, 'up', 'm', 1000.0, 1000.0, 1000.0, 3, 0)",
            ((f"job-{number}",) for number in range(count)),
        )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MIGRATING, str(path), stdout=PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    await asyncio.sleep(after_seconds)  # any moment of the migration will do
    process.send_signal(signal.SIGKILL)
    await process.wait()
    async with opened(path) as (store, restored):
        past = await store.recent([key_of(7)], limit=5)

    assert len(restored.last_pushes) == count + 1
    assert restored.last_pushes[key_of(7)] == LastPush(
        PushKind.UP, "m", 1000.0, 1000.0, 1000.0, 3, 0
    )
    assert [push.kind for push in past[key_of(7)].pushes] == [UP]
