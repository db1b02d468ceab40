"""What all streams of events say in one round, looked up and encoded once for all clients.

A round is a second. Its first stream brings the overview up to date and encodes the changes; the
other streams that follow the same monitors send the same bytes. So a push and a scrape cost the
same with one client as with a hundred.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from yuptime_exporter.core.overview import Filters, Overview
from yuptime_exporter.web.api.board import Board
from yuptime_exporter.web.api.representation import Visibility, exporter_json, monitor_summary

# With more changed monitors than this a client reads the list again, which costs less.
MAX_CHANGED = 100


@dataclass(frozen=True, slots=True)
class News:
    """The news for the clients that follow the same monitors and have the same version.

    Attributes:
        events: encoded; empty when there is nothing to say.
        version: of the overview, which the clients have after the events.
    """

    events: bytes
    version: int


class Round:
    """One look at the monitors and the exporter.

    Attributes:
        number: counted from the start of the event loop's clock.
        exporter: the event about the exporter itself.
    """

    def __init__(
        self, number: int, board: Board, overview: Overview, visibility: Visibility
    ) -> None:
        self.number = number
        self.exporter = _event("exporter", exporter_json(board.exporter()))
        self._board = board
        self._overview = overview
        self._visibility = visibility
        self._news: dict[tuple[Filters, int | None], News] = {}

    def news(self, filters: Filters, since: int | None) -> News:
        """Return the news for clients of a version; None: they know nothing."""
        asked = (filters, since)
        if asked not in self._news:
            # The overview may be newer than the round, since pages bring it up to date too.
            self._news[asked] = News(self._events(filters, since), self._overview.version)
        return self._news[asked]

    def _events(self, filters: Filters, since: int | None) -> bytes:
        if since is None:
            return self._reset(filters)
        if since == self._overview.version:
            return b""
        changes = self._overview.changes_since(since, filters, limit=MAX_CHANGED)
        if not changes.complete:
            return self._reset(filters)
        if not changes.judged and not changes.removed:
            return b""
        value = {
            "counts": self._counts(filters),
            "monitors": [monitor_summary(one, self._visibility) for one in changes.judged],
            "removed": [{"namespace": key.namespace, "name": key.name} for key in changes.removed],
            "moved": changes.moved,
        }
        return _event("changes", value, event_id=self._board.event_id(self._overview))

    def _reset(self, filters: Filters) -> bytes:
        value = {"counts": self._counts(filters)}
        return _event("reset", value, event_id=self._board.event_id(self._overview))

    def _counts(self, filters: Filters) -> dict[str, int]:
        counts = self._overview.listing(filters, offset=0, limit=0).counts
        return {str(state): count for state, count in counts.items()}


class Rounds:
    """The rounds, each begun by the first stream that asks. For the event loop's thread only."""

    def __init__(self, board: Board, visibility: Visibility, *, seconds: float) -> None:
        """Have no round yet.

        Args:
            board: all monitors, and the exporter.
            visibility: whether messages are shown.
            seconds: the length of a round.
        """
        self._board = board
        self._visibility = visibility
        self._seconds = seconds
        self._time = asyncio.get_running_loop().time
        self._looking = asyncio.Lock()
        self._round: Round | None = None

    async def current(self) -> Round:
        """Return the round of this moment."""
        async with self._looking:
            number = int(self._time() / self._seconds)
            if self._round is None or self._round.number != number:
                overview = await self._board.overview()
                self._round = Round(number, self._board, overview, self._visibility)
            return self._round

    def seconds_until_next(self) -> float:
        """Return the time until the next round begins."""
        return self._seconds - self._time() % self._seconds


def _event(name: str, value: Mapping[str, object], *, event_id: str = "") -> bytes:
    """Return one event; JSON has no raw line break, so its data is one line."""
    identity = f"id: {event_id}\n" if event_id else ""
    return f"event: {name}\n{identity}data: {json.dumps(value)}\n\n".encode()
