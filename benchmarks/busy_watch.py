"""A stand-in for an API server with many objects that change at a given rate.

The stand-in sends prepared bytes from its own process, which costs little processor time. Writes of
its client are answered with 403.
"""

import asyncio
import base64
import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.api_clients import monitor
from benchmarks.targets import NAMESPACE, names
from tests.manifests import TOKEN
from tests.peers.running import free_port

# The changed part: statuses of Monitors, as other replicas write them, specs of Monitors, or tokens.
KINDS = ("status", "spec", "token")

_TICK_SECONDS = 0.02
_RATE_CODE = "d"


@dataclass(frozen=True, slots=True)
class BusyWatch:
    """A running stand-in."""

    kubeconfig: Path
    _rate: "Synchronized[float]"

    def set_rate(self, per_second: float) -> None:
        """Set the number of changes in a second."""
        self._rate.value = per_second


@contextmanager
def busy_watch(home: Path, kind: str, objects: int) -> Iterator[BusyWatch]:
    """Run a stand-in with this number of Monitors and of Secrets."""
    port = free_port()
    context = multiprocessing.get_context("spawn")
    rate = context.Value(_RATE_CODE, 0.0)
    process = context.Process(target=_run, args=(port, kind, objects, rate), daemon=True)
    process.start()
    kubeconfig = home / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                "users": [{"name": "u", "user": {"token": "any-token"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    try:
        yield BusyWatch(kubeconfig, rate)
    finally:
        process.kill()
        process.join()


def _run(port: int, kind: str, objects: int, rate: "Synchronized[float]") -> None:
    asyncio.run(_StandIn(kind, objects, rate).serve(port))


class _StandIn:
    def __init__(self, kind: str, objects: int, rate: "Synchronized[float]") -> None:
        self._kind = kind
        self._rate = rate
        self._names = names(objects)
        self._version = objects
        self._monitors = [_stored(monitor(name, 3600), n) for n, name in enumerate(self._names)]
        self._secrets = [_stored(_secret(name), n) for n, name in enumerate(self._names)]

    async def serve(self, port: int) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", port)
        async with server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer_one(head.decode(), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer_one(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        method, target, _ = head.split(" ", 2)
        for line in head.lower().split("\r\n"):
            if line.startswith("content-length:"):
                await reader.readexactly(int(line.partition(":")[2]))
        url = urlsplit(target)
        query = parse_qs(url.query)
        plural = url.path.rpartition("/")[2]
        if method != "GET" or plural not in ("monitors", "secrets"):
            writer.write(_whole(b'{"kind": "Status", "code": 403}', "403 Forbidden"))
        elif "watch" in query:
            await self._watch(plural, writer)
        else:
            first = int(query.get("continue", ["0"])[0])
            limit = int(query.get("limit", ["500"])[0])
            writer.write(_whole(self._page(plural, first, limit)))
        await writer.drain()

    def _page(self, plural: str, first: int, limit: int) -> bytes:
        held = self._monitors if plural == "monitors" else self._secrets
        following = first + limit
        token = str(following) if following < len(held) else ""
        metadata = {"resourceVersion": str(self._version), "continue": token}
        return json.dumps({"metadata": metadata, "items": held[first:following]}).encode()

    async def _watch(self, plural: str, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        busy = plural == ("secrets" if self._kind == "token" else "monitors")
        loop = asyncio.get_running_loop()
        turn, due, then = 0, 0.0, loop.time()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            due += self._rate.value * (loop.time() - then) if busy else 0.0
            then = loop.time()
            frames = []
            for _ in range(int(due)):
                frames.append(self._frame(turn))
                turn += 1
            due -= int(due)
            if frames:
                body = b"".join(frames)
                writer.write(b"%x\r\n%b\r\n" % (len(body), body))
                await writer.drain()

    def _frame(self, turn: int) -> bytes:
        place = turn % len(self._names)
        self._version += 1
        name = self._names[place]
        if self._kind == "token":
            changed = _stored(_secret(name, turn), place)
        else:
            changed = _stored(monitor(name, 3600 + turn % 997), place)
        changed["metadata"]["resourceVersion"] = str(self._version)
        if self._kind == "spec":
            changed["metadata"]["generation"] = turn + 2
        if self._kind == "status":
            changed["spec"]["target"]["push"]["expireSeconds"] = 3600
            moment = f"2026-01-01T00:00:{turn % 60:02}.{turn % 1_000_000:06}Z"
            push = dict.fromkeys(("lastPushTime", "expiresAt", "downAt", "armedTime"), moment)
            changed["status"] = {
                "push": {**push, "lastStatus": "up", "count": turn, "message": "done"},
                "lastResult": {"state": "up", "checkedAt": moment},
            }
        return json.dumps({"type": "MODIFIED", "object": changed}).encode() + b"\n"


def _stored(written: dict[str, Any], number: int) -> dict[str, Any]:
    """Return an object with the metadata that an API server adds."""
    metadata = {
        **written["metadata"],
        "uid": f"00000000-0000-4000-8000-{number:012}",
        "resourceVersion": str(number),
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {**written, "metadata": metadata}


def _secret(name: str, turn: int = 0) -> dict[str, Any]:
    token = f"{TOKEN}\nold-{turn}" if turn else TOKEN
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "data": {"token": base64.b64encode(token.encode()).decode()},
    }


def _whole(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
