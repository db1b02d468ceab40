"""Connections without a transport: most jobs connect, push once and leave.

A transport of the event loop costs more than the push that it carries. So the first request of a
connection is read from the socket, and answered there. A connection gets a transport and a protocol
at its second request, or if its first is no plain push.
"""

import asyncio
import fcntl
import socket
import termios
from collections.abc import Callable

from yuptime_exporter.web.http import Answer
from yuptime_exporter.web.servers.connection import KEEPALIVE_SECONDS
from yuptime_exporter.web.servers.deadlines import Deadlines
from yuptime_exporter.web.servers.fast import begin_plain, end_plain
from yuptime_exporter.web.servers.plain import answer_bytes, plain_request
from yuptime_exporter.web.servers.traffic import Traffic
from yuptime_exporter.web.site import Site

# Longer than usual pushes. A longer one gets a transport, which reads the rest.
_READ_BYTES = 16 * 1024

# The last answer and the end of the connection are one packet, where the system can do so.
_LAST = socket.MSG_DONTWAIT | getattr(socket, "MSG_MORE", 0)

# The system writes the number of unread bytes here. Bytes that cannot be written make `ioctl` slower.
_unread = bytearray(4)

GiveTransport = Callable[[socket.SocketType, bytes], None]
"""Gives a transport and a protocol to a socket, from which these bytes were read."""


class BareConnections:
    """All connections of a site that have no transport, and what they have in common."""

    def __init__(self, site: Site, traffic: Traffic) -> None:
        """Have no connection yet.

        Args:
            site: answers the requests.
            traffic: all connections.
        """
        self.site = site
        self.traffic = traffic
        self.loop = asyncio.get_running_loop()
        self.heads: Deadlines[BareConnection] = Deadlines(
            traffic.head_timeout_seconds, traffic.head_overdue
        )
        self.kept: Deadlines[BareConnection] = Deadlines(
            KEEPALIVE_SECONDS, BareConnection.force_close
        )
        self._open: set[BareConnection] = set()

    def begin(
        self, accepted: socket.SocketType, client_address: str, give_transport: GiveTransport
    ) -> None:
        """Serve a connection, whose request may have arrived.

        Args:
            accepted: may block.
            client_address: the IP address of the client.
            give_transport: called at a request that is not answered here.
        """
        connection = BareConnection(self, accepted, client_address, give_transport)
        self._open.add(connection)
        connection.read()

    def ended(self, connection: "BareConnection") -> None:
        """Forget a connection that has ended, or has a transport."""
        self._open.discard(connection)

    def force_close(self) -> None:
        """End all connections at once."""
        for connection in list(self._open):
            connection.force_close()


class BareConnection:
    """A connection until its first request is answered, and then until its second arrives."""

    __slots__ = (
        "_client_address",
        "_closes",
        "_connections",
        "_give_transport",
        "_is_answering",
        "_is_open",
        "_is_watched",
        "_socket",
        "_unsent",
        "_was_used",
    )

    def __init__(
        self,
        connections: BareConnections,
        accepted: socket.SocketType,
        client_address: str,
        give_transport: GiveTransport,
    ) -> None:
        """Read nothing yet; the arguments are those of `BareConnections.begin`."""
        self._connections = connections
        self._socket = accepted
        self._client_address = client_address
        self._give_transport = give_transport
        self._is_open = True
        self._is_answering = False
        self._is_watched = False  # by the event loop, for a request or for room for the answer
        self._closes = False  # after the answer
        self._unsent = b""
        self._was_used = False

    @property
    def is_idle(self) -> bool:
        """Whether no request is being handled."""
        return not self._is_answering

    def force_close(self) -> None:
        """End the connection at once."""
        if self._is_open:
            self._leave()
            self._socket.close()
            self._connections.traffic.closed(self)

    def read(self) -> None:
        """Begin to answer a request, wait for it, or leave it to a protocol."""
        try:
            data = self._socket.recv(_READ_BYTES, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            self._wait_for_request()
            return
        except OSError:  # the client has reset the connection
            data = b""
        if not data:
            self.force_close()
        elif self._was_used or not self._begin(data):
            self._leave()
            self._connections.traffic.handed_over(self)
            self._give_transport(self._socket, data)

    def _begin(self, data: bytes) -> bool:
        """Begin to answer the request that these bytes are; return whether they are one."""
        plain = plain_request(data)
        if plain is None:
            return False
        if self._is_watched:
            self._stop_watching()
        self._is_answering, self._closes = True, plain.closes
        traffic = self._connections.traffic
        traffic.began(self)
        if begin_plain(self._connections.site, plain, "http", self._client_address, self._answer):
            return True
        traffic.ended()
        self._is_answering = False
        return False

    def _answer(self, outcome: Answer | Exception) -> None:
        """Send an answer."""
        traffic = self._connections.traffic
        answer = end_plain(traffic, outcome)
        if not self._is_open:
            traffic.client_left()
            return
        self._closes = self._closes or answer.close
        self._unsent = answer_bytes(answer, closes=self._closes)
        if self._closes:
            self._drop_unread()
        self._send()

    def _drop_unread(self) -> None:
        """Read what came behind the last request: closing with unread bytes takes the answer back."""
        fcntl.ioctl(self._socket.fileno(), termios.FIONREAD, _unread)
        if any(_unread):
            self._socket.recv(_READ_BYTES, socket.MSG_DONTWAIT)

    def _send(self) -> None:
        """Send the answer, now or when there is room for the rest of it."""
        try:
            sent = self._socket.send(self._unsent, _LAST if self._closes else socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:  # the client has reset the connection
            self._connections.traffic.client_left()
            self.force_close()
            return
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._is_watched = True
            self._connections.loop.add_writer(self._socket, self._send)
            return
        if self._is_watched:
            self._stop_watching()
        self._is_answering, self._was_used = False, True
        if self._closes:
            self.force_close()
        else:
            self._wait_for_request()

    def _wait_for_request(self) -> None:
        if self._is_watched:
            return
        self._is_watched = True
        self._connections.loop.add_reader(self._socket, self.read)
        if self._was_used:
            self._connections.traffic.answered(self)
            self._connections.kept.begin(self)
        else:
            self._connections.traffic.connected(self)
            self._connections.heads.begin(self)

    def _stop_watching(self) -> None:
        self._is_watched = False
        self._connections.loop.remove_reader(self._socket)
        self._connections.loop.remove_writer(self._socket)
        self._connections.heads.end(self)
        self._connections.kept.end(self)

    def _leave(self) -> None:
        """Be no part of the connection any more."""
        self._is_open = False
        if self._is_watched:
            self._stop_watching()
        self._connections.ended(self)
