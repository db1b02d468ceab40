"""Replicas that judge one Monitor differently, on a real API server."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.exporters import exporter_here, series
from tests.fakes.faults import When
from tests.scenarios.kubernetes.replicas import Replica, replicas
from tests.scenarios.kubernetes.rights import Object
from tests.scenarios.kubernetes.stage import Running, Stage
from tests.waiting import eventually

pytestmark = pytest.mark.peer

WATCHED_SECONDS = 12.0
WRITES = When(method="PATCH", path="/monitors/backup/status")


def most_writes(count: int) -> int:
    """Return the bound on the writes of one status in `WATCHED_SECONDS`.

    Each replica writes its own judgement, and restores it once after 5 seconds; the next pauses are
    10 seconds and more. A change that a replica has just adopted is written by any of them.
    """
    return 2 * count + 3


def writes(made: list[Replica]) -> int:
    return sum(len(one.proxy.seen(WRITES)) for one in made)


@dataclass
class Contest:
    """What a Monitor went through while replicas disagreed.

    Attributes:
        writes: of its status, by all replicas.
        values: of the watched fact, each time it changed.
    """

    writes: int
    values: list[str]


async def contest(stage: Stage, made: list[Replica], fact: Callable[[Object], str]) -> Contest:
    """Watch a fact of the status for some seconds, and count the writes meanwhile."""
    before, end = writes(made), stage.time() + WATCHED_SECONDS
    values: list[str] = []

    async def now() -> float:
        value = fact(await stage.status()())
        if values[-1:] != [value]:
            values.append(value)
        return stage.time()

    await eventually(now, lambda moment: moment > end, within_seconds=3 * WATCHED_SECONDS)
    return Contest(writes(made) - before, values)


def token_resolved(status: Object) -> str:
    conditions = {one["type"]: one["status"] for one in status["conditions"]}
    return str(conditions["TokenResolved"])


def state(status: Object) -> str:
    return str(status["lastResult"]["state"])


async def running(
    stack: AsyncExitStack, made: list[Replica], ahead_seconds: list[float]
) -> list[Running]:
    """Start all replicas, each with its own clock."""
    found = []
    for replica, ahead in zip(made, ahead_seconds, strict=True):

        def clock(ahead: float = ahead, stage: Stage = replica.stage) -> float:
            return stage.time() + ahead

        client = await stack.enter_async_context(exporter_here(replica.home, clock))
        found.append(Running(client, replica.stage))
    return found


@pytest.mark.parametrize("count", [2, 3])
async def test_replicas_of_which_one_has_read_the_deleted_secret_write_a_few_times(
    stage: Stage, tmp_path: Path, count: int
) -> None:
    await stage.declare()
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(replicas(stage, tmp_path / "replicas", count))
        for replica in made:
            replica.home.flags.append("--kubernetes.secrets=get")
        exporters = await running(stack, made, [0.0] * count)
        for exporter in exporters:
            await exporter.accepted()
        await stage.delete("Secret", "push-token")
        assert (await exporters[0].push(token="a-wrong-token")).status == 503
        await stage.condition("TokenResolved", "False", "SecretNotFound")
        seen = await contest(stage, made, token_resolved)

    assert seen.writes <= most_writes(count)
    assert seen.values == ["False"]


# A clock that is further ahead than a missed note looks like an outage, which moves all deadlines.
@pytest.mark.parametrize("ahead_seconds", [[0.0, 13.0], [0.0, 13.0, 7.0], [0.0, 13.0, 13.0]])
async def test_replicas_with_skewed_clocks_that_judge_a_deadline_differently_write_a_few_times(
    stage: Stage, tmp_path: Path, ahead_seconds: list[float]
) -> None:
    """The clock of one replica is past the deadline, and that of another long before it."""
    await stage.declare(expire=12, grace=0)
    async with AsyncExitStack() as stack:
        count = len(ahead_seconds)
        made = await stack.enter_async_context(replicas(stage, tmp_path / "replicas", count))
        exporters = await running(stack, made, ahead_seconds)
        before = writes(made)
        await exporters[0].accepted()

        async def judged() -> set[float]:
            name = series("down", namespace=stage.namespace)
            return {(await exporter.samples())[name] for exporter in exporters}

        await eventually(judged, lambda found: found == {0.0, 1.0})
        await contest(stage, made, state)
        await stage.state("down")  # all agree in the end

    assert 2 <= writes(made) - before <= most_writes(count)  # the push, and who is down first
