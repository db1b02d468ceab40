"""The events of one watch, read from its stream."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable

import aiohttp

from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.kubernetes.errors import ApiStatusError, WatchSilent
from yuptime_exporter.kubernetes.frames import Frames

log = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024
_MAX_UNKNOWN_TYPES = 10


async def watched_lines(
    stream: aiohttp.StreamReader, *, silence_seconds: Callable[[], float]
) -> AsyncGenerator[bytes, None]:
    """Yield the lines of a watch until its end, with pauses for other work.

    Args:
        stream: the body of the answer.
        silence_seconds: returns how long the watch may be silent; called before each read, since
            the first bookmark shortens it.

    Raises:
        WatchSilent: the watch was silent for too long.
        FrameTooLong: a line is longer than allowed.
    """
    frames = Frames()
    turn = Turn()
    while chunk := await _read(stream, silence_seconds()):
        for line in frames.feed(chunk):
            yield line
            if turn.is_over():
                await turn.pass_on()


async def _read(stream: aiohttp.StreamReader, silence_seconds: float) -> bytes:
    try:
        async with asyncio.timeout(silence_seconds):
            return await stream.read(_CHUNK_BYTES)
    except TimeoutError as error:
        raise WatchSilent(f"the watch was silent for {silence_seconds:g} s") from error


class ErrorEvent(Exception):
    """The API server ended the watch with an event of type ERROR."""

    def __init__(self, error: ApiStatusError) -> None:
        super().__init__(str(error))
        self.error = error


class UnknownTypes:
    """Logs each unknown type of event once, and no more than ten types."""

    def __init__(self) -> None:
        self._reported: set[str] = set()

    def report(self, kind: str) -> None:
        """Log a type of event that no version of the watch protocol is known to have."""
        if kind not in self._reported and len(self._reported) < _MAX_UNKNOWN_TYPES:
            self._reported.add(kind)
            log.warning("events of an unknown type are ignored", extra={"type": kind[:64]})
