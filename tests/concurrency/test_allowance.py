import asyncio

import pytest

from yuptime_exporter.concurrency.allowance import Allowance

# An allowance with the first share does not grow while a test runs, one with the second at once.
NEXT_TO_NOTHING, MUCH = 1e-9, 1e9
FOREVER = float("inf")


def allowance(*, share: float, max_pause_seconds: float = FOREVER) -> Allowance:
    return Allowance(share=share, max_saved_seconds=10, max_pause_seconds=max_pause_seconds)


async def test_saved_time_is_spent_without_a_pause_and_more_is_not() -> None:
    growing_slowly = allowance(share=NEXT_TO_NOTHING)

    assert growing_slowly.spend(9) == 0
    assert growing_slowly.spend(3) == pytest.approx(2 / NEXT_TO_NOTHING)


async def test_a_pause_pays_for_the_work_before_it_and_no_more_than_the_limit_is_saved() -> None:
    growing_fast = allowance(share=MUCH)
    growing_fast.spend(1000)
    await asyncio.sleep(0.001)
    paid = growing_fast.spend(10)
    await asyncio.sleep(0.001)

    assert paid == 0
    assert growing_fast.spend(12) == pytest.approx(2 / MUCH)


async def test_work_of_any_length_is_followed_by_the_longest_pause_at_most() -> None:
    growing_slowly = allowance(share=NEXT_TO_NOTHING, max_pause_seconds=15)
    growing_slowly.spend(10)

    assert growing_slowly.spend(1000) == pytest.approx(15)
    assert growing_slowly.spend(1) == pytest.approx(15)
