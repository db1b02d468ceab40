"""A Monitor is deleted and created again, and every push that is acknowledged stays durable.

The store is a real SQLite file, which fails for a while where a test says so.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.core.examples import DOWN
from tests.stores.contract import Exporter, running
from tests.stores.sqlite.place import SqlitePlace
from yuptime_exporter.core.model import LastPush


@pytest.fixture
def place(tmp_path: Path) -> SqlitePlace:
    return SqlitePlace(tmp_path)


@asynccontextmanager
async def failing(place: SqlitePlace) -> AsyncIterator[None]:
    """Let every write to the database fail until the end of the block."""
    away = place.path.rename(place.path.with_suffix(".away"))
    yield
    away.rename(place.path)


async def pushed_five_times(exporter: Exporter) -> None:
    await exporter.declare(backup=True)
    for _ in range(5):
        await exporter.push()


async def after_a_restart(place: SqlitePlace) -> LastPush:
    async with running(place) as restarted:
        return restarted.last_push()


@pytest.mark.parametrize("deleted_first", [True, False], ids=["deleted first", "in one set"])
async def test_a_push_to_a_recreated_monitor_survives_a_restart(
    place: SqlitePlace, deleted_first: bool
) -> None:
    async with running(place) as exporter:
        await pushed_five_times(exporter)
        if deleted_first:
            await exporter.declare()
            place.clock.advance(60)
            await exporter.declare(backup=True)
        else:
            await exporter.recreate()
        acknowledged = await exporter.push(DOWN)

    assert (acknowledged.status, acknowledged.pushes_total) == (DOWN, 1)
    assert await after_a_restart(place) == acknowledged


async def test_pushes_to_a_deleted_monitor_leave_the_store_with_it(place: SqlitePlace) -> None:
    async with running(place) as exporter:
        await pushed_five_times(exporter)
        await exporter.recreate()
        arming = exporter.row().arming
        restored = await place.restored()

    assert restored.last_pushes == {}
    assert restored.armings == {exporter.key(): arming}


async def test_a_push_survives_if_the_store_could_not_forget_the_deleted_monitor(
    place: SqlitePlace,
) -> None:
    async with running(place) as exporter:
        await pushed_five_times(exporter)
        async with failing(place):
            await exporter.recreate()
        acknowledged = await exporter.push(DOWN)

    assert (acknowledged.status, acknowledged.pushes_total) == (DOWN, 1)
    assert await after_a_restart(place) == acknowledged


async def test_forgetting_that_is_tried_again_spares_the_push_that_came_in_between(
    place: SqlitePlace,
) -> None:
    async with running(place) as exporter:
        await pushed_five_times(exporter)
        async with failing(place):
            await exporter.recreate()
        acknowledged = await exporter.push(DOWN)
        await exporter.receiving_log.tick()
        restored = await place.restored()

    assert restored.last_pushes == {exporter.key(): acknowledged}
    assert restored.armings == {exporter.key(): exporter.row().arming}


async def test_a_monitor_that_is_recreated_within_seconds_continues(place: SqlitePlace) -> None:
    async with running(place) as exporter:
        await pushed_five_times(exporter)
        await exporter.declare()
        place.clock.advance(2)
        await exporter.declare(backup=True)
        acknowledged = await exporter.push()

    assert acknowledged.pushes_total == 6
    assert await after_a_restart(place) == acknowledged


@pytest.mark.parametrize("corrected", ["before the push", "after the push", "never"])
async def test_a_push_after_the_clock_was_set_back_survives_a_restart(
    place: SqlitePlace, corrected: str
) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        place.clock.advance(8000)
        await exporter.receiving_log.tick()
        await exporter.push()
        place.clock.advance(-7000)
        if corrected == "before the push":
            await exporter.receiving_log.tick()
        acknowledged = await exporter.push(DOWN)
        if corrected == "after the push":
            await exporter.receiving_log.tick()
            assert exporter.last_push() == acknowledged

    assert (acknowledged.status, acknowledged.pushes_total) == (DOWN, 2)
    assert await after_a_restart(place) == acknowledged


async def test_a_push_survives_if_the_store_could_not_correct_the_one_before_it(
    place: SqlitePlace,
) -> None:
    async with running(place) as exporter:
        await exporter.declare(backup=True)
        place.clock.advance(8000)
        await exporter.receiving_log.tick()
        await exporter.push()
        place.clock.advance(-7000)
        async with failing(place):
            await exporter.receiving_log.tick()
        acknowledged = await exporter.push(DOWN)
        await exporter.receiving_log.tick()

    assert (acknowledged.status, acknowledged.pushes_total) == (DOWN, 2)
    assert await after_a_restart(place) == acknowledged
