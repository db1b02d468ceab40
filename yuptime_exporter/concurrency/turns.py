"""Long work on the event loop, done in short turns."""

import asyncio
from collections.abc import Generator
from contextlib import closing, suppress
from typing import TypeVar

Result = TypeVar("Result")

# Other work on the loop, for example a push, waits this time at most, plus one item.
TURN_SECONDS = 0.003


class Turn:
    """Measures how long other work on the event loop has been waiting.

    Example:
        turn = Turn()
        for item in items:
            process(item)
            if turn.is_over():
                await turn.pass_on()
    """

    def __init__(
        self,
        *,
        max_seconds: float = TURN_SECONDS,
        pause_seconds: float = 0.0,
        hurry: asyncio.Event | None = None,
    ) -> None:
        """Begin a turn; to be made within an event loop.

        Args:
            max_seconds: the length of a turn.
            pause_seconds: how long the others may work between two turns; 0: one pass of the
                loop. A push needs several passes, so that a pause lets it finish.
            hurry: set while something waits for the end of the work: then no pause is longer than
                one pass of the loop; None: never.
        """
        self._time = asyncio.get_running_loop().time
        self._max_seconds = max_seconds
        self._pause_seconds = pause_seconds
        self._hurry = hurry or asyncio.Event()
        self._began_seconds = self._time()
        self._worked_before_seconds = 0.0

    @property
    def worked_seconds(self) -> float:
        """How long all turns took, up to now."""
        return self._worked_before_seconds + self._time() - self._began_seconds

    def is_over(self) -> bool:
        """Tell whether other work should have its turn now."""
        return self._time() - self._began_seconds > self._max_seconds

    async def take(self, steps: Generator[None, None, Result]) -> Result:
        """Take all steps of some work, and return its result; other work has its turn in between."""
        with closing(steps):
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    result: Result = end.value
                    return result
                if self.is_over():
                    await self.pass_on()

    async def pass_on(self) -> None:
        """Let other work have its turn, and begin another."""
        self._worked_before_seconds = self.worked_seconds
        if not self._pause_seconds or self._hurry.is_set():
            await asyncio.sleep(0)
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_seconds):
                    await self._hurry.wait()
        self._began_seconds = self._time()
