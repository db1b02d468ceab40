"""A small exporter on loopback that records reports, and fails on request."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OK = {"monitor": "jobs/backup", "state": "up", "expiresAt": "2026-11-26T12:00:00.000Z"}


@dataclass
class Reports:
    """What arrived, and how the next requests are answered.

    Attributes:
        answers: status, body and headers of the next answers; afterwards 200.
        held: while it is not set, no request is answered.
    """

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answers: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)

    def of(self, status: str) -> list[dict[str, Any]]:
        return [body for body in self.bodies if body.get("status") == status]


@contextmanager
def reports() -> Iterator[Reports]:
    """Serve until the block ends."""
    found = Reports()
    found.held.set()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length) or b"{}")
            found.held.wait()
            status, answer, headers = found.answers.pop(0) if found.answers else (200, OK, {})
            found.bodies.append(body)
            found.headers.append(dict(self.headers))
            found.paths.append(self.path)
            text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        found.held.set()
        server.shutdown()
        server.server_close()
        thread.join()
