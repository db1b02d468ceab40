"""Requests to the API server in plain JSON."""

import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp import hdrs

from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.kubernetes.connection import CONNECT_TIMEOUT_SECONDS, Connection, Request
from yuptime_exporter.kubernetes.errors import ApiUnreachable, refused

log = logging.getLogger(__name__)

PAGE_TIMEOUT_SECONDS = 60.0

# Of a page longer than this, the next one asks for half as many objects: decoding holds up
# everything else, measured some 20 ms for each MiB.
PAGE_BYTES = 256 * 1024
PAGE_LIMIT = 500  # client-go, tools/pager
MIN_PAGE_LIMIT = 25

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Attributes:
        resource_version: of the moment that the list shows.
        continue_token: for the next page; empty after the last.
        size_bytes: how long the answer was.
    """

    items: list[dict[str, Any]]
    resource_version: str
    continue_token: str
    size_bytes: int


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
            ApiUnreachable: there was no answer in time.
        """
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        request = Request(method, path, query, data, content_type)
        answer = json.loads(await self._read(request, timeout_seconds))
        return answer if isinstance(answer, dict) else {}

    async def page(self, path: str, query: Mapping[str, str]) -> Page:
        """Return one page of a list; raises as `call` does."""
        read = await self._read(Request("GET", path, query), PAGE_TIMEOUT_SECONDS)
        try:
            answer = json.loads(read)
            metadata = answer["metadata"]
            return Page(
                answer.get("items") or [],
                metadata.get("resourceVersion", ""),
                metadata.get("continue") or "",
                len(read),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ApiUnreachable(f"what {path} answered is no list: {error}") from error

    @asynccontextmanager
    async def watch(
        self, path: str, query: Mapping[str, str], *, inactivity_seconds: float
    ) -> AsyncGenerator[aiohttp.StreamReader, None]:
        """Open a watch; what is yielded fails with `TimeoutError` when it is silent for too long.

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
            response = await self._answered(Request("GET", path, query), timeout, watch=True)
            try:
                yield response.content
            finally:
                response.close()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiUnreachable(_text(error)) from error

    async def _read(self, request: Request, timeout_seconds: float) -> bytes:
        timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=CONNECT_TIMEOUT_SECONDS)
        try:
            response = await self._answered(request, timeout, watch=False)
            async with response:
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
        renewed = False
        while True:
            try:
                response = await self._connection.request(request, timeout=timeout, watch=watch)
            except SourceUnusable as error:  # the token's file is gone for the moment
                raise ApiUnreachable(str(error)) from error
            except aiohttp.ClientConnectorCertificateError as error:
                await self._renew()  # the certificate authority may have been replaced
                raise ApiUnreachable(_text(error)) from error
            if response.status < HTTPStatus.MULTIPLE_CHOICES:
                return response
            async with response:
                body = await response.read()
            if response.status != HTTPStatus.UNAUTHORIZED or renewed:
                raise refused(
                    response.status, body, retry_after=response.headers.get(hdrs.RETRY_AFTER)
                )
            renewed = True
            await self._renew()

    async def _renew(self) -> None:
        try:
            await self._connection.renew()
        except SourceUnusable as error:
            raise ApiUnreachable(str(error)) from error


def _text(error: BaseException) -> str:
    return f"the API server cannot be reached: {str(error) or type(error).__name__}"
