"""The load generator: sends prepared requests, counts and times the answers.

The generator uses non-blocking sockets and one selector in its own process, and parses only the
status and the length of answers. The measured cost is therefore that of the server.
"""

import gc
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context

# Time for the last answers after the last request; later answers count as failed.
_ANSWER_SECONDS = 10.0

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True, slots=True)
class Load:
    """Requests, and the pace at which they are sent.

    Attributes:
        port: on 127.0.0.1.
        requests: complete requests, sent in turn.
        connections: the largest number of requests in flight.
        seconds: duration of sending.
        new_connections: each request has its own connection and contains `Connection: close`.
        per_second: rate of requests at a fixed interval; None: a connection sends its next request
            after an answer.
        at_most: the largest number of requests; None: no limit.
    """

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    new_connections: bool = False
    per_second: float | None = None
    at_most: int | None = None


@dataclass(slots=True)
class Answers:
    """The answers to a load.

    Attributes:
        seconds: from the first request to the last answer.
        latencies: of answers with a 2xx status, in seconds since the request was due.
        acknowledged: number of answers with a 2xx status, by the index of the request.
        failed: number of all other outcomes, by their description.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    acknowledged: Counter[int] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Answers with a 2xx status in a second."""
        return len(self.latencies) / self.seconds


Generator = Callable[[Load], "Future[Answers]"]


@contextmanager
def generator() -> Iterator[Generator]:
    """Give a function that sends a load from another process, one load at a time."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(gc.disable).result()  # also starts the process
        yield lambda load: pool.submit(_send, load)


def _send(load: Load) -> Answers:
    return _Sender(load).run()


@dataclass(slots=True, eq=False)
class _Connection:
    socket: socket.socket
    request: int = 0
    due: float = 0.0
    received: bytes = b""


class _Sender:
    """Sends one load."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._answers = Answers()
        # A fixed interval needs microseconds: epoll waits in milliseconds, select in microseconds.
        self._selector: selectors.BaseSelector = (
            selectors.DefaultSelector() if load.per_second is None else selectors.SelectSelector()
        )
        self._idle: deque[_Connection] = deque()
        self._busy: set[_Connection] = set()
        self._sent = 0
        self._started = 0.0

    def run(self) -> Answers:
        """Send all requests; return after the last answer, or once the server is gone."""
        for _ in range(self._load.connections):
            self._connect()
        self._started = time.perf_counter()
        while self._send_due() or self._busy:
            for key, _ in self._selector.select(self._wait_seconds()):
                self._receive(key.data)
        self._answers.seconds = time.perf_counter() - self._started
        for connection in (*self._idle, *self._busy):
            connection.socket.close()
        self._selector.close()
        return self._answers

    def _send_due(self) -> bool:
        """Send the requests that are due over idle connections; return False after the last."""
        now = time.perf_counter()
        if now > self._started + self._load.seconds + _ANSWER_SECONDS:
            self._answers.failed["no answer"] += len(self._busy)
            self._busy.clear()
            return False
        while self._more(now) and self._idle and (due := self._due(now)) <= now:
            self._send(self._idle.popleft(), due)
        return self._more(now) and bool(self._idle or self._busy)

    def _more(self, now: float) -> bool:
        at_most = self._load.at_most
        in_time = now < self._started + self._load.seconds
        return in_time and (at_most is None or self._sent < at_most)

    def _due(self, now: float) -> float:
        rate = self._load.per_second
        return now if rate is None else self._started + self._sent / rate

    def _wait_seconds(self) -> float:
        if self._load.per_second is None or not self._idle:
            return 1.0
        now = time.perf_counter()
        return min(1.0, max(0.0, self._due(now) - now))

    def _send(self, connection: _Connection, due: float) -> None:
        connection.request = self._sent % len(self._load.requests)
        connection.due = due
        self._sent += 1
        self._busy.add(connection)
        try:
            connection.socket.send(self._load.requests[connection.request])
        except OSError as error:
            self._lose(connection, type(error).__name__)

    def _receive(self, connection: _Connection) -> None:
        if connection not in self._busy:  # the server closes idle connections
            self._lose(connection, "closed while idle")
            return
        try:
            received = connection.socket.recv(65536)
        except OSError as error:
            self._lose(connection, type(error).__name__)
            return
        if not received:
            self._lose(connection, "closed without an answer")
            return
        connection.received += received
        if _complete(connection.received):
            self._note(connection)

    def _note(self, connection: _Connection) -> None:
        answer, connection.received = connection.received, b""
        if answer.startswith(b"HTTP/1.1 2"):
            self._answers.latencies.append(time.perf_counter() - connection.due)
            self._answers.acknowledged[connection.request] += 1
        else:
            self._answers.failed[answer.partition(b"\r\n")[0].decode("latin-1")] += 1
        self._busy.discard(connection)
        if self._load.new_connections or b"\r\nConnection: close" in answer:
            self._close(connection)
            self._connect()
        else:
            self._idle.append(connection)

    def _lose(self, connection: _Connection, cause: str) -> None:
        self._answers.failed[cause] += 1
        self._busy.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._close(connection)
        self._connect()

    def _connect(self) -> None:
        """Add an idle connection, unless the server is gone."""
        try:
            # Does not block: over loopback the kernel completes the handshake.
            opened = socket.create_connection(("127.0.0.1", self._load.port), timeout=5)
        except OSError as error:
            self._answers.failed[f"connect: {type(error).__name__}"] += 1
            return
        opened.setblocking(False)  # noqa: FBT003  its only argument
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(opened)
        self._selector.register(opened, selectors.EVENT_READ, connection)
        self._idle.append(connection)

    def _close(self, connection: _Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _complete(answer: bytes) -> bool:
    """Whether an answer is complete; an answer without a length has no body here."""
    head_end = answer.find(_HEAD_END)
    if head_end < 0:
        return False
    start = answer[:head_end].lower().find(_LENGTH)
    if start < 0:
        return True
    start += len(_LENGTH)
    length = int(answer[start : answer.find(b"\r", start)])
    return len(answer) >= head_end + len(_HEAD_END) + length
