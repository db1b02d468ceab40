"""A receiver without rules, for `floor`: how little processor time a push can cost in Python.

It knows no monitor, no limit and no history. Every request gets the same answer, which has the length
of the exporter's. The work names how much happens before the answer:

answer    nothing: only the kernel, and uvloop
remember  the token is hashed, and the push is kept in memory
store     the push is a row of a SQLite database as well, as durable as the exporter's
"""

import argparse
import asyncio
import gc
import hashlib
import hmac
import sqlite3
import threading
from pathlib import Path
from queue import SimpleQueue

import uvloop

from tests.manifests import TOKEN

_BODY = b'{"monitor": "%b"}' % (b"x" * 160)
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (
    len(_BODY),
    b"".join(b"X-Header-%d: %b\r\n" % (number, b"x" * 20) for number in range(5)),
    _BODY,
)

_TOKEN = b"uthorization: Bearer "

_Arrival = tuple[asyncio.Transport, bytes, float, bytes]
"""The connection, the path, the moment and the body of a push that is not stored yet."""


class BareReceiver:
    """Keeps pushes as the work says, and answers them."""

    def __init__(self, work: str, database: Path) -> None:
        self._work = work
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._digest = hashlib.sha256(TOKEN.encode()).digest()
        self._last: dict[bytes, tuple[float, bytes]] = {}
        self._arrivals: list[_Arrival] = []
        self._groups: SimpleQueue[list[_Arrival]] = SimpleQueue()

    def start(self) -> None:
        """Start the thread that writes."""
        if self._work == "store":
            threading.Thread(target=self._write, daemon=True).start()

    def received(self, transport: asyncio.Transport, data: bytes) -> None:
        """Handle the bytes of one request."""
        if self._work == "answer":
            transport.write(_ANSWER)
            return
        head, _, body = data.partition(b"\r\n\r\n")
        line, _, headers = head.partition(b"\r\n")
        token = headers.partition(_TOKEN)[2].partition(b"\r\n")[0]
        digest = hashlib.sha256(token).digest()
        if not hmac.compare_digest(digest, self._digest):  # asks whether the receiver is ready
            transport.write(_ANSWER)
            return
        arrival = (transport, line[5:-9], self._loop.time(), body)
        if self._work == "remember":
            self._settle([arrival])
            return
        self._arrivals.append(arrival)
        if len(self._arrivals) == 1:
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._groups.put(self._arrivals)
        self._arrivals = []

    def _settle(self, arrivals: list[_Arrival]) -> None:
        for transport, path, moment, body in arrivals:
            self._last[path] = (moment, body)
            if not transport.is_closing():
                transport.write(_ANSWER)

    def _write(self) -> None:
        """Commit group after group; while one is committed, the next one gathers."""
        connection = sqlite3.connect(self._database, isolation_level=None)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE push (id INTEGER PRIMARY KEY, path, moment, body)")
        while group := self._groups.get():
            while not self._groups.empty():
                group += self._groups.get()
            places = ", ".join(["(?, ?, ?)"] * len(group))
            columns = [column for _, *columns in group for column in columns]
            connection.execute(f"INSERT INTO push (path, moment, body) VALUES {places}", columns)  # noqa: S608
            self._loop.call_soon_threadsafe(self._settle, group)


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: BareReceiver) -> None:
        self._receiver = receiver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._receiver.received(self._transport, data)


async def _serve(work: str, port: int, database: Path) -> None:
    receiver = BareReceiver(work, database)
    receiver.start()
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: _Connection(receiver), "127.0.0.1", port)
    gc.disable()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=("answer", "remember", "store"))
    parser.add_argument("port", type=int)
    parser.add_argument("database", type=Path)
    options = parser.parse_args()
    uvloop.run(_serve(options.work, options.port, options.database))
