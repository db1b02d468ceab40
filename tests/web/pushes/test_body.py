"""Reading a body: at once where it is there, within limits where it is not."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from tests.web.requests import request
from yuptime_exporter.core.errors import BodyTimeout, BodyTooLarge, LengthRequired, UnsupportedBody
from yuptime_exporter.web.pushes.body import BodyLimits, read_body

LIMITS = BodyLimits(max_bytes=10, timeout_seconds=30)


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
    growing = request(body=arriving(b"123456", b"123456"))

    with pytest.raises(BodyTooLarge, match="expected at most 10 bytes, got more"):
        await read_body(growing, LIMITS)


async def test_a_body_that_does_not_arrive_in_time_is_given_up() -> None:
    slow = request(headers=[("Content-Length", "5")], body=arriving_never())

    with pytest.raises(BodyTimeout, match=r"expected 5 bytes within 0.01 s, got 2"):
        await read_body(slow, BodyLimits(timeout_seconds=0.01))


@pytest.mark.parametrize(
    ("header", "rejection"),
    [
        (("transfer-encoding", "chunked"), LengthRequired),
        (("content-encoding", "gzip"), UnsupportedBody),
        (("Content-Encoding", "x" * 10_000), UnsupportedBody),
    ],
)
def test_chunks_and_compression_are_rejected_without_repeating_the_header(
    header: tuple[str, str], rejection: type[Exception]
) -> None:
    with pytest.raises(rejection) as raised:
        without_waiting(read_body(request(headers=[header]), LIMITS))

    assert header[1] not in str(raised.value).removesuffix("chunks")


@pytest.mark.parametrize("coding", ["identity", " Identity "])
def test_identity_is_no_compression(coding: str) -> None:
    plain = request(headers=[("Content-Encoding", coding)], body=b"12")

    assert without_waiting(read_body(plain, LIMITS)) == b"12"
