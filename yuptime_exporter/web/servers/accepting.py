"""Accept connections, as many as there is room for.

asyncio's own accepting tries again 4,096 times at once when the process has no descriptor left, and
logs each failure. Here accepting pauses; new connections wait in the queue of the system.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from socket import SOCK_STREAM, SocketType
from typing import Any

from yuptime_exporter.concurrency.repeated_line import RepeatedLine
from yuptime_exporter.web.servers.server import HttpServer
from yuptime_exporter.web.servers.tls import CurrentTls, ListenerTls
from yuptime_exporter.web.servers.traffic import Traffic

log = logging.getLogger(__name__)

# Connections accepted in one turn of the event loop; then those that sent something are read.
ACCEPTED_AT_ONCE = 16

# The system hands a connection over when its first bytes have arrived, and at the latest after this
# time. So a connection is woken up for once, and a push is there when it is accepted.
WITHOUT_REQUEST_SECONDS = 1

# A handshake that is not complete by then ends its connection, as an incomplete head does.
HANDSHAKE_SECONDS = 10.0

PAUSE_AT_LIMIT_SECONDS = 0.05
PAUSE_WITHOUT_DESCRIPTORS_SECONDS = 0.5

# Jobs of a whole company may start at the same second; Linux cuts this to net.core.somaxconn.
_BACKLOG = 4096

# The part of `accept` in C, which returns a descriptor and an address. The other part makes a socket
# in Python, which costs as much as the system call.
_AcceptDescriptor = Callable[[], tuple[int, Any]]


class Acceptor:
    """Accepts the connections of one listening socket."""

    def __init__(
        self,
        listening: socket.socket,
        server: HttpServer,
        traffic: Traffic,
        *,
        tls: CurrentTls = ListenerTls,
    ) -> None:
        """Accept nothing yet.

        Args:
            listening: a bound socket; closed by `close`.
            server: makes the protocols of connections.
            traffic: knows whether there is room.
            tls: gives the TLS of a connection that begins.
        """
        self._socket = listening
        self._family = listening.family
        self._accept_descriptor: _AcceptDescriptor = listening._accept  # type: ignore[attr-defined]  # noqa: SLF001
        self._server = server
        self._traffic = traffic
        self._tls = tls
        self._tasks: asyncio.TaskGroup | None = None
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._failures = RepeatedLine(
            log, "connections cannot be accepted; they wait", level=logging.WARNING
        )

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Listen, and accept from now on.

        Args:
            tasks: runs the short tasks that connect.
        """
        self._tasks = tasks
        self._socket.setblocking(False)  # noqa: FBT003  the parameter has no name
        if hasattr(socket, "TCP_DEFER_ACCEPT"):  # Linux
            self._socket.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, WITHOUT_REQUEST_SECONDS
            )
        self._socket.listen(_BACKLOG)
        self._resume()

    def close(self) -> None:
        """Accept nothing more; may be called twice."""
        if self._pause is not None:
            self._pause.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
        self._socket.close()

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._accept)

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._socket)
        self._pause = self._loop.call_later(seconds, self._resume)

    def _accept(self) -> None:
        bare = self._server.bare if self._tls().context is None else None
        for accepted_now in range(ACCEPTED_AT_ONCE):
            if self._traffic.is_full:
                if accepted_now:  # whether another connection waits is not known in this turn
                    return
                if not self._traffic.make_room():
                    self._wait(PAUSE_AT_LIMIT_SECONDS)
                    return
            try:
                descriptor, address = self._accept_descriptor()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # most often EMFILE: the process has no descriptor left
                self._failures.happened(err=os.strerror(error.errno or 0))
                self._traffic.accept_failed()
                self._wait(PAUSE_WITHOUT_DESCRIPTORS_SECONDS)
                return
            self._traffic.opened()
            accepted = SocketType(self._family, SOCK_STREAM, 0, descriptor)
            if bare is not None:
                bare.begin(accepted, address[0], self._give_transport)
            else:
                self._give_transport(accepted, b"")

    def _give_transport(self, accepted: SocketType, arrived: bytes) -> None:
        """Connect an accepted socket, from which these bytes were read: a `bare.GiveTransport`."""
        assert self._tasks is not None  # noqa: S101  start gave it
        connected = socket.socket(fileno=accepted.detach())  # the event loop takes no `SocketType`
        connected.setblocking(False)  # noqa: FBT003
        self._tasks.create_task(self._connect(connected, arrived))

    async def _connect(self, accepted: socket.socket, arrived: bytes) -> None:
        tls = ListenerTls() if arrived else self._tls()
        handshake = None if tls.context is None else HANDSHAKE_SECONDS
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._server(tls.client_names, arrived),
                accepted,
                ssl=tls.context,
                ssl_handshake_timeout=handshake,
            )
        except OSError as error:  # the client has left already, or TLS failed
            accepted.close()
            self._traffic.closed()
            if tls.context is not None:
                self._traffic.handshake_failed(error)
