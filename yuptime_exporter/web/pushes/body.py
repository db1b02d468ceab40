"""Read the body of a push, within limits of size and time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from yuptime_exporter.core.errors import BodyTimeout, BodyTooLarge, LengthRequired, UnsupportedBody
from yuptime_exporter.web.http import Request


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Limits of the body of one push.

    Attributes:
        max_bytes: a message of 1,024 characters is at most 12 KiB of escaped JSON. The rest is
            room for jobs that send their whole log by mistake: they should get a clear answer.
        timeout_seconds: 64 KiB need 6.5 s at 10 kB/s, slower than any link of a job.
    """

    max_bytes: int = 64 * 1024
    timeout_seconds: float = 10.0


async def read_body(request: Request, limits: BodyLimits) -> bytes:
    """Return the whole body; a body that arrived with the head is returned without waiting.

    Raises:
        LengthRequired: the body is chunked.
        UnsupportedBody: the body is compressed.
        BodyTooLarge: the body is longer than the limit, or says that it will be.
        BodyTimeout: the body did not arrive in time.
    """
    length = _announced_bytes(request, limits)
    if isinstance(request.body, bytes):
        return request.body
    received = bytearray()
    try:
        async with asyncio.timeout(limits.timeout_seconds):
            await _receive(request.body, received, limits)
    except TimeoutError:
        raise BodyTimeout(
            f"body: expected {length} bytes within {limits.timeout_seconds:g} s, "
            f"got {len(received)}"
        ) from None
    return bytes(received)


def _announced_bytes(request: Request, limits: BodyLimits) -> int:
    """Return the length of the body by its headers."""
    headers = request.headers
    if "Transfer-Encoding" in headers:
        raise LengthRequired("body: expected a Content-Length, got chunks")
    if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedBody("Content-Encoding: expected none, got another")
    length = int(headers.get("Content-Length", 0))  # the server checked that it is a number
    if length > limits.max_bytes:
        raise BodyTooLarge(f"body: expected at most {limits.max_bytes} bytes, got {length}")
    return length


async def _receive(arriving: AsyncIterator[bytes], received: bytearray, limits: BodyLimits) -> None:
    async for part in arriving:
        received += part
        if len(received) > limits.max_bytes:
            raise BodyTooLarge(f"body: expected at most {limits.max_bytes} bytes, got more")
