"""Read the body of a push, within limits of size and time."""

import asyncio
from dataclasses import dataclass

from yuptime_exporter.core.errors import BodyTimeout, BodyTooLarge, LengthRequired, UnsupportedBody
from yuptime_exporter.web.http import Request


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Limits of the body of one push.

    Attributes:
        max_bytes: jobs send their whole log. The message keeps its beginning and its end.
        timeout_seconds: how long a body may take that is as short as most are.
        min_bytes_per_second: how much longer a body may take that keeps arriving. Links of jobs
            are faster.
    """

    max_bytes: int = 1024 * 1024
    timeout_seconds: float = 10.0
    min_bytes_per_second: float = 10_000.0


async def read_body(request: Request, limits: BodyLimits, *, has_status: bool = True) -> bytes:
    """Return the whole body; a body that arrived with the head is returned without waiting.

    Args:
        request: its body is read.
        limits: of the body.
        has_status: whether the body says the status. Without it, a body that is not readable costs
            the message only.

    Raises:
        LengthRequired: the headers describe a body without saying where it ends.
        UnsupportedBody: the body is compressed.
        BodyTooLarge: the body is longer than the limit, or says that it will be.
        BodyTimeout: the body did not arrive in time.
    """
    if isinstance(request.body, bytes):
        return arrived_body(request, request.body, limits, has_status=has_status)
    _check_headers(request, limits, has_status=has_status)
    received = bytearray()
    loop = asyncio.get_running_loop()
    until = loop.time() + limits.timeout_seconds
    try:
        async with asyncio.timeout_at(until) as timeout:
            async for part in request.body:
                received += part
                _check_size(received, limits)
                timeout.reschedule(until + len(received) / limits.min_bytes_per_second)
    except TimeoutError:
        raise BodyTimeout(
            f"body: expected its end within {limits.timeout_seconds:g} s and a second more for "
            f"each {limits.min_bytes_per_second:g} bytes, got {len(received)} bytes"
        ) from None
    return bytes(received)


def arrived_body(
    request: Request, body: bytes, limits: BodyLimits, *, has_status: bool = True
) -> bytes:
    """Return the body of a request that arrived with its head; raise as `read_body` does."""
    _check_headers(request, limits, has_status=has_status)
    _check_size(body, limits)
    return body


def _check_headers(request: Request, limits: BodyLimits, *, has_status: bool) -> None:
    """Reject a body by its headers, before any of it is read."""
    headers = request.headers
    if (
        has_status
        and "Content-Encoding" in headers
        and _has_other(request, "Content-Encoding", "identity")
    ):
        raise UnsupportedBody("Content-Encoding: expected none, got another")
    if "Transfer-Encoding" in headers:
        if _has_other(request, "Transfer-Encoding", "chunked"):
            raise UnsupportedBody("Transfer-Encoding: expected chunked, got another")
    elif "Content-Length" in headers:
        length = int(headers["Content-Length"])  # the server checked that it is a number
        if length > limits.max_bytes:
            raise BodyTooLarge(f"body: expected at most {limits.max_bytes} bytes, got {length}")
    elif has_status and any(map(_describes_a_body, headers)):
        # The body comes later or never: reading none as "up" could hide a report of a failure.
        raise LengthRequired("body: expected a Content-Length or chunks, got neither")


def _has_other(request: Request, header: str, allowed: str) -> bool:
    """Return whether a header that lists codings has another than the allowed one."""
    codings = request.header_list(header).split(",")
    return any(coding.strip().lower() not in ("", allowed) for coding in codings)


def _describes_a_body(header: str) -> bool:
    name = header.lower()
    return name.startswith("content-") or name == "expect"


def _check_size(received: bytes | bytearray, limits: BodyLimits) -> None:
    if len(received) > limits.max_bytes:
        raise BodyTooLarge(f"body: expected at most {limits.max_bytes} bytes, got more")
