"""An API server that does nothing but tell: of recorded objects, and of as many changes as asked.

A real one cannot make 1,000 changes a second on the cores that are also to be measured. So this
process answers lists and watches with what a real one has made of the same objects, and changes
them by itself. Writes of a status it takes as a real one does: conflicts, versions, events.

    python -m benchmarks.replay FOLDER PORT
"""

import asyncio
import base64
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from aiohttp import web

from tests.manifests import TOKEN

MONITORS, SECRETS = "monitors", "secrets"

_TICK_SECONDS = 0.01
_STRIDE = 7919  # a prime: each object has its turn before any has the second
_GROUP = "/apis/monitoring.yuptime.io/v1"

Object = dict[str, Any]
Key = tuple[str, str]


class Collection:
    """Objects of one kind, and who watches them."""

    def __init__(self, recorded: Path) -> None:
        listed = json.loads(recorded.read_bytes())
        self._kind = {"apiVersion": listed["apiVersion"], "kind": listed["kind"][: -len("List")]}
        self._head = {"apiVersion": listed["apiVersion"], "kind": listed["kind"]}
        self.version = int(listed["metadata"]["resourceVersion"])
        self.objects: dict[Key, Object] = {_key(one): one for one in listed["items"]}
        self._watchers: set[asyncio.Queue[bytes]] = set()

    def change(self, found: Object) -> None:
        """Give an object that was changed a new version, and tell of it."""
        self.version += 1
        found["metadata"]["resourceVersion"] = str(self.version)
        event = {"type": "MODIFIED", "object": {**self._kind, **found}}
        frame = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        for watcher in self._watchers:
            watcher.put_nowait(frame)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """List a page, or watch."""
        if request.query.get("watch") == "true":
            return await self._watch(request)
        begin = int(request.query.get("continue", "0"))
        end = begin + int(request.query.get("limit", len(self.objects)))
        page = list(self.objects.values())[begin:end]
        more = {"continue": str(end)} if end < len(self.objects) else {}
        metadata = {"resourceVersion": str(self.version), **more}
        return web.json_response({**self._head, "metadata": metadata, "items": page})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        frames: asyncio.Queue[bytes] = asyncio.Queue()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self._watchers.add(frames)
        try:
            while True:
                parts = [await frames.get()]
                while not frames.empty():
                    parts.append(frames.get_nowait())
                await response.write(b"".join(parts))
        finally:
            self._watchers.discard(frames)


class Replay:
    """The server, and what it changes at present."""

    def __init__(self, folder: Path) -> None:
        self._monitors = Collection(folder / f"{MONITORS}.json")
        self._secrets = Collection(folder / f"{SECRETS}.json")
        self._order = {one: [*one.objects.values()] for one in (self._monitors, self._secrets)}
        self._what = ""
        self._per_second = 0
        self._changes = 0
        self._writes = 0

    def application(self) -> web.Application:
        """Return what is served."""
        made = web.Application()
        one = f"{_GROUP}/namespaces/{{namespace}}/monitors/{{name}}"
        made.router.add_get(f"{_GROUP}/monitors", self._monitors.answer)
        made.router.add_get("/api/v1/secrets", self._secrets.answer)
        made.router.add_get(one, self._monitor)
        made.router.add_patch(f"{one}/status", self._write_status)
        made.router.add_post("/apis/events.k8s.io/v1/namespaces/{namespace}/events", _accept)
        made.router.add_put("/changes/{what}/{per_second}", self._control)
        return made

    async def change_forever(self) -> NoReturn:
        """Change one object after the other, as many in a second as are asked for."""
        loop = asyncio.get_running_loop()
        due, last = 0.0, loop.time()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = loop.time()
            due, last = due + self._per_second * (now - last), now
            for _ in range(int(due)):
                self._change_one()
            due %= 1

    def _change_one(self) -> None:
        """Change the next object, in an order in which neighbours do not follow each other."""
        collection = self._secrets if self._what == "secret" else self._monitors
        objects = self._order[collection]
        found = objects[self._changes * _STRIDE % len(objects)]
        self._changes += 1
        _CHANGES[self._what](found, self._changes)
        collection.change(found)

    async def _control(self, request: web.Request) -> web.Response:
        done = {"changes": self._changes, "writes": self._writes}
        self._what = request.match_info["what"]
        self._per_second = int(request.match_info["per_second"])
        self._changes = self._writes = 0
        return web.json_response(done)

    async def _monitor(self, request: web.Request) -> web.Response:
        return web.json_response(self._monitors.objects[_asked(request)])

    async def _write_status(self, request: web.Request) -> web.Response:
        found = self._monitors.objects[_asked(request)]
        patch = await request.json()
        if patch["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
            status = {"kind": "Status", "reason": "Conflict", "code": 409, "message": "conflict"}
            return web.json_response(status, status=409)
        found["status"] = _merged(found.get("status", {}), patch["status"])
        self._writes += 1
        self._monitors.change(found)
        return web.json_response(found)


def _foreign_status(found: Object, number: int) -> None:
    found.setdefault("status", {})["uptime"] = {"last1h": number}


def _spec(found: Object, number: int) -> None:
    found["metadata"]["generation"] += 1
    found["spec"]["target"]["push"]["expireSeconds"] = 300 + number % 60


def _second_token(found: Object, number: int) -> None:
    tokens = f"{TOKEN}\nother-token-{number}\n"
    found["data"]["token"] = base64.b64encode(tokens.encode()).decode()


_CHANGES: Mapping[str, Callable[[Object, int], None]] = {
    "status": _foreign_status,
    "spec": _spec,
    "secret": _second_token,
}


def _merged(found: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(found) if isinstance(found, dict) else {}
    for name, value in patch.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = _merged(kept.get(name), value)
    return kept


def _key(found: Object) -> Key:
    return found["metadata"]["namespace"], found["metadata"]["name"]


def _asked(request: web.Request) -> Key:
    return request.match_info["namespace"], request.match_info["name"]


async def _accept(request: web.Request) -> web.Response:
    return web.json_response(await request.json(), status=201)


async def serve(folder: Path, port: int) -> NoReturn:
    replay = Replay(folder)
    runner = web.AppRunner(replay.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await replay.change_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
