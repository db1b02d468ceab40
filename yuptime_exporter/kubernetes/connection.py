"""HTTP connections to one API server.

Only the login plugins of kubeconfigs are run by kubernetes_asyncio. Its client decodes every object
into models at twenty times the cost, and its watch has no time limit and no backoff, and reads
error pages as events.
"""

import asyncio
import logging
import os
import socket
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import hdrs
from aiohttp.connector import NEEDS_CLEANUP_CLOSED
from multidict import CIMultiDict
from yarl import URL

from yuptime_exporter import __version__
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.kubernetes.access import Access
from yuptime_exporter.kubernetes.credentials import SERVICE_ACCOUNT, credentials, pod_namespace
from yuptime_exporter.kubernetes.limits import ApiLimits

log = logging.getLogger(__name__)

# The kernel notices a peer that vanished: it probes after 20 s, three times at 5 s intervals, and
# data must be acknowledged within 30 s. client-go relies on HTTP/2 pings, which aiohttp lacks.
_SOCKET_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", None), 20),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", None), 5),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", None), 3),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", None), 30_000),
)

# The first releases of Python 3.11, among them Debian 12's, raise AttributeError when a connection
# is aborted whose TLS has ended (elastic/rally#1714). There cancelled requests end more slowly.
_ABORT_IS_SAFE = sys.version_info >= (3, 11, 4)

# Frames are joined in frames.py, not by aiohttp; this is only the size of one read.
_READ_BUFFER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request to the API server; `data` has the type `content_type`, or is None."""

    method: str
    path: str
    query: Mapping[str, str] | None = None
    data: bytes | None = None
    content_type: str = "application/json"


class Connection:
    """Two HTTP sessions: one for watches, which each keep a connection, and one for calls.

    Attributes:
        limits: the limits of all requests.
    """

    def __init__(
        self,
        kubeconfig: Path | None,
        *,
        clock: Clock,
        service_account: Path = SERVICE_ACCOUNT,
        limits: ApiLimits | None = None,
    ) -> None:
        """Send nothing yet; to be made within an event loop.

        Args:
            kubeconfig: a file; None: the pod's service account, or the kubeconfig of kubectl.
            clock: decides when credentials are read again.
            service_account: the folder with the pod's credentials.
            limits: None: the defaults.
        """
        self.limits = limits or ApiLimits()
        self._credentials = credentials(kubeconfig, service_account)
        self._pod_namespace = pod_namespace(service_account)
        self._clock = clock
        self._access: Access | None = None
        self._context: ssl.SSLContext | bool = True
        self._context_version: object = None
        self._loaded_timestamp = float("-inf")
        self._renewed_seconds = float("-inf")
        self._renewing = asyncio.Lock()
        self._log = FailureLog(
            log,
            "credentials cannot be read; the last known ones stay in use",
            "credentials can be read again",
        )
        self._watches = _session(limit=0)
        self._calls = _session(limit=100)

    async def close(self) -> None:
        """End all requests."""
        await self._watches.close()
        await self._calls.close()
        await asyncio.sleep(0)  # the loop closes the aborted transports

    @property
    def namespace(self) -> str:
        """The namespace in which kubectl would work; known once credentials were read.

        In a pod it is that of the pod, else that of the kubeconfig's current context, else
        `default`.
        """
        assert self._access is not None  # noqa: S101  `renew` came first
        return self._pod_namespace or self._access.namespace or "default"

    async def renew(self) -> None:
        """Read the credentials.

        Raises:
            SourceUnusable: there are none, or they cannot be read.
        """
        await self._load(force=True)

    async def renew_after(self, authorization: str | None) -> None:
        """Read the credentials again after the API server rejected this authorization.

        Nothing is read if other credentials are in use by now. Credentials that cannot be read
        leave the known ones in use.
        """
        async with self._renewing:
            access = self._access
            if access is not None and access.authorization == (authorization or ""):
                await self._reload(force=True)

    async def distrust(self) -> None:
        """Read the trusted certificates again, since the server's certificate was rejected."""
        async with self._renewing:
            self._context_version = None
            await self._reload(force=True)

    async def request(
        self,
        request: ApiRequest,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  aiohttp's own, in parts
        watch: bool,
    ) -> aiohttp.ClientResponse:
        """Return the answer as soon as its head has arrived.

        Raises:
            SourceUnusable: the credentials were never read.
            aiohttp.ClientError, OSError, TimeoutError: there is no answer.
        """
        access = self._access
        if access is None or self._is_due():
            access = await self._current()
        headers = CIMultiDict(access.impersonation)
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
            allow_redirects=False,  # a redirect would carry the token to another host
            ssl=self._context,
            server_hostname=access.server_hostname,
            proxy=access.proxy,
        )

    def _is_due(self) -> bool:
        age_seconds = self._clock() - self._loaded_timestamp
        return not 0 <= age_seconds < self.limits.credentials_max_age_seconds

    async def _current(self) -> Access:
        async with self._renewing:
            if self._access is None:
                await self._load(force=False)
            elif self._is_due():  # else another request has just read them
                await self._reload(force=False)
        assert self._access is not None  # noqa: S101
        return self._access

    async def _reload(self, *, force: bool) -> None:
        """Read the credentials; if that fails, the known ones stay in use."""
        now_seconds = asyncio.get_running_loop().time()
        if force and now_seconds - self._renewed_seconds < self.limits.renewal_interval_seconds:
            return
        try:
            await self._load(force=force)
        except SourceUnusable as error:
            self._loaded_timestamp = self._clock()
            self._log.failed(error)
        finally:
            if force:
                self._renewed_seconds = asyncio.get_running_loop().time()

    async def _load(self, *, force: bool) -> None:
        access = await self._credentials.load(force=force)
        try:
            self._trust(access)
        except (OSError, ValueError) as error:
            raise SourceUnusable(
                f"kubernetes: a certificate or its key cannot be read: {error}"
            ) from error
        self._access = access
        self._loaded_timestamp = self._clock()
        self._log.recovered()

    def _trust(self, access: Access) -> None:
        """Make a new TLS context if one of its files was replaced.

        Established connections keep theirs, since aiohttp pools connections by their context.
        """
        if not access.server.startswith("https://"):
            return
        paths = (access.ca_file, access.cert_file, access.key_file)
        version = (access.verify, *((path, _file_version(path)) for path in paths))
        if version != self._context_version:
            self._context = _context(access)
            self._context_version = version


def _context(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=access.ca_file)
    # Since Python 3.13 certificates without some extensions are rejected. Clusters that are some
    # years old have them, and no other Kubernetes client requires those extensions.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if access.cert_file:
        context.load_cert_chain(access.cert_file, keyfile=access.key_file)
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _file_version(path: str | None) -> tuple[int, int, int] | None:
    if path is None:
        return None
    found = os.stat(path)  # noqa: PTH116  follows the symlink ..data, which the kubelet replaces
    return found.st_mtime_ns, found.st_ino, found.st_size


def _session(*, limit: int) -> aiohttp.ClientSession:
    # Proxies of the environment are ignored: clusters set NO_PROXY to an address range, which
    # aiohttp does not understand. A kubeconfig may name a proxy.
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=limit,
            socket_factory=_socket,
            # Ends the connections of cancelled requests, whose TLS waits for the server's end.
            enable_cleanup_closed=NEEDS_CLEANUP_CLOSED and _ABORT_IS_SAFE,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={
            hdrs.USER_AGENT: f"yuptime-exporter/{__version__}",
            hdrs.ACCEPT: "application/json",
            # Within a cluster, decompressing a list takes longer than receiving it.
            hdrs.ACCEPT_ENCODING: "identity",
        },
        read_bufsize=_READ_BUFFER_BYTES,
        trust_env=False,
    )


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    for level, option, value in _SOCKET_OPTIONS:
        if option is not None:  # an operating system may lack it
            made.setsockopt(level, option, value)
    return made
