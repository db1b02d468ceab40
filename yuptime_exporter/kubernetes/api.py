"""Requests to the API server in plain JSON."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp import hdrs

from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.kubernetes.connection import CONNECT_TIMEOUT_SECONDS, Connection, Request
from yuptime_exporter.kubernetes.errors import ApiRefused, ApiUnreachable, refused
from yuptime_exporter.kubernetes.lists import ListBody

PAGE_TIMEOUT_SECONDS = 60.0

# A watch that is let in is answered at once; one that has to queue, within this time.
OPEN_TIMEOUT_SECONDS = 30.0

JSON = "application/json"

_MAX_REFUSAL_BYTES = 64 * 1024

# The names of objects come from people. One that no object can have never gets as far as to
# change which path is asked.
_is_path = re.compile(r"(?:/[A-Za-z0-9](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?)+").fullmatch


class Api:
    """The API server, by paths and plain values."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = JSON,
        timeout_seconds: float = 10.0,
    ) -> dict[str, Any]:
        """Return the object that is answered.

        Raises:
            ApiRefused: the answer says no.
            ApiUnreachable: there was no answer in time, or none that is an object.
        """
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        read = await self._read(Request(method, path, query, data, content_type), timeout_seconds)
        try:
            answer = json.loads(read) if read else {}
        except (ValueError, RecursionError) as error:
            raise ApiUnreachable(f"what the API server answered is no JSON: {error}") from error
        return answer if isinstance(answer, dict) else {}

    async def page(self, path: str, query: Mapping[str, str]) -> ListBody:
        """Return one page of a list; raises as `call` does."""
        return ListBody(await self._read(Request("GET", path, query), PAGE_TIMEOUT_SECONDS))

    @asynccontextmanager
    async def watch(
        self, path: str, query: Mapping[str, str], *, inactivity_seconds: float
    ) -> AsyncGenerator[aiohttp.StreamReader, None]:
        """Open a watch, and close it after the block.

        What breaks off while the block reads, or is silent for too long, is unreachable, too.

        Raises:
            ApiRefused: the answer says no.
            ApiUnreachable: there was no answer in time, or it broke off.
        """
        timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=CONNECT_TIMEOUT_SECONDS,
            sock_read=inactivity_seconds,
        )
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_SECONDS):
                response = await self._answered(Request("GET", path, query), timeout, watch=True)
            with _parting(response):
                yield response.content
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiUnreachable(_text(error)) from error

    async def _read(self, request: Request, timeout_seconds: float) -> bytes:
        try:
            response = await self._answered(request, _total(timeout_seconds), watch=False)
            with _parting(response):
                return await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiUnreachable(_text(error)) from error

    async def _answered(
        self,
        request: Request,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
        *,
        watch: bool,
    ) -> aiohttp.ClientResponse:
        """Return a good answer; a token that is refused is read anew, once."""
        if not _is_path(request.path):
            raise ApiRefused(404, reason="NotFound", message="no object can have such a name")
        response = await self._asked(request, timeout, watch=watch)
        if response.status == HTTPStatus.UNAUTHORIZED:
            with _parting(response):
                await _beginning(response)
            sent = response.request_info.headers.get(hdrs.AUTHORIZATION)
            await self._connection.renew_after(sent)
            response = await self._asked(request, timeout, watch=watch)
        if response.status < HTTPStatus.MULTIPLE_CHOICES:
            return response
        with _parting(response):
            body = await _beginning(response)
        raise refused(
            response.status,
            _without(response.request_info.headers.get(hdrs.AUTHORIZATION), body),
            retry_after=response.headers.get(hdrs.RETRY_AFTER),
        )

    async def _asked(
        self,
        request: Request,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
        *,
        watch: bool,
    ) -> aiohttp.ClientResponse:
        try:
            return await self._connection.request(request, timeout=timeout, watch=watch)
        except SourceUnusable as error:
            raise ApiUnreachable(str(error)) from error
        except aiohttp.ClientConnectorCertificateError:
            await self._connection.distrust()  # the certificate authority may have been replaced
            raise


@lru_cache(maxsize=16)
def _total(timeout_seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=CONNECT_TIMEOUT_SECONDS)


@contextmanager
def _parting(response: aiohttp.ClientResponse) -> Iterator[None]:
    """Keep the connection if the answer is complete; else end it at once.

    TLS would take leave of the server, which may not be there any more to hear it.
    """
    transport = response.connection.transport if response.connection else None
    try:
        yield
    finally:
        if transport is not None and not response.content.is_eof():
            transport.abort()
        response.close()


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """Return as much of a refusal as is worth reading."""
    read = bytearray()
    while len(read) < _MAX_REFUSAL_BYTES and (chunk := await response.content.readany()):
        read += chunk
    return bytes(read[:_MAX_REFUSAL_BYTES])


def _without(authorization: str | None, body: bytes) -> bytes:
    """Return what was answered without our token, which an error page may show."""
    token = (authorization or "").rpartition(" ")[2].encode()
    return body.replace(token, b"[hidden]") if token else body


def _text(error: BaseException) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            said = str(error.certificate_error)
        case aiohttp.ClientConnectorError():
            said = str(error.os_error)
        case TimeoutError():
            said = str(error) or "no answer in time"
        case _:
            said = str(error) or type(error).__name__
    return f"the API server cannot be reached: {said}"
