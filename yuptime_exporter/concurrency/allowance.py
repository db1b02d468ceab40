"""Work that may take a share of all time, and a burst of it at once."""

import asyncio


class Allowance:
    """Time that some work may take: it grows by a share of all time, up to a limit."""

    def __init__(self, *, share: float, max_saved_seconds: float, max_pause_seconds: float) -> None:
        """Begin with the limit. The constructor needs a running event loop.

        Args:
            share: of all time, more than 0.
            max_saved_seconds: the limit.
            max_pause_seconds: after this time, work begins again, however long the last one took.
        """
        self._time = asyncio.get_running_loop().time
        self._share = share
        self._max_saved_seconds = max_saved_seconds
        self._max_debt_seconds = share * max_pause_seconds
        self._saved_seconds = max_saved_seconds
        self._known_at_seconds = self._time()

    def spend(self, seconds: float) -> float:
        """Subtract the time of work that has ended, also if less time is saved.

        Returns:
            How long the next work has to wait, in seconds.
        """
        now_seconds = self._time()
        grown_seconds = self._share * (now_seconds - self._known_at_seconds)
        saved_seconds = min(self._saved_seconds + grown_seconds, self._max_saved_seconds)
        self._known_at_seconds = now_seconds
        self._saved_seconds = max(saved_seconds - seconds, -self._max_debt_seconds)
        return max(-self._saved_seconds, 0.0) / self._share
