"""Wait for a condition, never for a length of time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.02

_Answer = TypeVar("_Answer")


async def eventually(
    ask: Callable[[], Awaitable[_Answer]],
    until: Callable[[_Answer], object] = bool,
    *,
    within_seconds: float = LIMIT_SECONDS,
) -> _Answer:
    """Ask repeatedly until the answer is good.

    Raises:
        AssertionError: no good answer in time; the message has the last answer.
    """
    last: object = "no answer"
    try:
        async with asyncio.timeout(within_seconds):
            while True:
                last = answer = await ask()
                if until(answer):
                    return answer
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"after {within_seconds} s still: {last!r}") from None
