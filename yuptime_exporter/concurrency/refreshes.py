"""Callers that ask for a fresh look, and wait until it is done."""

import asyncio
from collections.abc import Iterable


class Refreshes:
    """Requests for a refresh, answered by the first pass that begins after them.

    A pass that has already begun may have missed the change a caller knows of, so it does not
    answer requests that arrive while it runs.
    """

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self._in_pass: list[asyncio.Future[None]] = []

    @property
    def waiting(self) -> bool:
        """Whether a request waits for the next pass to begin."""
        return bool(self._waiting)

    def request(self) -> "asyncio.Future[None]":
        """Return a future that is done at the end of the next pass."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        return done

    def begin_pass(self) -> None:
        """Include all requests so far in the pass that begins now."""
        self._in_pass += self._waiting
        self._waiting = []

    def end_pass(self) -> None:
        """Answer the requests of the pass, whether it found anything or failed."""
        _finish(self._in_pass)
        self._in_pass = []

    def cancel(self) -> None:
        """Cancel all requests, since there will be no further pass."""
        for done in (*self._in_pass, *self._waiting):
            done.cancel()
        self._in_pass, self._waiting = [], []


def _finish(requests: "Iterable[asyncio.Future[None]]") -> None:
    for done in requests:
        if not done.done():  # done: the caller was cancelled and waits no longer
            done.set_result(None)
