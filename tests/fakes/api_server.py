"""The parts of a Kubernetes API server that the exporter needs, in memory and without TLS.

    async with fake_api_server(folder) as server:
        server.put("secrets", "jobs", "push-token", data={"token": "b2xk"})
        connection = Connection(server.kubeconfig, clock=clock)

It keeps versions, sends every change to watches, and rejects writes to objects that have changed.
It has no schemas, no permissions, no pages and only one selector; these are tested on a real one.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml
from aiohttp import web

from tests.fakes.merge_patch import applied

MONITORS = "/apis/monitoring.yuptime.io/v1"
SECRETS = "/api/v1"
LEASES = "/apis/coordination.k8s.io/v1"
EVENTS = "/apis/events.k8s.io/v1"

_PARENTS = {"monitors": MONITORS, "secrets": SECRETS, "leases": LEASES, "events": EVENTS}
_CREATED = "2026-01-31T08:00:00Z"

Object = dict[str, Any]


@dataclass(frozen=True)
class Name:
    """The name of an object; `name` empty: all of the namespace; without a namespace: all."""

    plural: str
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True)
class Seen:
    """A request and the status of its answer."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int


@dataclass(frozen=True)
class _Event:
    version: int
    kind: str
    name: Name
    value: Object


@dataclass(frozen=True)
class ErrorAnswer:
    """An error with which the server answers instead of handling a request.

    Attributes:
        method: the method of the requests; empty: all.
    """

    status: int
    message: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = ""


@dataclass
class FakeApiServer:
    """The objects, the requests so far, and the behaviour of the server.

    Attributes:
        kubeconfig: names the server.
        requests: in the order of their answers; a watch is answered when it begins.
        refusals: by the beginning of a path, the answer to every request.
        patch_answers: the answers to the next patches, in their order.
        patch_answer: the answer to every patch; None: patches are handled.
        answers_to_lose: how many of the next writes are handled and not answered: their connections
            are cut, as by a proxy that closes an idle connection at this moment.
        before_write: called with the path before each write that is handled.
        most_patches: the greatest number of patches that were in flight at once.
        most_patches_of_one: the same for one object.
    """

    kubeconfig: Path
    objects: dict[Name, Object] = field(default_factory=dict)
    requests: list[Seen] = field(default_factory=list)
    refusals: dict[str, ErrorAnswer] = field(default_factory=dict)
    patch_answers: list[ErrorAnswer] = field(default_factory=list)
    patch_answer: ErrorAnswer | None = None
    answers_to_lose: int = 0
    before_write: Callable[[str], None] = lambda _: None
    most_patches: int = 0
    most_patches_of_one: int = 0
    _version: int = 100
    _history: list[_Event] = field(default_factory=list)
    _watches: set[asyncio.Event] = field(default_factory=set)
    _gate: asyncio.Event = field(default_factory=asyncio.Event)
    _closing: bool = False
    _held: Counter[str] = field(default_factory=Counter)
    _patching: Counter[str] = field(default_factory=Counter)

    def put(self, plural: str, namespace: str, name: str, **fields: Any) -> Object:
        """Create an object or replace what it says; its status stays unless it is given."""
        key = Name(plural, namespace, name)
        before = self.objects.get(key)
        metadata: Object = {
            "namespace": namespace,
            "name": name,
            "uid": str(uuid4()),
            "creationTimestamp": _CREATED,
            "generation": 0,
            **(before["metadata"] if before else {}),
        }
        if before is None or "spec" in fields:
            metadata["generation"] += 1
        value = {**(before or {}), **fields, "metadata": {**metadata, **fields.get("metadata", {})}}
        self._hold(key, value, "MODIFIED" if before else "ADDED")
        return self.objects[key]

    def delete(self, plural: str, namespace: str, name: str) -> None:
        key = Name(plural, namespace, name)
        self._tell("DELETED", key, self.objects.pop(key))

    def get(self, plural: str, namespace: str, name: str) -> Object:
        return self.objects[Name(plural, namespace, name)]

    def refuse(self, path: str, status: int, **headers: str) -> None:
        """From now on answer all requests of paths with this beginning with an error."""
        self.refusals[path] = ErrorAnswer(status, headers=headers)

    def hold(self) -> None:
        """Leave all requests unanswered, except watches."""
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    def asked(self, method: str, path: str, *, watch: bool = False) -> list[Seen]:
        """Return the requests of one path, lists and single objects or watches."""
        return [
            one
            for one in self.requests
            if (one.method, one.path) == (method, path) and ("watch" in one.query) is watch
        ]

    @property
    def patches(self) -> int:
        """The number of patches that wait for their answer."""
        return self._patching.total()

    @property
    def held(self) -> int:
        """The number of requests to Monitors that `hold` leaves unanswered."""
        return sum(count for path, count in self._held.items() if "/monitors/" in path)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read() or b"null")
        if "watch" in request.query:
            return await self._watch(request)
        if request.method != "PATCH":
            return await self._call(request, body)
        self._patching[request.path] += 1
        self.most_patches = max(self.most_patches, self.patches)
        self.most_patches_of_one = max(self.most_patches_of_one, self._patching[request.path])
        try:
            return await self._call(request, body)
        finally:
            self._patching[request.path] -= 1

    def close(self) -> None:
        self._closing = True
        self.release()
        self._notify()

    async def _call(self, request: web.Request, body: Any) -> web.Response:
        self._held[request.path] += 1
        try:
            await self._gate.wait()
        finally:
            self._held[request.path] -= 1
        error = self._error(request)
        if error is not None:
            self._note(request, body, error.status)
            return _error_response(error)
        status, answer = self._answer(request, body)
        self._note(request, body, status)
        if request.method != "GET" and self.answers_to_lose and request.transport is not None:
            self.answers_to_lose -= 1
            request.transport.abort()
        return web.json_response(answer, status=status)

    def _error(self, request: web.Request) -> ErrorAnswer | None:
        for path, error in self.refusals.items():
            if request.path.startswith(path) and error.method in ("", request.method):
                return error
        if request.method == "PATCH":
            return self.patch_answers.pop(0) if self.patch_answers else self.patch_answer
        return None

    def _answer(self, request: web.Request, body: Any) -> tuple[int, Object]:
        name = _name_of(request.path)
        if name is None:
            return 404, _status(404)
        if request.method == "GET":
            return self._read(name, request.query)
        self.before_write(request.path)
        return self._write(request.method, name, body)

    def _read(self, name: Name, query: Mapping[str, str]) -> tuple[int, Object]:
        if name.name:
            found = self.objects.get(name)
            return (200, found) if found else (404, _status(404))
        items = [
            value
            for key, value in sorted(self.objects.items(), key=lambda item: str(item[0]))
            if _belongs(key, name, value, query)
        ]
        return 200, {"metadata": {"resourceVersion": str(self._version)}, "items": items}

    def _write(self, method: str, name: Name, body: Object) -> tuple[int, Object]:
        if method == "POST":
            name = Name(name.plural, name.namespace, body["metadata"]["name"])
            if name in self.objects:
                return 409, _status(409, "AlreadyExists")
            return 201, self.put(name.plural, name.namespace, name.name, **body)
        found = self.objects.get(name)
        if found is None:
            return 404, _status(404)
        version = body["metadata"].get("resourceVersion")
        if version not in (None, found["metadata"]["resourceVersion"]):
            return 409, _status(409, "Conflict")
        if method == "PATCH":
            value = {**found, "status": applied(body["status"], found.get("status", {}))}
        else:
            value = body
        self._hold(name, value, "MODIFIED")
        return 200, self.objects[name]

    def _hold(self, key: Name, value: Object, kind: str) -> None:
        self._version += 1
        metadata = {**value["metadata"], "resourceVersion": str(self._version)}
        self.objects[key] = {**value, "metadata": metadata}
        self._tell(kind, key, self.objects[key])

    def _tell(self, kind: str, key: Name, value: Object) -> None:
        if kind == "DELETED":
            self._version += 1
            metadata = {**value["metadata"], "resourceVersion": str(self._version)}
            value = {**value, "metadata": metadata}
        self._history.append(_Event(self._version, kind, key, value))
        self._notify()

    def _notify(self) -> None:
        for changed in self._watches:
            changed.set()

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        error = self._error(request)
        if error is not None:
            self._note(request, None, error.status)
            return _error_response(error)
        asked = _name_of(request.path)
        assert asked is not None
        self._note(request, None, HTTPStatus.OK)
        response = web.StreamResponse()
        await response.prepare(request)
        told, changed = int(request.query["resourceVersion"]), asyncio.Event()
        self._watches.add(changed)
        try:
            while not self._closing:
                changed.clear()
                for event in [one for one in self._history if one.version > told]:
                    told = event.version
                    if _belongs(event.name, asked, event.value, request.query):
                        await response.write(_frame(event))
                await changed.wait()
        except ConnectionError:  # the client has left
            pass
        finally:
            self._watches.discard(changed)
        return response

    def _note(self, request: web.Request, body: Any, status: int) -> None:
        query = dict(request.query)
        self.requests.append(Seen(request.method, request.path, query, body, status))


@asynccontextmanager
async def fake_api_server(folder: Path) -> AsyncIterator[FakeApiServer]:
    """Listen on this machine until the end of the block.

    Args:
        folder: where the kubeconfig is written.
    """
    server = FakeApiServer(folder / "kubeconfig")
    server.release()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        (_, port, *_) = runner.addresses[0]
        server.kubeconfig.write_text(_kubeconfig(f"http://127.0.0.1:{port}"))
        yield server
    finally:
        server.close()
        await runner.cleanup()


def _kubeconfig(url: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": url}}],
            "users": [{"name": "test", "user": {"token": "a-token"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }
    )


def _name_of(path: str) -> Name | None:
    for plural, parent in _PARENTS.items():
        rest = path.removeprefix(f"{parent}/").removesuffix("/status").split("/")
        match rest:
            case [only] if only == plural and path.startswith(parent):
                return Name(plural)
            case ["namespaces", namespace, found, *name] if found == plural:
                return Name(plural, namespace, "".join(name))
    return None


def _belongs(key: Name, asked: Name, value: Object, query: Mapping[str, str]) -> bool:
    if key.plural != asked.plural or asked.namespace not in ("", key.namespace):
        return False
    selectors = query.get("fieldSelector", "").split(",")
    return f"type!={value.get('type', 'Opaque')}" not in selectors


def _frame(event: _Event) -> bytes:
    return json.dumps({"type": event.kind, "object": event.value}).encode() + b"\n"


def _error_response(error: ErrorAnswer) -> web.Response:
    body = _status(error.status, message=error.message)
    return web.json_response(body, status=error.status, headers=error.headers)


def _status(code: int, reason: str = "", message: str = "no") -> Object:
    text = {"reason": reason, "message": message}
    return {"kind": "Status", "status": "Failure", "code": code, **text}
