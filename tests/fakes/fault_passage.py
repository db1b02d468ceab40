"""One answer on its way from upstream to the client, through all faults that are in force.

A watch is taken frame by frame (a frame is a line), anything else piece by piece as it comes.
Kubernetes 1.37 compresses the watches that send initial events; they are unpacked for that, and
packed again.
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
from tests.fakes.faults_in_force import Faults

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
        self._frames: deque[tuple[float, bytes]] = deque()  # each with when it came
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
            How it is to be cut, if it is.
        """
        while True:
            self.changed.clear()
            how = self._faults.cut(self.seen, At.NOW)
            if how not in (None, How.END):  # what has no headers yet cannot end well
                return how
            if self._faults.strike_request(kind, self.seen):
                await self.changed.wait()
            elif due() > _now():
                await self._wait_until(due())
            else:
                return None

    def _due(self, arrived: float, *, headers: bool) -> float:
        """Return when to pass what has come at that time."""
        delay = self._faults.strike_request(Delay, self.seen)
        return arrived + (delay.seconds if delay and (headers or not delay.headers_only) else 0.0)

    async def carry(
        self, body: AsyncIterator[bytes], response: web.StreamResponse, request: web.BaseRequest
    ) -> How | None:
        """Pass headers and body to the client; return how to cut them short, if they are to be."""
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
        except (aiohttp.ClientError, OSError):  # upstream broke off, and so must we
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
        """Pass what is not to wait for a frame."""
        in_force = any(fault is self._joining for _, fault in self._faults.of(Join, self.seen))
        if injected or not in_force:
            await self._write(response, self._released())
        await self._write(response, injected)

    def _injected(self) -> bytes:
        """Return what each watch gets once, whatever its frames are."""
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
        """Return what is passed in place of a frame."""
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
        """Hold a frame back if frames are to be joined; return what is to be passed now."""
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
        """Return the data as the client expects it, all of it to be had at once."""
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
