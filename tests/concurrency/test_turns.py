import asyncio
import time
from collections.abc import Generator

from yuptime_exporter.concurrency.turns import Turn


async def worked(turn: Turn, seconds: float) -> bool:
    """Work for a time without a pause; return whether the turn is over by then."""
    time.sleep(seconds)  # noqa: ASYNC251  blocks the loop, as work does
    return turn.is_over()


async def test_a_turn_is_over_after_its_length_and_not_before() -> None:
    turn = Turn(max_seconds=0.02)
    early = turn.is_over()

    assert not early
    assert await worked(turn, 0.03)


async def test_passing_on_lets_other_work_run_and_begins_another_turn() -> None:
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    turn = Turn(max_seconds=10)
    await turn.pass_on()

    assert others == ["ran"]
    assert not turn.is_over()


async def test_a_pause_lets_work_of_several_passes_finish() -> None:
    finished = asyncio.Event()

    async def push() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        finished.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(push())
        await Turn(pause_seconds=3600, hurry=finished).pass_on()
        done = finished.is_set()

    assert done


async def test_a_pause_ends_when_something_waits_for_the_work_and_further_pauses_are_passes() -> (
    None
):
    hurry = asyncio.Event()
    turn = Turn(pause_seconds=3600, hurry=hurry)
    others: list[str] = []
    asyncio.get_running_loop().call_later(0.001, hurry.set)
    await turn.pass_on()
    asyncio.get_running_loop().call_soon(others.append, "ran")
    await turn.pass_on()

    assert others == ["ran"]


async def test_the_time_of_others_is_not_the_time_of_turns() -> None:
    turn = Turn(max_seconds=10)
    await worked(turn, 0.03)
    asyncio.get_running_loop().call_soon(time.sleep, 0.5)
    await turn.pass_on()
    await worked(turn, 0.03)

    assert 0.06 <= turn.worked_seconds < 0.5


async def test_all_steps_of_some_work_are_taken_and_others_have_their_turn_in_between() -> None:
    others: list[int] = []
    taken: list[int] = []

    def work() -> Generator[None, None, str]:
        for step in range(3):
            taken.append(step)
            asyncio.get_running_loop().call_soon(others.append, step)
            yield
        return "done"

    assert await Turn(max_seconds=-1).take(work()) == "done"
    assert (taken, others) == ([0, 1, 2], [0, 1, 2])
