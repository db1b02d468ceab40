"""The page at the root: all monitors, the urgent first."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from yuptime_exporter.core.cron_times import NEVER
from yuptime_exporter.core.messages import shown_message
from yuptime_exporter.core.model import Judged, MonitorKey, Reason, State
from yuptime_exporter.core.overview import URGENCY, Filters, Overview
from yuptime_exporter.web.api.board import Board
from yuptime_exporter.web.api.query import ListQuery, QueryInvalid, parse_query
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.pages.examples import EXAMPLE_MONITOR, example_push
from yuptime_exporter.web.pages.rendering import Pages
from yuptime_exporter.web.router import Handler

# How many different pages are kept and how long, so that 100 browsers cost as much as a few.
_KEPT_PAGES = 16
_KEPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class NextMoment:
    """The moment that a person waits for, with the word before it."""

    word: str
    timestamp: float


@dataclass(frozen=True, slots=True)
class MonitorLine:
    """One monitor in the list. The script of the page makes the same line from an event."""

    key: MonitorKey
    href: str
    state: State
    reason: str
    since: float
    last_push: float | None
    next: NextMoment | None
    labels: tuple[tuple[str, str], ...]
    message: str


def list_page_handler(
    board: Board, pages: Pages, *, monitors_by_type: Callable[[], Mapping[str, int]]
) -> Handler:
    """Return the handler of `GET /`.

    Args:
        board: all monitors.
        pages: renders the page.
        monitors_by_type: returns the number of declared monitors, by `spec.type`.
    """
    return _ListPage(board, pages, monitors_by_type).answer


@dataclass(frozen=True, slots=True)
class _Rendered:
    """A rendered page: the version and the moment that it shows."""

    answer: Answer
    version: int
    timestamp: float


class _ListPage:
    """The page, rendered at most once a second for each query while nothing changes.

    The script of a page names the last event that it has seen, and gets the page that another
    browser got within the last second, if that page is no older than the event.
    """

    def __init__(
        self, board: Board, pages: Pages, monitors_by_type: Callable[[], Mapping[str, int]]
    ) -> None:
        self._board = board
        self._pages = pages
        self._monitors_by_type = monitors_by_type
        self._rendered: dict[object, _Rendered] = {}
        self._rendering = asyncio.Lock()

    async def answer(self, request: Request) -> Answer:
        """Answer a request for the list."""
        try:
            query = parse_query(request.query, strict=False)
        except QueryInvalid as error:
            return await self._invalid(error, self._board.clock())
        seen_version = self._board.version_of(request.headers.get("Last-Event-ID", ""))
        async with self._rendering:
            now_timestamp = self._board.clock()
            asked = (query, request.origin, self._board.exporter())
            kept = self._rendered.get(asked)
            if kept is None or not 0 <= now_timestamp - kept.timestamp < _KEPT_SECONDS:
                kept = None
            elif seen_version is not None and seen_version <= kept.version:
                return kept.answer
            overview = await self._board.overview()
            if kept is not None and kept.version == overview.version:
                return kept.answer
            version = overview.version
            answer = await self._page(request, query, overview, now_timestamp)
            self._rendered.pop(asked, None)
            if len(self._rendered) >= _KEPT_PAGES:
                self._rendered.pop(next(iter(self._rendered)))
            self._rendered[asked] = _Rendered(answer, version, now_timestamp)
            return answer

    async def _page(
        self, request: Request, query: ListQuery, overview: Overview, now_timestamp: float
    ) -> Answer:
        listing = overview.listing(query.filters, offset=query.offset, limit=query.limit)
        values = {
            "exporter": self._board.exporter(),
            "query": query,
            "filtered": query.filters != Filters(),
            "url": lambda other: f"./?{encoded}" if (encoded := other.encoded()) else "./",
            "events": _events(query),
            "event_id": self._board.event_id(overview),
            "states": URGENCY,
            "counts": listing.counts,
            "total": listing.total,
            "pages": math.ceil(listing.total / query.limit),
            "namespaces": overview.namespaces,
            "monitors": [_line(one) for one in listing.judged],
            "no_monitors": not overview.namespaces,
            "cluster": self._pages.facts.cluster,
            "ignored": sum(self._monitors_by_type().values()),
            "example": EXAMPLE_MONITOR,
            "example_push": example_push(self._pages.facts.push_base_url(request)),
        }
        return await self._pages.page("monitors.html", values, root="", now_timestamp=now_timestamp)

    async def _invalid(self, error: QueryInvalid, now_timestamp: float) -> Answer:
        values = {
            "exporter": self._board.exporter(),
            "heading": "This address cannot be read",
            "text": str(error),
        }
        return await self._pages.page(
            "failure.html",
            values,
            root="",
            now_timestamp=now_timestamp,
            status=HTTPStatus.BAD_REQUEST,
        )


def _events(query: ListQuery) -> str:
    """Return the address of the events about the monitors of a list, whatever their state."""
    encoded = ListQuery(filters=query.with_states(()).filters).encoded()
    return f"api/v1/events?{encoded}" if encoded else "api/v1/events"


def _line(judged: Judged) -> MonitorLine:
    row, verdict = judged
    key, last = row.monitor.key, row.last_push
    return MonitorLine(
        key=key,
        href=monitor_path(key),
        state=verdict.state,
        reason=reason_text(verdict.reason),
        since=verdict.since_timestamp,
        last_push=last.received_timestamp if last and last.status else None,
        next=next_moment(judged),
        labels=row.monitor.alert_labels,
        message=shown_message(last.message) if last else "",
    )


def monitor_path(key: MonitorKey) -> str:
    """Return the way from the root to the page of a monitor."""
    return f"monitors/{quote(key.namespace, safe='')}/{quote(key.name, safe='')}"


def reason_text(reason: Reason) -> str:
    """Return a reason in words."""
    return reason.replace("_", " ")


def next_moment(judged: Judged) -> NextMoment | None:
    """Return the moment that a person waits for; None: a push or a declaration is awaited."""
    verdict = judged.verdict
    match verdict.state:
        case State.UP | State.LATE | State.PENDING if verdict.deadline_timestamp == NEVER:
            return None
        case State.UP:
            return NextMoment("due", verdict.due_timestamp)
        case State.LATE | State.PENDING:
            return NextMoment("down", verdict.deadline_timestamp)
        case State.DOWN if verdict.reason is not Reason.REPORTED_DOWN:
            return NextMoment("was due", verdict.due_timestamp)
        case State.DOWN | State.PAUSED:
            return None
