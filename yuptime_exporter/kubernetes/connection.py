"""Connections to one API server.

Of kubernetes_asyncio only what reads a kubeconfig is used. Its own client decodes every object
into models, for twenty times the cost, and its watch has no limit of time, no backoff, and takes
error pages for events.
"""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import hdrs
from yarl import URL

from yuptime_exporter import __version__
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.kubernetes.credentials import SERVICE_ACCOUNT, Access, credentials

log = logging.getLogger(__name__)

# client-go, transport/token_source.go: a token is read anew each minute, since the kubelet
# replaces it long before it expires.
CREDENTIALS_SECONDS = 60.0

# However many requests are refused at once, a login plugin is asked again once in this time.
RENEWAL_SECONDS = 1.0

CONNECT_TIMEOUT_SECONDS = 10.0

# A peer that vanished without a word is noticed by the kernel: probes after 20 s, three of them
# 5 s apart; and what was sent must be acknowledged within 30 s. client-go relies on the pings of
# HTTP/2 for this, which aiohttp does not speak.
_SOCKET_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", None), 20),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", None), 5),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", None), 3),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", None), 30_000),
)

# Frames are put together here and not by aiohttp, so that this only sets how much is read at once.
_READ_BUFFER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the API server; `data` is of `content_type`, or None."""

    method: str
    path: str
    query: Mapping[str, str] | None = None
    data: bytes | None = None
    content_type: str = "application/json"


class Connection:
    """Sessions with the API server: one for watches, which each hold a connection, one for calls."""

    def __init__(
        self, kubeconfig: Path | None, *, clock: Clock, service_account: Path = SERVICE_ACCOUNT
    ) -> None:
        """Ask nothing yet; to be made within an event loop.

        Args:
            kubeconfig: a file; None: this pod's service account, or where kubectl looks.
            clock: tells when credentials are to be read anew.
            service_account: where a pod finds who it is.
        """
        self._credentials = credentials(kubeconfig, service_account)
        self._clock = clock
        self._access: Access | None = None
        self._context: ssl.SSLContext | bool = True
        self._vouched: object = None
        self._loaded_timestamp = float("-inf")
        self._renewed_seconds = float("-inf")
        self._renewing = asyncio.Lock()
        self._stale = False
        self._watches = _session(limit=0)
        self._calls = _session(limit=100)

    async def close(self) -> None:
        """End everything that is going on."""
        await self._watches.close()
        await self._calls.close()
        await asyncio.sleep(0)  # for the loop to close what was aborted

    async def renew(self) -> None:
        """Read where the API server is and who we are to it.

        Raises:
            SourceUnusable: nothing says so, or what does cannot be read.
        """
        await self._load(anew=True)

    async def renew_after(self, authorization: str | None) -> None:
        """Read credentials anew, since these were refused; not if others are in use already.

        What cannot be read leaves everything as it is.
        """
        async with self._renewing:
            access = self._access
            if access is not None and access.authorization == (authorization or ""):
                await self._reload(anew=True)

    async def distrust(self) -> None:
        """Read anew whom to believe, since the API server's certificate was not believed."""
        async with self._renewing:
            self._vouched = None
            await self._reload(anew=True)

    async def request(
        self,
        request: Request,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  aiohttp's own, in parts
        watch: bool,
    ) -> aiohttp.ClientResponse:
        """Return the answer, of which only the head has arrived.

        Raises:
            SourceUnusable: the credentials were never read.
            aiohttp.ClientError, OSError, TimeoutError: there is no answer.
        """
        access = self._access
        if access is None or self._is_due():
            access = await self._current()
        headers = {}
        if access.authorization:
            headers[hdrs.AUTHORIZATION] = access.authorization
        if request.data is not None:
            headers[hdrs.CONTENT_TYPE] = request.content_type
        url = URL(access.server + request.path)
        session = self._watches if watch else self._calls
        return await session.request(
            request.method,
            url.with_query(request.query) if request.query else url,
            data=request.data,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,  # it would carry the token elsewhere
            ssl=self._context,
            server_hostname=access.server_hostname,
            proxy=access.proxy,
        )

    def _is_due(self) -> bool:
        return not 0 <= self._clock() - self._loaded_timestamp < CREDENTIALS_SECONDS

    async def _current(self) -> Access:
        async with self._renewing:
            if self._access is None:
                await self._load(anew=False)
            elif self._is_due():  # else somebody else has read them meanwhile
                await self._reload(anew=False)
        assert self._access is not None  # noqa: S101
        return self._access

    async def _reload(self, *, anew: bool) -> None:
        """Read credentials; where they cannot be read, those that are known stay in use."""
        now_seconds = asyncio.get_running_loop().time()
        if anew and now_seconds - self._renewed_seconds < RENEWAL_SECONDS:
            return
        try:
            await self._load(anew=anew)
        except SourceUnusable as error:
            self._loaded_timestamp = self._clock()
            if not self._stale:
                self._stale = True
                log.warning(
                    "credentials cannot be read; those that are known stay in use",
                    extra={"err": str(error)},
                )
        finally:
            if anew:
                self._renewed_seconds = asyncio.get_running_loop().time()

    async def _load(self, *, anew: bool) -> None:
        access = await self._credentials.load(anew=anew)
        try:
            self._trust(access)
        except (OSError, ValueError) as error:
            raise SourceUnusable(
                f"kubernetes: a certificate or its key cannot be read: {error}"
            ) from error
        self._access = access
        self._loaded_timestamp = self._clock()
        if self._stale:
            self._stale = False
            log.info("credentials can be read again")

    def _trust(self, access: Access) -> None:
        """Make a new TLS context if there are other files for it than there were.

        Connections that stand keep theirs: a context is part of what aiohttp knows them by.
        """
        if not access.server.startswith("https://"):
            return
        paths = (access.ca_file, access.cert_file, access.key_file)
        vouched = (access.verify, *((path, _version(path)) for path in paths))
        if vouched != self._vouched:
            self._context = _context(access)
            self._vouched = vouched


def _context(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=access.ca_file)
    # Python 3.13 began to refuse certificates without some extensions, which clusters have that
    # were made years ago and which no other client of Kubernetes asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if access.cert_file:
        context.load_cert_chain(access.cert_file, keyfile=access.key_file)
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _version(path: str | None) -> tuple[int, int, int] | None:
    if path is None:
        return None
    found = os.stat(path)  # noqa: PTH116  of the file that ..data leads to now
    return found.st_mtime_ns, found.st_ino, found.st_size


def _session(*, limit: int) -> aiohttp.ClientSession:
    # Proxies of the environment are not for the API server: NO_PROXY with an address range, as it
    # is usual in clusters, is not understood by aiohttp. A kubeconfig may name one.
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit, socket_factory=_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={
            hdrs.USER_AGENT: f"yuptime-exporter/{__version__}",
            hdrs.ACCEPT: "application/json",
            # To unpack lists takes longer than to receive them from a machine nearby.
            hdrs.ACCEPT_ENCODING: "identity",
        },
        read_bufsize=_READ_BUFFER_BYTES,
        trust_env=False,
    )


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    for level, option, value in _SOCKET_OPTIONS:
        if option is not None:  # some systems lack some of them
            made.setsockopt(level, option, value)
    return made
