"""Changes as server-sent events (HTML, section 9.2): a browser or a program follows the monitors.

The stream of a client holds one number, the version that the client has. Once a second it asks the
overview for everything that became different since. So a push does no work for streams, and a slow
client gets the newest state late, but holds back neither memory nor other clients.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus

from yuptime_exporter.core.overview import Filters, Overview
from yuptime_exporter.web.api.board import Board
from yuptime_exporter.web.api.query import QueryInvalid, parse_query
from yuptime_exporter.web.api.representation import Visibility, exporter_json, monitor_summary
from yuptime_exporter.web.failures import problem
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Handler

EVENT_STREAM = "text/event-stream; charset=utf-8"

# More streams than this would take the connections of jobs; a browser that is refused comes back.
MAX_STREAMS = 256
RETRY_SECONDS = 5

# A person does not see a second, and a program that needs every push reads its history.
ROUND_SECONDS = 1.0

# A stream that is silent for a minute is cut by common proxies, and a client that left without a
# word is noticed only by writing to it.
HEARTBEAT_ROUNDS = 15

# With more changed monitors than this a client reads the list again, which costs less.
MAX_CHANGED = 100

_NAMES = ("namespace", "name", "label", "search", "since")


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Limits of streams.

    Attributes:
        max_streams: open at once.
        round_seconds: time between two looks at the overview.
    """

    max_streams: int = MAX_STREAMS
    round_seconds: float = ROUND_SECONDS


class EventStreams:
    """All streams of events. For the event loop's thread only.

    Attributes:
        open: number of streams.
    """

    def __init__(
        self,
        board: Board,
        visibility: Visibility,
        *,
        stopping: asyncio.Event,
        limits: StreamLimits | None = None,
    ) -> None:
        """Have no stream yet.

        Args:
            board: all monitors.
            visibility: whether messages are shown.
            stopping: set when the exporter stops; streams then end.
            limits: of streams.
        """
        self.open = 0
        self._board = board
        self._visibility = visibility
        self._stopping = stopping
        self._limits = limits or StreamLimits()
        self._encoded: dict[tuple[Filters, int, int], bytes] = {}

    async def answer(self, request: Request) -> Answer:
        """Answer `GET /api/v1/events`."""
        try:
            filters = parse_query(request.query, strict=True, names=_NAMES).filters
        except QueryInvalid as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error))
        if self.open >= self._limits.max_streams:
            return problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self._limits.max_streams} clients follow the events already; try again later",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        answer = Answer(content_type=EVENT_STREAM, headers={"X-Accel-Buffering": "no"})
        if request.method == "HEAD":
            return answer
        # A browser that reconnects sends the header, and with it the address of its first request.
        known = request.headers.get("Last-Event-ID") or "".join(request.query_values("since"))
        return replace(answer, parts=self._events(filters, self._board.version_of(known)))

    async def _events(self, filters: Filters, since: int | None) -> AsyncIterator[bytes]:
        self.open += 1
        try:
            yield f"retry: {RETRY_SECONDS * 1000}\n\n".encode()
            exporter: Mapping[str, object] = {}
            silent_rounds = 0
            while not self._stopping.is_set():
                overview = await self._board.overview()
                events = b""
                if exporter != (exporter := exporter_json(self._board.exporter())):
                    events += _event("exporter", exporter)
                if since is None:
                    events += self._reset(overview, filters)
                elif since != overview.version:
                    events += self._changes(overview, filters, since)
                since = overview.version
                silent_rounds = 0 if events else silent_rounds + 1
                if silent_rounds == HEARTBEAT_ROUNDS:
                    events, silent_rounds = b": the stream is alive\n\n", 0
                if events:
                    yield events
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.round_seconds):
                        await self._stopping.wait()
        finally:
            self.open -= 1

    def _changes(self, overview: Overview, filters: Filters, since: int) -> bytes:
        """Return the event about the changes, encoded once for all clients with the same version."""
        asked = (filters, since, overview.version)
        if asked not in self._encoded:
            self._encoded = {
                known: event
                for known, event in self._encoded.items()
                if known[2] == overview.version
            }
            self._encoded[asked] = self._encode(overview, filters, since)
        return self._encoded[asked]

    def _encode(self, overview: Overview, filters: Filters, since: int) -> bytes:
        changes = overview.changes_since(since, filters, limit=MAX_CHANGED)
        if not changes.complete:
            return self._reset(overview, filters)
        if not changes.judged and not changes.removed:
            return b""
        value = {
            "counts": _counts(overview, filters),
            "monitors": [monitor_summary(one, self._visibility) for one in changes.judged],
            "removed": [{"namespace": key.namespace, "name": key.name} for key in changes.removed],
            "moved": changes.moved,
        }
        return _event("changes", value, event_id=self._board.event_id(overview))

    def _reset(self, overview: Overview, filters: Filters) -> bytes:
        value = {"counts": _counts(overview, filters)}
        return _event("reset", value, event_id=self._board.event_id(overview))


def events_handler(streams: EventStreams) -> Handler:
    """Return the handler of `GET /api/v1/events`."""
    return streams.answer


def _counts(overview: Overview, filters: Filters) -> dict[str, int]:
    counts = overview.listing(filters, offset=0, limit=0).counts
    return {str(state): count for state, count in counts.items()}


def _event(name: str, value: Mapping[str, object], *, event_id: str = "") -> bytes:
    """Return one event; JSON has no raw line break, so its data is one line."""
    identity = f"id: {event_id}\n" if event_id else ""
    return f"event: {name}\n{identity}data: {json.dumps(value)}\n\n".encode()
