"""Changes as server-sent events (HTML, section 9.2): a browser or a program follows the monitors.

The stream of a client holds one number, the version that the client has. Once a second it sends
everything that became different since, which is encoded once for all streams (`rounds`). So a push
does no work for streams, and a slow client gets the newest state late, but holds back neither
memory nor other clients.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from yuptime_exporter.core.overview import Filters
from yuptime_exporter.web.api.board import Board
from yuptime_exporter.web.api.query import QueryInvalid, parse_query
from yuptime_exporter.web.api.representation import Visibility
from yuptime_exporter.web.api.rounds import Rounds
from yuptime_exporter.web.failures import problem
from yuptime_exporter.web.http import Answer, Request

EVENT_STREAM = "text/event-stream; charset=utf-8"

# More streams than this would take the connections of jobs; a browser that is refused comes back.
MAX_STREAMS = 256
RETRY_SECONDS = 5

# A person does not see a second, and a program that needs every push reads its history.
ROUND_SECONDS = 1.0

# A stream that is silent for a minute is cut by common proxies, and a client that left without a
# word is noticed only by writing to it.
HEARTBEAT_ROUNDS = 15

# The streams of a round send one after the other within a quarter of it: at once they would keep
# pushes waiting.
_SENDERS = 32
_SPREAD = 0.25

_NAMES = ("namespace", "name", "label", "search", "since")


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Limits of streams.

    Attributes:
        max_streams: open at once.
        round_seconds: time between two looks at the overview, above 0.
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
        self._stopping = stopping
        self._limits = limits or StreamLimits()
        self._rounds = Rounds(board, visibility, seconds=self._limits.round_seconds)
        self._opened = 0

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
        return answer.replace(parts=self._events(filters, self._board.version_of(known)))

    async def _events(self, filters: Filters, since: int | None) -> AsyncIterator[tuple[bytes]]:
        self.open += 1
        self._opened += 1
        turn = self._opened % _SENDERS / _SENDERS
        try:
            yield (f"retry: {RETRY_SECONDS * 1000}\n\n".encode(),)
            exporter = b""
            silent_rounds = 0
            while not self._stopping.is_set():
                current = await self._rounds.current()
                events = b"" if exporter == current.exporter else current.exporter
                exporter = current.exporter
                news = current.news(filters, since)
                events, since = events + news.events, news.version
                silent_rounds = 0 if events else silent_rounds + 1
                if silent_rounds == HEARTBEAT_ROUNDS:
                    events, silent_rounds = b": the stream is alive\n\n", 0
                if events:
                    yield (events,)
                await self._wait_for_round(turn)
        finally:
            self.open -= 1

    async def _wait_for_round(self, turn: float) -> None:
        """Return when the next round has come to this stream, or the exporter stops."""
        spread_seconds = self._limits.round_seconds * _SPREAD * turn
        with suppress(TimeoutError):
            async with asyncio.timeout(self._rounds.seconds_until_next() + spread_seconds):
                await self._stopping.wait()
