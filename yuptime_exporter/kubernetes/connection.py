"""One API server: where it is, how it is believed, and who we are to it.

kubernetes_asyncio reads all of that from the places where Kubernetes keeps it. Requests are made
here: its own client decodes every object into models, for twenty times the cost, and its watch
has no limit of time, no backoff, and takes error pages for events.
"""

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import hdrs
from kubernetes_asyncio.client.configuration import Configuration
from kubernetes_asyncio.config.config_exception import ConfigException
from kubernetes_asyncio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_HOST_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)
from kubernetes_asyncio.config.kube_config import (
    KUBE_CONFIG_DEFAULT_LOCATION,
    KubeConfigLoader,
    KubeConfigMerger,
)
from yarl import URL

from yuptime_exporter import __version__
from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.core.ports import Clock

# client-go, transport/token_source.go: a token is read anew each minute, since the kubelet
# replaces it long before it expires.
CREDENTIALS_SECONDS = 60.0

CONNECT_TIMEOUT_SECONDS = 10.0

# A peer that vanished without a word is noticed by the kernel: probes after 20 s, three of them
# 5 s apart; and what was sent must be acknowledged within 30 s.
_KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", 0), 20),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", 0), 5),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", 0), 3),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", 0), 30_000),
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

    def __init__(self, kubeconfig: Path | None, *, clock: Clock) -> None:
        """Ask nothing yet; to be made within an event loop.

        Args:
            kubeconfig: a file; None: this pod's service account, or where kubectl looks.
            clock: tells when credentials are to be read anew.
        """
        in_cluster = kubeconfig is None and bool(os.environ.get(SERVICE_HOST_ENV_NAME))
        self._credentials = _Credentials(
            None if in_cluster else str(kubeconfig or _default_kubeconfig())
        )
        self._clock = clock
        self._loaded_timestamp = float("-inf")
        self._watches = _session(limit=0)
        self._calls = _session(limit=100)

    async def close(self) -> None:
        """End everything that is going on."""
        await self._watches.close()
        await self._calls.close()

    async def renew(self) -> None:
        """Read where the API server is and who we are to it, for the first time and after a 401.

        Raises:
            SourceUnusable: nothing says so, or what does cannot be read.
        """
        await self._credentials.load()
        self._loaded_timestamp = self._clock()

    async def request(
        self,
        request: Request,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  aiohttp's own, in parts
        watch: bool,
    ) -> aiohttp.ClientResponse:
        """Return the answer, of which only the head has arrived.

        Raises:
            SourceUnusable: the credentials cannot be read any more.
            aiohttp.ClientError, OSError, TimeoutError: there is no answer.
        """
        if not 0 <= self._clock() - self._loaded_timestamp < CREDENTIALS_SECONDS:
            await self.renew()
        credentials = self._credentials
        headers = {}
        if credentials.authorization:
            headers[hdrs.AUTHORIZATION] = credentials.authorization
        if request.data is not None:
            headers[hdrs.CONTENT_TYPE] = request.content_type
        url = URL(credentials.host + request.path)
        session = self._watches if watch else self._calls
        return await session.request(
            request.method,
            url.with_query(request.query) if request.query else url,
            data=request.data,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            ssl=credentials.ssl_context if credentials.ssl_context is not None else True,
            server_hostname=credentials.server_hostname,
            proxy=credentials.proxy,
        )


class _Credentials:
    """What kubernetes_asyncio knows, in the form in which aiohttp takes it."""

    def __init__(self, kubeconfig: str | None) -> None:
        self._kubeconfig = kubeconfig
        self._loader: Any = None
        self._files: tuple[object, ...] = ()
        self.host = ""
        self.authorization = ""
        self.proxy: str | None = None
        self.server_hostname: str | None = None
        self.ssl_context: ssl.SSLContext | None = None

    async def load(self) -> None:
        configuration = Configuration()
        try:
            if self._kubeconfig is None:
                self._load_in_cluster(configuration)
            else:
                await self._load_kubeconfig(self._kubeconfig, configuration)
            self._take(configuration)
        except (ConfigException, OSError, ValueError, KeyError, TypeError) as error:
            where = self._kubeconfig or "the service account of this pod"
            raise SourceUnusable(
                f"kubernetes: {where}: {error}; give --kubernetes.kubeconfig=PATH, or run in a pod "
                "with a service account"
            ) from error

    def _load_in_cluster(self, configuration: Configuration) -> None:
        # Its token is good for a minute in the eyes of the loader, so that each load takes a new one.
        loader = InClusterConfigLoader(
            token_filename=SERVICE_TOKEN_FILENAME, cert_filename=SERVICE_CERT_FILENAME
        )
        loader.load_and_set(configuration)

    async def _load_kubeconfig(self, paths: str, configuration: Configuration) -> None:
        if self._loader is None:
            merged = KubeConfigMerger(paths)
            if merged.config is None:
                raise ConfigException("there is no such file")
            self._loader = KubeConfigLoader(config_dict=merged.config, active_context=None)
        await self._loader.load_and_set(configuration)

    def _take(self, configuration: Configuration) -> None:
        self.host = str(configuration.host).rstrip("/")
        # client-go, too, takes a token without the line end that its file may have.
        self.authorization = str(configuration.api_key.get("BearerToken", "")).strip()
        self.proxy = configuration.proxy
        self.server_hostname = configuration.tls_server_name
        paths = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
        files = (configuration.verify_ssl, *((path, _modified(path)) for path in paths))
        if self.host.startswith("https://") and files != self._files:
            self.ssl_context = _context(configuration)
            self._files = files


def _context(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    # Python 3.13 began to refuse certificates without some extensions, which clusters have that
    # were made years ago and which no other client of Kubernetes asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _modified(path: str | None) -> int | None:
    return os.stat(path).st_mtime_ns if path else None  # noqa: PTH116  follows ..data as it is


def _default_kubeconfig() -> str:
    return os.environ.get("KUBECONFIG") or str(Path(KUBE_CONFIG_DEFAULT_LOCATION).expanduser())


def _session(*, limit: int) -> aiohttp.ClientSession:
    # Proxies of the environment are not for the API server: NO_PROXY with an address range, as it
    # is usual in clusters, is not understood by aiohttp. A kubeconfig may name one.
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit, socket_factory=_socket),
        headers={
            hdrs.USER_AGENT: f"yuptime-exporter/{__version__}",
            hdrs.ACCEPT: "application/json",
        },
        read_bufsize=_READ_BUFFER_BYTES,
        trust_env=False,
    )


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    for level, option, value in _KEEPALIVE:
        if option:  # some systems lack some of them
            made.setsockopt(level, option, value)
    return made
