"""The runs of a monitor as text in the database, of this version and of those before."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given

from tests.stores.saving import save
from tests.stores.sqlite.test_store import KEY, opened, row, runs
from yuptime_exporter.core.model import LastPush, PushKind
from yuptime_exporter.core.runs import NO_RUNS, Run, Runs
from yuptime_exporter.stores.sqlite.push_rows import runs_of, runs_text
from yuptime_exporter.stores.sqlite.schema import MIGRATIONS


@given(runs)
def test_runs_are_read_as_they_were_written_and_the_text_is_json(runs: Runs) -> None:
    text = runs_text(runs)
    assert runs_of(text) == runs
    assert text is None or json.loads(text)


def test_a_monitor_without_runs_stores_no_text() -> None:
    assert runs_text(NO_RUNS) is None
    assert runs_text(Runs()) is None
    assert runs_of(None) is NO_RUNS


# The second version of the schema, with a checkpoint and perhaps a later push.
VERSION_2 = """
    INSERT INTO arming (namespace, name, armed_timestamp) VALUES ('jobs', 'backup', 900.0);
    INSERT INTO last_push VALUES (1, 'jobs', 'backup', 1, 1, 'up', '', 1001.0, 1001.0, 1001.0, 1, 0,
        {checkpoint});
    INSERT INTO push VALUES
        (1, 1, 0, 1, 'up', 1001.0, 1001.0, 1001.0, 1, 0, {checkpoint}, '', 2.5, 0, 'native', '', 0, '')
        {later};
    UPDATE progress SET checkpoint_id = 1, commits = 3;
    PRAGMA application_id = 1498763348;
    PRAGMA user_version = 2;"""
LATER = """,
        (2, 1, 1, 2, 'start', 1002.0, 1001.0, 1001.0, 1, 0, {runs}, '7', NULL, NULL, 'native', '', 0, '')"""

COMPLETE = """'{"open": [{"run_id": "7", "started_timestamp": 1002.0, "restarted_timestamp": 1002.0}],
    "last_start_timestamp": 1002.0, "starts_total": 1, "abandoned_total": 0, "durations_total": 1,
    "durations_seconds": 2.5, "last_duration_seconds": 2.5, "last_exit_code": null}'"""
ENDED = """'{"open": [], "last_start_timestamp": 0.0, "starts_total": 0, "abandoned_total": 0,
    "durations_total": 1, "durations_seconds": 2.5, "last_duration_seconds": 2.5,
    "last_exit_code": null}'"""
SHORT = """'{"last_start_timestamp": 1002.0, "starts_total": 1, "durations_total": 1,
    "durations_seconds": 2.5, "last_duration_seconds": 2.5,
    "open": [{"run_id": "7", "started_timestamp": 1002.0, "restarted_timestamp": 1002.0}]}'"""
SHORT_ENDED = """'{"durations_total": 1, "durations_seconds": 2.5, "last_duration_seconds": 2.5,
    "open": []}'"""

RUNNING = Runs(
    open=(Run("7", 1002.0, 1002.0),),
    last_start_timestamp=1002.0,
    starts_total=1,
    durations_total=1,
    durations_seconds=2.5,
    last_duration_seconds=2.5,
)
FINISHED = RUNNING._replace(open=(), last_start_timestamp=0.0, starts_total=0)


def written(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for version in MIGRATIONS[:2]:
            connection.executescript(";".join(version))
        connection.executescript(statements)


@pytest.mark.parametrize(
    ("running", "ended"),
    [(COMPLETE, ENDED), (SHORT, SHORT_ENDED)],
    ids=["with all fields", "without missing values"],
)
async def test_runs_that_were_stored_as_objects_are_restored_and_continued(
    tmp_path: Path, running: str, ended: str
) -> None:
    path = tmp_path / "yuptime.db"
    written(path, VERSION_2.format(checkpoint=ended, later=LATER.format(runs=running)))
    async with opened(path) as (store, restored):
        found = restored.last_pushes[KEY]
        finished = LastPush(
            PushKind.UP, "", 1003.0, 1001.0, 1003.0, 2, 0, found.runs._replace(open=())
        )
        await save(store, row(last_push=found), finished)

    assert found.runs == RUNNING
    async with opened(path) as (_, after):
        pass
    assert after.last_pushes == {KEY: finished}


async def test_runs_in_a_checkpoint_that_were_stored_as_an_object_are_restored(
    tmp_path: Path,
) -> None:
    path = tmp_path / "yuptime.db"
    written(path, VERSION_2.format(checkpoint=SHORT_ENDED, later=""))
    async with opened(path) as (_, restored):
        pass

    assert restored.last_pushes[KEY].runs == FINISHED
