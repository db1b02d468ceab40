"""Long work on the event loop, done in turns with everything else."""

import asyncio

# Whoever waits for its turn, such as a push, waits for so long at most, and for one object more.
TURN_SECONDS = 0.003


class Turn:
    """How long it is since everything else had its turn."""

    def __init__(self) -> None:
        """Begin now, within an event loop."""
        self._time = asyncio.get_running_loop().time
        self._began_seconds = self._time()

    def is_over(self) -> bool:
        """Tell whether it is time to pass it on."""
        return self._time() - self._began_seconds > TURN_SECONDS

    async def pass_on(self) -> None:
        """Let everything else have its turn, and begin another."""
        await asyncio.sleep(0)
        self._began_seconds = self._time()
