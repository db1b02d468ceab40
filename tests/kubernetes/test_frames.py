import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.kubernetes.frames import (
    MAX_FRAME_BYTES,
    FrameMalformed,
    Frames,
    FrameTooLong,
    read_frame,
)

EVENTS = st.lists(
    st.dictionaries(st.text(max_size=4), st.text(max_size=12), max_size=3), max_size=8
)


def lines_of(chunks: list[bytes]) -> list[bytes]:
    return lines_within(MAX_FRAME_BYTES, chunks)


def lines_within(max_bytes: int, chunks: list[bytes]) -> list[bytes]:
    frames = Frames(max_bytes=max_bytes)
    return [line for chunk in chunks for line in frames.feed(chunk)]


@given(EVENTS, st.data())
def test_however_a_stream_is_cut_its_lines_are_the_same(
    events: list[dict[str, str]], data: st.DataObject
) -> None:
    # kopf, test_iterjsonlines: split lines; cuts inside of a character's UTF-8 are among these.
    written = [json.dumps(event, ensure_ascii=False).encode() for event in events]
    stream = b"".join(line + b"\n" for line in written)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    chunks = [stream[a:b] for a, b in pairwise([0, *cuts, len(stream)])]

    assert lines_of(chunks) == written
    assert [read_frame(line) for line in lines_of(chunks)] == events


@pytest.mark.parametrize("chunks", [[b""], [b"\n\n"], [b"{}\n", b"", b"\n", b" \r\n", b"{}\n"]])
def test_empty_chunks_and_lines_are_no_frames(chunks: list[bytes]) -> None:
    # kopf, test_iterjsonlines: empty chunk, empty lines.
    assert lines_of(chunks) in ([], [b"{}", b"{}"])


def test_two_frames_in_one_chunk_are_two() -> None:
    assert lines_of([b'{"a":1}\n{"b":2}\n']) == [b'{"a":1}', b'{"b":2}']


def test_what_has_no_line_end_yet_is_no_frame() -> None:
    assert lines_of([b"{}\n{"]) == [b"{}"]


@pytest.mark.parametrize("chunks", [[b"x" * 11], [b"x" * 6, b"x" * 5], [b"x" * 11 + b"\n"]])
def test_a_line_beyond_the_limit_is_an_error_that_names_it(chunks: list[bytes]) -> None:
    with pytest.raises(FrameTooLong, match="10 bytes"):
        lines_within(10, chunks)


def test_a_line_of_just_the_limit_is_a_frame() -> None:
    assert Frames(max_bytes=10).feed(b"x" * 10 + b"\n") == [b"x" * 10]


def test_many_lines_may_be_longer_than_the_limit_together() -> None:
    assert len(Frames(max_bytes=10).feed(b"12345678\n" * 100)) == 100


@pytest.mark.parametrize(
    "line",
    [b"Unauthorized", b"<html>", b"[]", b'"text"', b"\xff\xfe", b'{"a":"\xff"}', b"[" * 100_000],
)
def test_what_is_no_event_is_an_error_and_no_event(line: bytes) -> None:
    # kubernetes_asyncio 36.1: the text of a 401 was an event, and so was each line of a 502.
    with pytest.raises(FrameMalformed):
        read_frame(line)
