"""The upkeep between pushes, which must cost no push its durability."""

import sqlite3
from contextlib import closing
from pathlib import Path

from yuptime_exporter.stores.sqlite.pushes import StoredPushes
from yuptime_exporter.stores.sqlite.schema import migrate
from yuptime_exporter.stores.sqlite.upkeep import Upkeep

FULL, NORMAL = 2, 1


def test_only_a_step_of_the_upkeep_does_not_wait_for_the_disk() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, Path("memory"))
        connection.execute("PRAGMA synchronous = FULL")
        pushes = StoredPushes(history_limit=10, clock=lambda: 1000.0)
        pushes.load(connection)
        upkeep = Upkeep(pushes)
        upkeep.load(connection)
        during: list[int] = []

        def look(statement: str) -> None:
            if statement == "COMMIT":
                during.extend(connection.execute("PRAGMA synchronous").fetchone())

        connection.set_trace_callback(look)
        upkeep.step(connection)
        connection.set_trace_callback(None)

        assert during == [NORMAL]
        assert connection.execute("PRAGMA synchronous").fetchone() == (FULL,)
