"""Reading a body: at once where it is there, within limits where it is not."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from tests.web.requests import request
from yuptime_exporter.core.errors import BodyTimeout, BodyTooLarge, LengthRequired, UnsupportedBody
from yuptime_exporter.web.pushes.body import BodyLimits, read_body

LIMITS = BodyLimits(max_bytes=10, timeout_seconds=30)
CHUNKED = ("Transfer-Encoding", "chunked")


async def arriving(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


async def arriving_never() -> AsyncIterator[bytes]:
    yield b"12"
    await asyncio.get_running_loop().create_future()


def without_waiting(reading: Coroutine[Any, Any, bytes]) -> bytes:
    with pytest.raises(StopIteration) as end:
        reading.send(None)
    body = end.value.value
    assert isinstance(body, bytes)
    return body


@pytest.mark.parametrize("body", [b"", b"12345", b"1234567890"])
def test_a_body_that_came_with_the_head_is_read_without_waiting(body: bytes) -> None:
    whole = request(headers=[("Content-Length", str(len(body)))], body=body)

    assert without_waiting(read_body(whole, LIMITS)) == body


async def test_a_body_in_parts_is_put_together() -> None:
    late = request(headers=[("Content-Length", "6")], body=arriving(b"12", b"", b"34", b"56"))

    assert await read_body(late, LIMITS) == b"123456"


def test_a_body_that_announces_too_much_is_rejected_before_it_is_read() -> None:
    long = request(headers=[("Content-Length", "11")], body=arriving_never())

    with pytest.raises(BodyTooLarge, match="expected at most 10 bytes, got 11"):
        without_waiting(read_body(long, LIMITS))


async def test_a_body_that_grows_beyond_the_limit_is_rejected_while_it_arrives() -> None:
    growing = request(headers=[CHUNKED], body=arriving(b"123456", b"123456"))

    with pytest.raises(BodyTooLarge, match="expected at most 10 bytes, got more"):
        await read_body(growing, LIMITS)


def test_chunks_that_came_with_the_head_are_as_limited_as_others() -> None:
    long = request(headers=[CHUNKED], body=b"12345678901")

    with pytest.raises(BodyTooLarge, match="expected at most 10 bytes, got more"):
        without_waiting(read_body(long, LIMITS))


@pytest.mark.parametrize("coding", ["chunked", " Chunked"])
async def test_chunks_are_put_together(coding: str) -> None:
    whole = request(headers=[("Transfer-Encoding", coding)], body=arriving(b"12", b"34"))

    assert await read_body(whole, LIMITS) == b"1234"


async def test_a_body_that_does_not_arrive_in_time_is_given_up() -> None:
    slow = request(headers=[("Content-Length", "5")], body=arriving_never())

    with pytest.raises(BodyTimeout, match=r"its end within 0.01 s and .*, got 2 bytes"):
        await read_body(slow, BodyLimits(timeout_seconds=0.01))


async def test_a_body_that_keeps_arriving_may_take_longer_than_a_short_one() -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(10):
            await asyncio.sleep(0.03)
            yield b"1"

    long = request(headers=[("Content-Length", "10")], body=slowly())
    limits = BodyLimits(timeout_seconds=0.25, min_bytes_per_second=1)

    assert await read_body(long, limits) == b"1" * 10


@pytest.mark.parametrize(
    "headers",
    [
        [("content-encoding", "gzip")],
        [("Content-Encoding", "x" * 10_000)],
        [("Content-Encoding", "identity"), ("Content-Encoding", "gzip")],
        [("Content-Encoding", "identity, br")],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "gzip")],
    ],
)
def test_compression_is_rejected_without_repeating_the_header(
    headers: list[tuple[str, str]],
) -> None:
    with pytest.raises(UnsupportedBody) as raised:
        without_waiting(read_body(request(headers=headers, body=arriving_never()), LIMITS))

    assert headers[-1][1] not in str(raised.value)


@pytest.mark.parametrize("coding", ["identity", " Identity ", ""])
def test_identity_is_no_compression(coding: str) -> None:
    headers = [("Content-Encoding", coding), ("Content-Length", "2")]

    assert without_waiting(read_body(request(headers=headers, body=b"12"), LIMITS)) == b"12"


@pytest.mark.parametrize(
    "header",
    [
        ("content-type", "application/json"),
        ("Content-Language", "de"),
        ("Content-MD5", "x"),
        ("Expect", "100-continue"),
    ],
)
def test_headers_of_a_body_without_a_length_are_rejected(header: tuple[str, str]) -> None:
    with pytest.raises(LengthRequired, match="expected a Content-Length or chunks, got neither"):
        without_waiting(read_body(request(headers=[header]), LIMITS))


def test_a_request_that_tells_of_no_body_has_none() -> None:
    headers = [("Host", "x"), ("Connection", "close"), ("Accept", "*/*")]

    assert without_waiting(read_body(request(headers=headers), LIMITS)) == b""
