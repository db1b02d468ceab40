"""One answer on its way from upstream to the client, through all active faults.

A watch is passed frame by frame (a frame is a line), any other body in the pieces that arrive.
Kubernetes 1.37 compresses watches with initial events; these watches are unpacked and packed again.
"""

import asyncio
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import aiohttp
from aiohttp import web

from tests.fakes.active_faults import Faults
from tests.fakes.faults import (
    At,
    Delay,
    Double,
    Drop,
    EmptyLines,
    Hang,
    How,
    Inject,
    Join,
    Pad,
    Seen,
    Silence,
    Split,
)

_GZIP = 16 + zlib.MAX_WBITS  # zlib's word for it

_Kind = TypeVar("_Kind", Drop, Double, Pad, EmptyLines, Join, Split)


class Passage:
    """The way back of one request.

    Attributes:
        changed: set when faults were applied or lifted.
    """

    def __init__(self, seen: Seen, faults: Faults) -> None:
        self.seen = seen
        self.changed = asyncio.Event()
        self._faults = faults
        self._frames: deque[tuple[float, bytes]] = deque()  # each with its time of arrival
        self._complete = False
        self._broken = False
        self._joined: list[bytes] = []
        self._joining: Join | None = None
        self._packing: zlib._Compress | None = None

    async def hold(
        self, kind: type[Hang] | type[Silence], *, due: Callable[[], float] = lambda: 0.0
    ) -> How | None:
        """Wait while the request hangs or is silenced, or is not due by the loop's clock.

        Returns:
            The cut of the answer, or None.
        """
        while True:
            self.changed.clear()
            how = self._faults.cut(self.seen, At.NOW)
            if how not in (None, How.END):  # an answer without headers has no regular end
                return how
            if self._faults.strike_request(kind, self.seen):
                await self.changed.wait()
            elif due() > _now():
                await self._wait_until(due())
            else:
                return None

    def _due(self, arrived: float, *, headers: bool) -> float:
        """Return the moment at which data that arrived at that time is passed."""
        delay = self._faults.strike_request(Delay, self.seen)
        return arrived + (delay.seconds if delay and (headers or not delay.headers_only) else 0.0)

    async def carry(
        self, body: AsyncIterator[bytes], response: web.StreamResponse, request: web.BaseRequest
    ) -> How | None:
        """Pass headers and body to the client; return the cut of the answer, or None."""
        async with asyncio.TaskGroup() as tasks:
            framed = self._framed(response)
            if framed and response.headers.get("Content-Encoding") == "gzip":
                body, self._packing = _unpacked(body), zlib.compressobj(wbits=_GZIP)
            collecting = tasks.create_task(self._collect(_lines(body) if framed else body))
            try:
                return await self._start(response, request) or await self._finish(response)
            except ConnectionError:  # the client is gone
                return How.RESET
            finally:
                collecting.cancel()

    async def _start(self, response: web.StreamResponse, request: web.BaseRequest) -> How | None:
        due = partial(self._due, _now(), headers=True)
        if how := await self.hold(Silence, due=due) or self._faults.cut(self.seen, At.HEADERS):
            return how
        self.seen.status = response.status
        await response.prepare(request)
        return None

    def _framed(self, response: web.StreamResponse) -> bool:
        return self.seen.watch and response.status == 200

    async def _collect(self, frames: AsyncIterator[bytes]) -> None:
        try:
            async for frame in frames:
                self._frames.append((_now(), frame))
                self.changed.set()
        except (
            aiohttp.ClientError,
            OSError,
        ):  # upstream broke the connection, so this side breaks too
            self._broken = True
        self._complete = True
        self.changed.set()

    async def _finish(self, response: web.StreamResponse) -> How | None:
        how = await self._deliver(response)
        if self._packing and how in (None, How.END):
            await response.write(self._packing.flush())
        return how

    async def _deliver(self, response: web.StreamResponse) -> How | None:
        framed = self._framed(response)
        while True:
            self.changed.clear()
            if how := self._faults.cut(self.seen, At.NOW):
                return how
            if self._faults.strike_request(Silence, self.seen):
                await self.changed.wait()
                continue
            await self._flush(response, injected=self._injected() if framed else b"")
            if self._frames:
                arrived, frame = self._frames[0]
                if (due := self._due(arrived, headers=False)) > _now():
                    await self._wait_until(due)
                    continue
                self._frames.popleft()
                if how := await self._pass(frame, response, framed=framed):
                    return how
            elif self._complete:
                await self._write(response, self._released())
                return How.RESET if self._broken else None
            else:
                await self.changed.wait()

    async def _wait_until(self, due: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self.changed.wait()

    async def _flush(self, response: web.StreamResponse, *, injected: bytes) -> None:
        """Pass data that does not wait for a frame."""
        still_active = any(fault is self._joining for _, fault in self._faults.of(Join, self.seen))
        if injected or not still_active:
            await self._write(response, self._released())
        await self._write(response, injected)

    def _injected(self) -> bytes:
        """Return the data that each watch gets once."""
        return b"".join(
            fault.data
            for applied, fault in self._faults.of(Inject, self.seen)
            if not applied.has_struck(self.seen) and applied.strike_request(self.seen)
        )

    async def _pass(
        self, frame: bytes, response: web.StreamResponse, *, framed: bool
    ) -> How | None:
        for one in self._edited(frame) if framed else [frame]:
            if how := self._faults.cut(self.seen, At.MID_FRAME, one):
                await self._write(response, self._released() + one[: len(one) // 2])
                return how
            await self._write(response, self._held(one) if framed else one)
            if how := self._faults.cut(self.seen, At.AFTER_FRAME, one):
                await self._write(response, self._released())
                return how
        return None

    def _edited(self, frame: bytes) -> list[bytes]:
        """Return the data that replaces a frame."""
        if self._strike(Drop, frame):
            return []
        frames = [frame, frame] if self._strike(Double, frame) else [frame]
        if pad := self._strike(Pad, frame):
            blanks = b" " * (pad.to_bytes - len(frame))
            frames[0] = frame[:1] + blanks + frame[1:]
        if lines := self._strike(EmptyLines, frame):
            frames[0] = b"\n" * lines.count + frames[0]
        for applied, fault in self._faults.of(Inject, self.seen, frame):
            if applied.when.frame and applied.strike_request(self.seen):
                frames.insert(0, fault.data)
        return frames

    def _held(self, frame: bytes) -> bytes:
        """Hold a frame back if frames are joined; return the data to pass now."""
        if not self._joined:
            self._joining = self._strike(Join, frame)
        self._joined.append(frame)
        if self._joining and len(self._joined) < self._joining.count:
            return b""
        return self._released()

    def _released(self) -> bytes:
        joined, self._joined = self._joined, []
        return b"".join(joined)

    def _strike(self, kind: type[_Kind], frame: bytes) -> _Kind | None:
        return self._faults.strike_frame(kind, self.seen, frame)

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        if not data:
            return
        split = self._strike(Split, data)
        for chunk in split.chunks(data) if split else [data]:
            await response.write(self._packed(chunk))
            self.seen.sent_bytes += len(chunk)
            if split:
                await asyncio.sleep(split.pause_seconds)

    def _packed(self, data: bytes) -> bytes:
        """Return the data in the encoding of the client, flushed."""
        if self._packing is None:
            return data
        return self._packing.compress(data) + self._packing.flush(zlib.Z_SYNC_FLUSH)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _unpacked(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    unpacking = zlib.decompressobj(wbits=_GZIP)
    async for piece in body:
        yield unpacking.decompress(piece)


async def _lines(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return the frames of a stream, each with its end; the last may have none."""
    rest: list[bytes] = []
    async for piece in body:
        first, *others = piece.split(b"\n")
        rest.append(first)
        for other in others:
            yield b"".join(rest) + b"\n"
            rest = [other]
    if last := b"".join(rest):
        yield last
