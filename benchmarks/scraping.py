"""Scrapes as Prometheus makes them, with a client that costs next to nothing."""

import socket
import time
from concurrent.futures import Future

from benchmarks.load import Answers
from benchmarks.targets import Server

SCRAPE_INTERVAL_SECONDS = 1.0

TEXT = "text/plain;version=0.0.4"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"

_BUFFER_BYTES = 1 << 20


def scrape(server: Server, *, accept: str = TEXT, gzip: bool = False) -> tuple[float, int]:
    """Scrape over a new connection; return the seconds and the bytes of the answer with its head."""
    encoding = "Accept-Encoding: gzip\r\n" if gzip else ""
    request = (
        f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n{encoding}"
        "Connection: close\r\n\r\n"
    )
    buffer = bytearray(_BUFFER_BYTES)
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(request.encode())
        total = connection.recv_into(buffer)
        if not buffer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{server.name}: {bytes(buffer[:200])!r}")
        while received := connection.recv_into(buffer):
            total += received
    return time.perf_counter() - started, total


def scrape_until_done(server: Server, pushing: "Future[Answers]") -> None:
    """Scrape at a fixed interval, compressed, until the pushes have ended."""
    due = time.monotonic() + SCRAPE_INTERVAL_SECONDS / 4
    while not pushing.done():
        time.sleep(0.005)
        if time.monotonic() >= due:
            due += SCRAPE_INTERVAL_SECONDS
            scrape(server, accept=OPENMETRICS, gzip=True)
