"""The page at the root: all monitors, the urgent first."""

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

# How many different pages of one second are kept, so that 100 browsers cost as much as a few.
_KEPT_PAGES = 16


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


class _ListPage:
    """The page, rendered at most once a second for each query and state of affairs."""

    def __init__(
        self, board: Board, pages: Pages, monitors_by_type: Callable[[], Mapping[str, int]]
    ) -> None:
        self._board = board
        self._pages = pages
        self._monitors_by_type = monitors_by_type
        self._rendered: dict[object, Answer] = {}

    async def answer(self, request: Request) -> Answer:
        """Answer a request for the list."""
        now_timestamp = self._board.clock()
        try:
            query = parse_query(request.query, strict=False)
        except QueryInvalid as error:
            return self._invalid(error, now_timestamp)
        overview = await self._board.overview()
        exporter = self._board.exporter()
        asked = (query, overview.version, exporter, int(now_timestamp), request.origin)
        if asked not in self._rendered:
            if len(self._rendered) >= _KEPT_PAGES:
                self._rendered.pop(next(iter(self._rendered)))
            self._rendered[asked] = self._page(request, query, overview, now_timestamp)
        return self._rendered[asked]

    def _page(
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
        return self._pages.page("monitors.html", values, root="", now_timestamp=now_timestamp)

    def _invalid(self, error: QueryInvalid, now_timestamp: float) -> Answer:
        values = {
            "exporter": self._board.exporter(),
            "heading": "This address cannot be read",
            "text": str(error),
        }
        return self._pages.page(
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
