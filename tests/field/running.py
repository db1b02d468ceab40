"""A running exporter and a client that sends literal bytes, for cases from the field."""

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from tests.manifests import TOKEN, monitor_yaml, secret_yaml, write_manifests
from tests.stores.sqlite.place import store_at
from yuptime_exporter.core.stored import Restored

NAMESPACE = "field"
AUTHORIZATION = f"Authorization: Bearer {TOKEN}\r\n".encode()

FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"

_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class RawAnswer:
    """Everything that came back on one connection; interim answers (1xx) are left out."""

    received: bytes

    @cached_property
    def _final(self) -> bytes:
        rest = self.received
        while re.match(rb"HTTP/1\.1 1\d\d ", rest):
            rest = rest.partition(b"\r\n\r\n")[2]
        return rest

    @property
    def status(self) -> int:
        """The status code; 0: no answer came."""
        match = re.match(rb"HTTP/1\.[01] (\d{3}) ", self._final)
        return int(match[1]) if match else 0

    @property
    def head(self) -> bytes:
        return self._final.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self._final.partition(b"\r\n\r\n")[2]

    @property
    def detail(self) -> str:
        """The detail of the problem; empty unless the answer is one."""
        if b"application/problem+json" not in self.head:
            return ""
        return str(json.loads(self.body)["detail"])


@dataclass
class RunningExporter:
    """An exporter in its own process, with one monitor for each case.

    Attributes:
        log: the file that receives the log.
    """

    port: int
    log: Path

    def send(
        self, *parts: bytes, pause_seconds: float = 0.2, half_close: bool = False
    ) -> RawAnswer:
        """Send bytes on a new connection, with a pause between the parts, until the exporter closes.

        Each request must ask for `Connection: close`, or be one that the exporter closes after,
        unless the client closes its own side with `half_close`.
        """
        received = bytearray()
        with socket.create_connection(("127.0.0.1", self.port), _WAIT_SECONDS) as connection:
            try:
                for number, part in enumerate(parts):
                    if number:
                        time.sleep(pause_seconds)  # the parts must not share a segment
                    connection.sendall(part)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the exporter answered before it had everything
            try:
                while data := connection.recv(65536):
                    received += data
            except ConnectionResetError:
                pass
        return RawAnswer(bytes(received))


def request(
    name: str,
    body: bytes = b"",
    content_type: bytes | None = None,
    *,
    query: bytes = b"",
    headers: bytes = b"",
    method: bytes = b"POST",
    version: bytes = b"HTTP/1.1",
    length: int | None = None,
) -> bytes:
    """Return a push to one monitor as a client sends it.

    Args:
        name: of the monitor, in the namespace of the field.
        body: sent as it is.
        content_type: the value of the header; None: there is none.
        query: the question mark included.
        headers: further lines, each with its line end.
        method: of the request.
        version: of the protocol.
        length: the Content-Length; None: that of the body, and none at all without a body.
    """
    lines = method + b" /api/push/field/" + name.encode() + query + b" " + version + b"\r\n"
    lines += b"Host: exporter.example\r\nConnection: close\r\n" + AUTHORIZATION
    if content_type is not None:
        lines += b"Content-Type: " + content_type + b"\r\n"
    if body or length is not None:
        lines += b"Content-Length: %d\r\n" % (len(body) if length is None else length)
    return lines + headers + b"\r\n" + body


def own_token(name: str) -> str:
    """Return the token that only this monitor has, which looks like one of healthchecks."""
    return str(uuid5(NAMESPACE_URL, name))


def database_in(folder: Path) -> Path:
    """Return the database of an exporter that runs in this folder."""
    return folder / "yuptime.db"


def recorded(folder: Path) -> dict[str, tuple[str, str]]:
    """Return status and message of the last push to each monitor, once the exporter has stopped."""
    return {
        key.name: (str(push.status), push.message)
        for key, push in asyncio.run(restored_from(database_in(folder))).last_pushes.items()
    }


async def restored_from(database: Path) -> Restored:
    """Return the state that an exporter would restore: the tables are the store's own matter."""
    store = store_at(database, lambda: datetime.now(UTC).timestamp())
    try:
        return await store.restore()
    finally:
        await store.close()


@contextmanager
def running_exporter(
    folder: Path, monitors: list[str], *flags: str, own_tokens: bool = False
) -> Iterator[RunningExporter]:
    """Run an exporter with these monitors until the block ends.

    Args:
        folder: for manifests, database and log.
        monitors: their names.
        flags: further flags.
        own_tokens: whether each monitor has a token of its own besides the one that all share.
    """
    secrets = [secret_yaml(namespace=NAMESPACE)]
    declared = [monitor_yaml(name, namespace=NAMESPACE) for name in monitors]
    if own_tokens:
        secrets = [
            secret_yaml(name, namespace=NAMESPACE, tokens=(own_token(name), TOKEN))
            for name in monitors
        ]
        declared = [monitor_yaml(name, namespace=NAMESPACE, secret=name) for name in monitors]
    write_manifests(folder / "manifests", *declared, *secrets)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "yuptime_exporter",
                f"--source.manifests={folder / 'manifests'}",
                f"--storage.url=sqlite:{database_in(folder)}",
                "--web.listen-address=127.0.0.1:0",
                *flags,
            ],
            stderr=output,
        )
    try:
        running = RunningExporter(_port(process, log), log)
        _await_ready(running)
        yield running
    finally:
        process.terminate()
        process.wait(_WAIT_SECONDS)


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    give_up = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        if match := re.search(
            r"flag=--web.listen-address address=127.0.0.1:(\d+)", log.read_text()
        ):
            return int(match[1])
        time.sleep(0.02)
    raise AssertionError(log.read_text())


def _await_ready(running: RunningExporter) -> None:
    give_up = time.monotonic() + _WAIT_SECONDS
    probe = b"GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    while running.send(probe).status != 200:
        assert time.monotonic() < give_up, running.log.read_text()
        time.sleep(0.02)
