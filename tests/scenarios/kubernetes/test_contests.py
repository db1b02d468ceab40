"""Replicas that judge one Monitor differently, on a real API server."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.exporters import exporter_here
from tests.fakes.faults import When
from tests.scenarios.kubernetes.replicas import Replica, replicas
from tests.scenarios.kubernetes.stage import Running, Stage
from tests.waiting import eventually

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

WATCHED_SECONDS = 12.0
WRITES = When(method="PATCH", path="/monitors/backup/status")


def writes(made: list[Replica]) -> int:
    return sum(len(one.proxy.seen(WRITES)) for one in made)


async def writes_within(stage: Stage, made: list[Replica]) -> int:
    """Return how many statuses all replicas write while they disagree for some seconds."""
    before, end = writes(made), stage.time() + WATCHED_SECONDS

    async def now() -> float:
        return stage.time()

    await eventually(now, lambda moment: moment > end, within_seconds=3 * WATCHED_SECONDS)
    return writes(made) - before


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
        written = await writes_within(stage, made)

    assert written <= 2 * count + 3
