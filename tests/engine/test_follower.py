"""A set of monitors is active, and described, at one moment; storing it comes after that."""

import asyncio
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry

from tests.core.examples import Life, monitor, replace_monitors
from tests.engine.test_table_changes import RETENTION_SECONDS, START
from tests.exporters import StandingClock
from tests.fakes.store import FakeStore
from tests.waiting import eventually
from yuptime_exporter.core.declared import MonitorSet, Problem
from yuptime_exporter.core.model import Monitor
from yuptime_exporter.engine.follower import Follower
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.receiving_log import ReceivingLog
from yuptime_exporter.engine.table_changes import TableChanges
from yuptime_exporter.metrics.changes import ChangeMetrics
from yuptime_exporter.metrics.declarations import DeclarationMetrics
from yuptime_exporter.metrics.process import ReadinessMetrics
from yuptime_exporter.metrics.receiving import ReceivingMetrics

A, B = (monitor(name, token_digests=(bytes(32),)) for name in "ab")
PROBLEM = Problem("jobs.yaml, document 2", "spec.target.push", "expected a target, got none")

# More than two declarations of two monitors take.
TURNS = 200


class Source:
    """A source whose sets a test gives."""

    def __init__(self) -> None:
        self.sets: asyncio.Queue[MonitorSet] = asyncio.Queue()

    async def watch(self) -> AsyncIterator[MonitorSet]:
        while True:
            yield await self.sets.get()

    async def refresh(self) -> None:
        """Have nothing to look for."""


class Followed:
    """A follower with all that it tells, and a store that holds changes when it is told to."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.store = FakeStore()
        self.source = Source()
        self.table = Life().table
        replace_monitors(self.table, [], now_timestamp=START)
        self.readiness = Readiness(ReadinessMetrics(self.registry))
        clock = StandingClock(START)
        changes = TableChanges(
            self.table,
            self.store,
            retention_seconds=RETENTION_SECONDS,
            metrics=ChangeMetrics(self.registry),
            clock=clock,
        )
        receiving_log = ReceivingLog(
            self.table,
            self.store,
            changes,
            on_receiving=lambda *, failure: None,  # noqa: ARG005
            metrics=ReceivingMetrics(self.registry),
            clock=clock,
        )
        self.follower = Follower(
            changes,
            receiving_log,
            self.readiness,
            on_change=lambda: None,
            metrics=DeclarationMetrics(self.registry),
        )

    def declare(self, *monitors: Monitor, problems: tuple[Problem, ...] = ()) -> None:
        self.source.sets.put_nowait(MonitorSet(monitors, {"http": len(problems)}, 0, problems))

    def described(self) -> tuple[int, int, int, float | None]:
        """Return the numbers of monitors, of those said by type, and of problems, as scraped."""
        by_type = self.follower.monitors_by_type
        invalid = self.registry.get_sample_value("yuptime_monitors_invalid")
        return len(self.table.rows()), by_type["push"], len(self.follower.problems), invalid


async def test_monitors_and_problems_of_a_set_are_shown_while_the_store_holds_it() -> None:
    followed = Followed()
    followed.store.held = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(followed.follower.follow(followed.source))
        followed.declare(A, B, problems=(PROBLEM,))

        async def rows() -> int:
            return len(followed.table.rows())

        await eventually(rows, lambda number: number == 2)
        assert followed.described() == (2, 2, 1, 1)
        assert not followed.readiness.ready  # pushes wait until the armings are stored

        followed.store.held.set_result(None)
        following.cancel()


async def test_no_turn_of_the_loop_sees_the_monitors_of_one_set_with_the_problems_of_another() -> (
    None
):
    followed = Followed()
    seen = set()
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(followed.follower.follow(followed.source))
        followed.declare(A, B, problems=(PROBLEM,))
        followed.declare(A)
        for _ in range(TURNS):
            await asyncio.sleep(0)
            seen.add(followed.described())
        following.cancel()

    before_the_first = (0, 0, 0, 0)
    assert seen - {before_the_first} == {(2, 2, 1, 1), (1, 1, 0, 0)}
