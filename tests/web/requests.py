"""Requests as a server hands them over."""

from collections.abc import AsyncIterator, Iterable, Mapping

from multidict import CIMultiDict

from yuptime_exporter.web.http import Request


def request(
    method: str = "GET",
    *,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | AsyncIterator[bytes] = b"",
    query: str = "",
    parameters: Mapping[str, str] | None = None,
    client_address: str = "192.0.2.7",
) -> Request:
    return Request(
        method,
        parameters or {},
        query,
        CIMultiDict(headers),
        body,
        client_address=client_address,
    )
