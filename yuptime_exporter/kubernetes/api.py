"""Requests to the API server: paths and plain JSON values."""

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
from yuptime_exporter.kubernetes.connection import ApiRequest, Connection
from yuptime_exporter.kubernetes.errors import ApiStatusError, ApiUnreachable, status_error
from yuptime_exporter.kubernetes.limits import ApiLimits
from yuptime_exporter.kubernetes.lists import ListBody

JSON = "application/json"

_MAX_ERROR_BYTES = 64 * 1024

# Users choose the names of objects. A name that no object can have must not change the path that
# is requested.
_is_path = re.compile(r"(?:/[A-Za-z0-9](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?)+").fullmatch


class Api:
    """The API server, by paths and plain values."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def limits(self) -> ApiLimits:
        """The limits of all requests."""
        return self._connection.limits

    @property
    def namespace(self) -> str:
        """The namespace of the pod or of the kubeconfig; see `Connection.namespace`."""
        return self._connection.namespace

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
        """Return the object in the answer; of an empty answer, an empty object.

        Raises:
            ApiStatusError: the answer is an error.
            ApiUnreachable: there was no answer in time, or it is not JSON.
        """
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        request = ApiRequest(method, path, query, data, content_type)
        read = await self._read(request, timeout_seconds)
        try:
            answer = json.loads(read) if read else {}
        except (ValueError, RecursionError) as error:
            raise ApiUnreachable(f"the answer of the API server is no JSON: {error}") from error
        return answer if isinstance(answer, dict) else {}

    async def page(self, path: str, query: Mapping[str, str]) -> ListBody:
        """Return one page of a list; raises as `call` does."""
        return ListBody(
            await self._read(ApiRequest("GET", path, query), self.limits.page_timeout_seconds)
        )

    @asynccontextmanager
    async def watch(
        self, path: str, query: Mapping[str, str], *, silence_seconds: float
    ) -> AsyncGenerator[aiohttp.StreamReader, None]:
        """Open a watch, and close it after the block.

        Args:
            path: the path of the collection.
            query: the query, with `watch=true`.
            silence_seconds: after this time without a byte the watch is unreachable.

        Raises:
            ApiStatusError: the answer is an error.
            ApiUnreachable: there was no answer in time, or the block met a broken stream.
        """
        timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=self.limits.connect_timeout_seconds,
            sock_read=silence_seconds,
        )
        try:
            async with asyncio.timeout(self.limits.open_timeout_seconds):
                response = await self._answered(ApiRequest("GET", path, query), timeout, watch=True)
            with _closing(response):
                yield response.content
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiUnreachable(_text(error)) from error

    async def _read(self, request: ApiRequest, timeout_seconds: float) -> bytes:
        timeout = _total(timeout_seconds, self.limits.connect_timeout_seconds)
        try:
            response = await self._answered(request, timeout, watch=False)
            with _closing(response):
                return await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiUnreachable(_text(error)) from error

    async def _answered(
        self,
        request: ApiRequest,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
        *,
        watch: bool,
    ) -> aiohttp.ClientResponse:
        """Return a successful answer; after a 401 the credentials are read again, once."""
        if not _is_path(request.path):
            raise ApiStatusError(404, reason="NotFound", message="no object can have this name")
        response = await self._requested(request, timeout, watch=watch)
        if response.status == HTTPStatus.UNAUTHORIZED:
            with _closing(response):
                await _first_bytes(response)
            sent = response.request_info.headers.get(hdrs.AUTHORIZATION)
            await self._connection.renew_after(sent)
            response = await self._requested(request, timeout, watch=watch)
        if response.status < HTTPStatus.MULTIPLE_CHOICES:
            return response
        with _closing(response):
            body = await _first_bytes(response)
        raise status_error(
            response.status,
            _without_token(response.request_info.headers.get(hdrs.AUTHORIZATION), body),
            retry_after=response.headers.get(hdrs.RETRY_AFTER),
        )

    async def _requested(
        self,
        request: ApiRequest,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
        *,
        watch: bool,
    ) -> aiohttp.ClientResponse:
        try:
            try:
                return await self._connection.request(request, timeout=timeout, watch=watch)
            except (aiohttp.ServerDisconnectedError, ConnectionResetError):
                # A proxy has cut the idle connection at this moment. Every write names its
                # object and the version: a repeated write that was stored is answered 409, and each
                # writer then reads the object and finds its own value.
                return await self._connection.request(request, timeout=timeout, watch=watch)
        except SourceUnusable as error:
            raise ApiUnreachable(str(error)) from error
        except aiohttp.ClientConnectorCertificateError:
            await self._connection.distrust()  # the certificate authority may have been replaced
            raise


@lru_cache(maxsize=16)
def _total(timeout_seconds: float, connect_timeout_seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=connect_timeout_seconds)


@contextmanager
def _closing(response: aiohttp.ClientResponse) -> Iterator[None]:
    """Keep the connection if the answer is complete; else abort it.

    A regular end of TLS would wait for the server, which may have vanished.
    """
    transport = response.connection.transport if response.connection else None
    try:
        yield
    finally:
        if transport is not None and not response.content.is_eof():
            transport.abort()
        response.close()


async def _first_bytes(response: aiohttp.ClientResponse) -> bytes:
    """Return the beginning of an error answer."""
    read = bytearray()
    while len(read) < _MAX_ERROR_BYTES and (chunk := await response.content.readany()):
        read += chunk
    return bytes(read[:_MAX_ERROR_BYTES])


def _without_token(authorization: str | None, body: bytes) -> bytes:
    """Return the body without our token, which an error page may repeat."""
    token = (authorization or "").rpartition(" ")[2].encode()
    return body.replace(token, b"[hidden]") if token else body


def _text(error: BaseException) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            text = str(error.certificate_error)
        case aiohttp.ClientConnectorError():
            text = str(error.os_error)
        case TimeoutError():
            text = str(error) or "no answer in time"
        case _:
            text = str(error) or type(error).__name__
    return f"the API server cannot be reached: {text}"
