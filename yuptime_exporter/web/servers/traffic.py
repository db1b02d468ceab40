"""All connections and requests in flight, within a limit of connections."""

import asyncio
import itertools
import logging
from contextlib import suppress
from typing import Protocol

from yuptime_exporter.concurrency.repeated_line import RepeatedLine
from yuptime_exporter.core.errors import RequestUnreadable
from yuptime_exporter.engine.rejections import Rejections
from yuptime_exporter.metrics.http import ConnectionMetrics

log = logging.getLogger(__name__)

# A shutdown takes less than 10 s: 2 s for alerts (sinks/alertmanager), this for requests that are
# being handled, 1 s for their connections, 2 s for the store.
DRAIN_SECONDS = 4.0

# A client that has just connected gets time to send: its request may still be on the way. After a
# first request a connection may be closed at any time, as every client of HTTP must expect.
FRESH_SECONDS = 0.25

# A head that is not complete by then ends its connection: without a limit, strangers could hold all
# connections that there may be (slowloris). The head of a request is one packet of curl's.
HEAD_TIMEOUT_SECONDS = 10.0

# How many connections are looked at to find one that may be closed.
_LOOKED_AT = 64


class Connection(Protocol):
    """One connection of any server."""

    @property
    def is_idle(self) -> bool:
        """Whether no request of it is being handled, and none is waiting."""

    def force_close(self) -> None:
        """End the connection at once."""


class Traffic:
    """Open connections, the order in which they became idle, and the requests in flight."""

    def __init__(
        self,
        rejections: Rejections,
        metrics: ConnectionMetrics,
        *,
        max_connections: int,
        head_timeout_seconds: float = HEAD_TIMEOUT_SECONDS,
    ) -> None:
        """Have no connection yet.

        Args:
            rejections: records the requests that the server itself refuses.
            metrics: of connections.
            max_connections: how many may be open at once.
            head_timeout_seconds: how long the head of a request may take to arrive.
        """
        self.head_timeout_seconds = head_timeout_seconds
        self._rejections = rejections
        self._metrics = metrics
        self._max_connections = max_connections
        self._open = 0
        self._idle: dict[Connection, float] = {}  # since when, or 0 after a first request
        self._in_flight = 0
        self._drained: asyncio.Event | None = None  # set at the end, without a request in flight
        self._full = RepeatedLine(
            log,
            "all connections are busy; new ones wait. Raise --web.max-connections if this lasts",
            level=logging.WARNING,
        )
        self._closed = RepeatedLine(
            log,
            "limit of connections reached; the oldest idle connections are closed for new ones",
            level=logging.WARNING,
        )
        self._handshakes = RepeatedLine(log, "a TLS handshake failed", level=logging.INFO)
        self._strangers = RepeatedLine(
            log,
            "a connection was closed: the certificate of its client has no name of "
            "client_allowed_sans",
            level=logging.WARNING,
        )
        self._failed = RepeatedLine(
            log, "a request failed: this is an error of yuptime-exporter", level=logging.ERROR
        )
        metrics.limit.set(max_connections)
        metrics.open.set_function(lambda: self._open)

    @property
    def is_full(self) -> bool:
        """Whether as many connections are open as may be."""
        return self._open >= self._max_connections

    def make_room(self) -> bool:
        """Close the oldest idle connection; return whether there was one."""
        if self._close_oldest_idle():
            return True
        self._metrics.accept_pauses.labels("limit").inc()
        self._full.happened(connections=self._open)
        return False

    def accept_failed(self) -> None:
        """Note that the system had no descriptor or memory for a connection; free one."""
        self._metrics.accept_pauses.labels("system").inc()
        self._close_oldest_idle()

    def opened(self) -> None:
        """Note that a connection was accepted."""
        self._open += 1

    def connected(self, connection: Connection) -> None:
        """Note that an accepted connection can receive requests."""
        self._idle[connection] = asyncio.get_running_loop().time()

    def closed(self, connection: Connection | None = None) -> None:
        """Note that a connection ended; None: one that was accepted and never connected."""
        self._open -= 1
        if connection is not None:
            self._idle.pop(connection, None)

    def handed_over(self, connection: Connection) -> None:
        """Note that another object stands for a connection from now on."""
        self._idle.pop(connection, None)

    def began(self, connection: Connection) -> None:
        """Note that the handling of a request begins."""
        self._idle.pop(connection, None)
        self._in_flight += 1

    def ended(self) -> None:
        """Note that the handling of a request ended."""
        self._in_flight -= 1
        if self._drained is not None and not self._in_flight:
            self._drained.set()

    def answered(self, connection: Connection) -> None:
        """Note that a connection waits for its next request."""
        self._idle[connection] = 0.0

    def head_overdue(self, connection: Connection) -> None:
        """Close a connection whose request did not arrive in time."""
        self._metrics.closed.labels("head_timeout").inc()
        connection.force_close()

    def handshake_failed(self, error: OSError) -> None:
        """Note a connection that ended before TLS was established."""
        self._metrics.closed.labels("tls").inc()
        self._handshakes.happened(err=getattr(error, "reason", None) or str(error))

    def stranger(self) -> None:
        """Note a connection whose client's certificate has none of the allowed names."""
        self._metrics.closed.labels("client_name").inc()
        self._strangers.happened()

    def client_left(self) -> None:
        """Note that a client left before it had its answer: no error of the exporter."""
        self._metrics.clients_left.inc()

    def refused(self, rejection: RequestUnreadable) -> None:
        """Note a request that no handler saw."""
        self._rejections.record_unreadable(rejection)

    def failed(self, error: BaseException | None) -> None:
        """Note a request that failed by an error of the exporter."""
        self._failed.happened(error=error)

    async def drained(self) -> None:
        """Return when no request is in flight, or after `DRAIN_SECONDS`."""
        self._drained = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while self._in_flight:
                    self._drained.clear()
                    await self._drained.wait()

    def _close_oldest_idle(self) -> bool:
        fresh_since = asyncio.get_running_loop().time() - FRESH_SECONDS
        for connection, since in itertools.islice(self._idle.items(), _LOOKED_AT):
            if since <= fresh_since and connection.is_idle:
                del self._idle[connection]
                connection.force_close()
                self._metrics.closed.labels("limit").inc()
                self._closed.happened(connections=self._open)
                return True
        return False
