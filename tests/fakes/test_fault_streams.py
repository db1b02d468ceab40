"""The fault proxy injects the requested faults into streams and connections."""

import json
from itertools import pairwise

import aiohttp
import pytest

from tests.fakes.fault_answers import expired_event
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.faults import (
    BOOKMARK,
    WATCHES,
    At,
    Cut,
    Double,
    Drop,
    EmptyLines,
    Fault,
    How,
    Inject,
    Join,
    Pad,
    Split,
    When,
)
from tests.fakes.scripted_upstream import (
    ADDED,
    ALL,
    LIST,
    MARK,
    MODIFIED,
    WATCH,
    Upstream,
    broken_off,
    chunks_of,
    got,
)
from tests.waiting import eventually


def cut(data: bytes, *offsets: int) -> list[bytes]:
    return [data[start:end] for start, end in pairwise((0, *offsets, len(data)))]


class TestFrames:
    @pytest.mark.parametrize(
        ("fault", "when", "chunks"),
        [
            (Inject(b"x"), WATCHES, [b"x", ADDED, MODIFIED, MARK]),
            (Inject(b"x"), When(frame=BOOKMARK), [ADDED, MODIFIED, b"x", MARK]),
            (Drop(), When(frame=BOOKMARK), [ADDED, MODIFIED]),
            (Double(), When(frame=BOOKMARK), [ADDED, MODIFIED, MARK, MARK]),
            (EmptyLines(2), When(frame=b"MODIFIED"), [ADDED, b"\n\n" + MODIFIED, MARK]),
            (Join(2), WATCHES, [ADDED + MODIFIED, MARK]),
            (Join(9), WATCHES, [ALL]),
            (Split(at=(3, 40)), When(frame=b"MODIFIED"), [ADDED, *cut(MODIFIED, 3, 40), MARK]),
            (Split(every_bytes=30), When(frame=BOOKMARK), [ADDED, MODIFIED, *cut(MARK, 30, 60)]),
            (Split(every_bytes=1), WATCHES, cut(ALL, *range(1, len(ALL)))),
        ],
    )
    async def test_each_fault_of_frames_changes_the_watch_as_described(
        self,
        fault: Fault,
        when: When,
        chunks: list[bytes],
        proxy: FaultProxy,
        client: aiohttp.ClientSession,
    ) -> None:
        proxy.apply(fault, when=when)

        assert await chunks_of(client) == chunks

    async def test_a_fault_of_frames_strikes_the_given_number_of_frames(
        self, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        doubled = proxy.apply(Double(), when=WATCHES, times=2)

        assert await chunks_of(client) == [ADDED, ADDED, MODIFIED, MODIFIED, MARK]
        assert await chunks_of(client) == [ADDED, MODIFIED, MARK]
        assert await doubled.strikes() == 2

    async def test_several_faults_of_frames_work_together(
        self, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        middle = len(ADDED) + 5
        proxy.apply(Join(2), when=WATCHES)
        proxy.apply(Split(at=(10, middle)), when=WATCHES, times=1)

        assert await chunks_of(client) == [*cut(ADDED + MODIFIED, 10, middle), MARK]

    @pytest.mark.parametrize("length", [5_000_000, 17 * 1024 * 1024])
    async def test_a_padded_frame_has_the_given_length_and_the_same_object(
        self, length: int, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        proxy.apply(Pad(length), when=When(frame=b"MODIFIED"))

        first, padded, last = (await got(client)).splitlines(keepends=True)

        assert (first, last, len(padded)) == (ADDED, MARK, length)
        assert json.loads(padded) == json.loads(MODIFIED)

    @pytest.mark.parametrize("how", [How.RESET, How.END])
    async def test_a_fault_of_frames_works_on_a_compressed_watch(
        self, how: How, upstream: Upstream, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        upstream.compresses = True
        proxy.apply(Double(), when=When(frame=BOOKMARK))
        async with client.get(WATCH) as response:
            encoding = response.headers["Content-Encoding"]
            assert await response.read() == ALL + MARK
        proxy.apply(Cut(how, At.MID_FRAME), when=When(frame=BOOKMARK))

        error, data = await broken_off(client)

        assert encoding == "gzip"
        assert (data, bool(error)) == (
            ADDED + MODIFIED + MARK[: len(MARK) // 2],
            how is How.RESET,
        )

    async def test_an_error_frame_reaches_an_open_watch_at_once_and_no_other_watch(
        self, upstream: Upstream, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        upstream.ends = False
        async with client.get(WATCH) as response:
            await response.content.readexactly(len(ALL))
            proxy.apply(expired_event(), when=WATCHES, times=1)
            event = json.loads(await response.content.readline())
        async with client.get(WATCH) as response:
            first = await response.content.readline()

        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
        assert first == ADDED

    async def test_joined_frames_are_sent_once_joining_is_lifted(
        self, upstream: Upstream, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        upstream.ends = False
        joining = proxy.apply(Join(4), when=WATCHES)
        async with client.get(WATCH) as response:
            await eventually(joining.strikes)
            joining.lift()

            assert await response.content.readexactly(len(ALL)) == ALL


class TestCuts:
    @pytest.mark.parametrize("how", [How.RESET, How.HALF_CLOSE])
    @pytest.mark.parametrize(
        ("at", "passed"),
        [
            (At.NOW, b""),
            (At.HEADERS, b""),
            (At.MID_FRAME, ADDED + MODIFIED[: len(MODIFIED) // 2]),
            (At.AFTER_FRAME, ADDED + MODIFIED),
        ],
    )
    async def test_a_cut_breaks_a_connection_at_the_given_byte(
        self,
        how: How,
        at: At,
        passed: bytes,
        upstream: Upstream,
        proxy: FaultProxy,
        client: aiohttp.ClientSession,
    ) -> None:
        frame = b"MODIFIED" if at in (At.MID_FRAME, At.AFTER_FRAME) else b""
        proxy.apply(Cut(how, at), when=When(watch=True, frame=frame))

        error, data = await broken_off(client)

        assert error
        assert data == passed
        assert len(upstream.asked) == (at is not At.NOW)
        assert proxy.requests[0].sent_bytes == len(passed)

    @pytest.mark.parametrize(
        ("how", "fails", "reset"),
        [(How.RESET, True, True), (How.HALF_CLOSE, True, False), (How.END, False, False)],
    )
    async def test_an_open_watch_ends_at_once_in_the_given_way(
        self,
        how: How,
        fails: bool,
        reset: bool,
        *,
        upstream: Upstream,
        proxy: FaultProxy,
        client: aiohttp.ClientSession,
    ) -> None:
        upstream.ends = False
        data, ended_by = b"", ""
        async with client.get(WATCH) as response:
            data += await response.content.readexactly(len(ALL))
            proxy.apply(Cut(how), when=WATCHES, times=1)
            try:
                data += await response.content.read()
            except aiohttp.ClientError as reason:
                ended_by = str(reason)

        assert data == ALL
        assert bool(ended_by) == fails
        assert ("reset by peer" in ended_by) == reset

    async def test_a_watch_may_end_well_before_its_first_frame_or_within_one(
        self, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        proxy.apply(Cut(How.END), when=WATCHES, times=1)
        assert await got(client) == b""
        proxy.apply(Cut(How.END, At.MID_FRAME), when=WATCHES, times=1)
        assert await got(client) == ADDED[: len(ADDED) // 2]

        assert await got(client) == ALL
        assert proxy.connections == 1

    async def test_a_cut_breaks_a_list_too(
        self, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        proxy.apply(Cut(How.END, At.MID_FRAME), when=When(watch=False))

        assert await broken_off(client, LIST) == ("ClientPayloadError", ALL[: len(ALL) // 2])

    async def test_dropping_all_connections_ends_open_ones_and_accepts_new_ones(
        self, upstream: Upstream, proxy: FaultProxy, client: aiohttp.ClientSession
    ) -> None:
        upstream.ends = False
        async with client.get(WATCH) as response:
            await response.content.readexactly(len(ALL))
            proxy.drop_connections()
            with pytest.raises(aiohttp.ClientError):
                await response.content.read()

        assert await got(client, LIST) == ALL
        assert proxy.connections == 2
