"""An Alertmanager that accepts alerts like the real one, and fails on request.

    async with fake_alertmanager() as alertmanager:
        ...
        await eventually(alertmanager.received, bool)

test_alertmanager.py compares its verdicts with those of the real one.
"""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

API_PATH = "/api/v2/alerts"

# Global setting resolve_timeout: the lifetime of an alert without an end.
_RESOLVE_TIMEOUT = timedelta(minutes=5)

# Go's zero time means that no time was given.
_NO_TIME = datetime(1, 1, 1, tzinfo=UTC)

# prometheus/alertmanager, before 0.27 and later in its classic mode.
_CLASSIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

# strfmt.DateTime of go-openapi: RFC 3339, where the offset may be missing.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")


@dataclass(frozen=True, slots=True)
class Received:
    """An alert that was accepted."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts: datetime
    ends: datetime
    generator_url: str
    at: datetime

    @property
    def resolved(self) -> bool:
        return self.ends <= self.at


@dataclass(frozen=True, slots=True)
class Request:
    """A received request, and the status of its answer; status 0: no answer."""

    path: str
    headers: Mapping[str, str]
    batch: list[Any]
    status: int


class _WholeRefusedError(Exception):
    """The whole request is refused."""

    def __init__(self, status: int, text: str, *, code: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code or status


@dataclass
class FakeAlertmanager:
    """The received requests, and the behaviour that a test wants.

    Attributes:
        requests: all requests, in the order of their arrival.
        accepted: all accepted alerts, in the order of their arrival.
        status: the answer to every request, without reading it; 0: read each request.
        answer: the body of an answer with `status`.
        headers: of an answer with `status`.
        poison: the status for a request with an alert that has all these labels; with 400 the
            other alerts of the request are accepted, like at the real one.
        delay_seconds: delay of each answer.
        hanging: accept connections and requests, and never answer.
    """

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    accepted: list[Received] = field(default_factory=list)
    status: int = 0
    answer: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    poison: dict[tuple[tuple[str, str], ...], int] = field(default_factory=dict)
    delay_seconds: float = 0.0
    hanging: bool = False
    _awake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def refuse(self, status: int, **labels: str) -> None:
        """Answer with this status to a request with an alert that has all these labels."""
        self.poison[tuple(sorted(labels.items()))] = status

    def redirect(self, url: str, status: int = HTTPStatus.TEMPORARY_REDIRECT) -> None:
        """Redirect all requests."""
        self.status, self.headers = status, {"Location": url}

    def recover(self) -> None:
        """End all failures; hanging requests end without an answer."""
        self.status, self.answer, self.headers, self.delay_seconds = 0, "", {}, 0.0
        self.poison.clear()
        self.hanging = False
        self._awake.set()
        self._awake = asyncio.Event()

    def alerts(self) -> dict[str, Received]:
        """Return the newest accepted version of each alert, by its label `monitor`."""
        return {one.labels.get("monitor", ""): one for one in self.accepted}

    async def firing(self) -> set[str]:
        """Return the monitors with an alert that is not resolved."""
        return {monitor for monitor, one in self.alerts().items() if not one.resolved}

    async def resolved(self) -> set[str]:
        """Return the monitors with a resolved alert."""
        return self.alerts().keys() - await self.firing()

    def alerts_of(self, monitor: str) -> Callable[[], Awaitable[list[Received]]]:
        """Return a function for `eventually` that gives all accepted alerts of one monitor."""

        async def ask() -> list[Received]:
            return [one for one in self.accepted if one.labels.get("monitor") == monitor]

        return ask

    async def received(self) -> int:
        """Return the number of requests."""
        return len(self.requests)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        body = await request.read()
        if self.hanging:
            self._note(request, body, 0)
            await self._awake.wait()
            if request.transport is not None:  # else the client has given up
                request.transport.abort()
            return web.Response()
        await asyncio.sleep(self.delay_seconds)
        if self.status:
            response = web.Response(status=self.status, text=self.answer, headers=self.headers)
        else:
            response = self._respond(request, body)
        self._note(request, body, response.status)
        return response

    def _note(self, request: web.Request, body: bytes, status: int) -> None:
        batch: list[Any] = []
        try:
            parsed = json.loads(body)
            batch = parsed if isinstance(parsed, list) else []
        except ValueError:
            pass
        self.requests.append(Request(request.path, dict(request.headers), batch, status))

    def _respond(self, request: web.Request, body: bytes) -> web.Response:
        if not request.path.endswith(API_PATH):
            return web.json_response({"code": 404, "message": "path not found"}, status=404)
        if request.method != "POST":
            return web.json_response({"code": 405, "message": "not allowed"}, status=405)
        try:
            good, bad = self._judged(request.content_type, body)
        except _WholeRefusedError as error:
            answer = {"code": error.code, "message": str(error)}
            return web.json_response(answer, status=error.status)
        self.accepted += good
        if bad:
            return web.json_response("; ".join(bad), status=400)
        return web.Response()

    def _judged(self, content_type: str, body: bytes) -> tuple[list[Received], list[str]]:
        if content_type != "application/json":
            raise _WholeRefusedError(415, f"unsupported media type {content_type!r}")
        try:
            batch = json.loads(body)
        except ValueError as error:
            raise _WholeRefusedError(400, str(error)) from None
        if not isinstance(batch, list | None):
            raise _WholeRefusedError(400, "cannot unmarshal into a list of alerts")
        now = datetime.now(UTC)
        # All alerts are parsed before the first is checked: a batch is one JSON document.
        read = [_read(one, now) for one in batch or []]
        good: list[Received] = []
        bad: list[str] = []
        for alert in read:
            status = self._poisoned(alert.labels)
            if status and status != HTTPStatus.BAD_REQUEST:
                raise _WholeRefusedError(status, "poisoned")
            problem = "poisoned" if status else _problem(alert)
            if problem:
                bad.append(problem)
            else:
                good.append(alert)
        return good, bad

    def _poisoned(self, labels: Mapping[str, str]) -> int:
        for poison, status in self.poison.items():
            if set(poison) <= set(labels.items()):
                return status
        return 0


@asynccontextmanager
async def fake_alertmanager(
    *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[FakeAlertmanager]:
    """Listen until the end of the block, and then refuse connections.

    Args:
        host: an address of this machine; all of 127.0.0.0/8 are.
        port: 0: any free port.
        tls: for https.
    """
    fake = FakeAlertmanager()
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", fake.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
        (_, bound_port, *_) = runner.addresses[0]
        fake.url = f"{'https' if tls else 'http'}://{host}:{bound_port}"
        yield fake
    finally:
        fake.recover()
        await runner.cleanup()


def _read(value: object, now: datetime) -> Received:
    """Parse an alert like the generated code of the API; a mistake refuses the whole request."""
    if not isinstance(value, dict):
        raise _WholeRefusedError(400, "cannot unmarshal into an alert")
    texts: dict[str, dict[str, str]] = {}
    for name in ("labels", "annotations"):
        texts[name] = value.get(name) or {}
        if not isinstance(texts[name], dict) or not all(
            isinstance(text, str | None) for text in texts[name].values()
        ):
            raise _WholeRefusedError(400, f"cannot unmarshal {name}")
    starts, ends = (_time(value.get(name)) for name in ("startsAt", "endsAt"))
    url = value.get("generatorURL", "")
    if not isinstance(url, str):
        raise _WholeRefusedError(400, "cannot unmarshal generatorURL")
    if "labels" not in value:
        raise _WholeRefusedError(422, "labels is required", code=602)
    if url and not _is_request_uri(url):
        raise _WholeRefusedError(422, "generatorURL must be of type uri", code=601)
    starts = starts or min(now, ends or now)
    return Received(
        labels={name: text for name, text in texts["labels"].items() if text},
        annotations=texts["annotations"],
        starts=starts,
        ends=ends or now + _RESOLVE_TIMEOUT,
        generator_url=url,
        at=now,
    )


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise _WholeRefusedError(400, f"cannot parse the time {value!r}")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise _WholeRefusedError(400, str(error)) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None if moment == _NO_TIME else moment


def _is_request_uri(text: str) -> bool:
    """Whether Go's url.ParseRequestURI accepts a text: an absolute path, or a URL with a scheme."""
    return " " not in text and (text.startswith("/") or bool(urlsplit(text).scheme))


def _problem(alert: Received) -> str | None:
    """Return the mistake of a single alert, which refuses that alert only."""
    if not alert.labels:
        return "at least one label pair required"
    for name in (*alert.labels, *alert.annotations):
        if not _CLASSIC_NAME.fullmatch(name):
            return f"invalid name {name!r}"
    if alert.ends < alert.starts:
        return "start time must be before end time"
    return None
