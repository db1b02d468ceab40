"""The monitors as JSON: a list with filters and pages, and one monitor with all that is known."""

from collections.abc import Iterable
from http import HTTPStatus

from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.model import Judged, MonitorKey
from yuptime_exporter.core.overview import Listing
from yuptime_exporter.engine.rejections import Rejections
from yuptime_exporter.moments import rfc3339, timestamp_of
from yuptime_exporter.web.api.board import Board
from yuptime_exporter.web.api.caching import with_entity_tag
from yuptime_exporter.web.api.past import PastReader
from yuptime_exporter.web.api.query import ListQuery, QueryInvalid, parse_query
from yuptime_exporter.web.api.representation import (
    Visibility,
    exporter_json,
    monitor_summary,
    past_json,
    rejections_json,
    spec_and_counts,
)
from yuptime_exporter.web.failures import problem
from yuptime_exporter.web.http import Answer, Request, json_answer
from yuptime_exporter.web.router import Handler


def list_handler(board: Board, visibility: Visibility) -> Handler:
    """Return the handler of `GET /api/v1/monitors`."""

    async def answer_list(request: Request) -> Answer:
        try:
            query = parse_query(request.query, strict=True)
        except QueryInvalid as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error))
        overview = await board.overview()
        listing = overview.listing(query.filters, offset=query.offset, limit=query.limit)
        body = {
            "exporter": exporter_json(board.exporter()),
            "counts": {str(state): count for state, count in listing.counts.items()},
            "total": listing.total,
            "page": query.page,
            "limit": query.limit,
            "nextPage": _next_page(query, listing),
            "monitors": await _summaries(listing.judged, visibility),
        }
        return with_entity_tag(request, json_answer(body))

    return answer_list


def monitor_handler(
    board: Board, past: PastReader, rejections: Rejections, visibility: Visibility
) -> Handler:
    """Return the handler of `GET /api/v1/monitors/{namespace}/{name}`."""

    async def answer_monitor(request: Request) -> Answer:
        try:
            at_timestamp = _moment(request)
        except QueryInvalid as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error))
        key = requested_key(request)
        row = board.table.row(key)
        if row is None:
            return unknown_monitor()
        now_timestamp = board.clock() if at_timestamp is None else at_timestamp
        judged = Judged(row, board.table.verdict(row, now_timestamp=now_timestamp))
        body = {
            **monitor_summary(judged, visibility),
            **spec_and_counts(judged),
            "at": None if at_timestamp is None else rfc3339(at_timestamp),
            "rejections": rejections_json(rejections.recent(key)),
            **past_json(await past.of(row), visibility),
        }
        return json_answer(body)

    return answer_monitor


async def _summaries(judged: Iterable[Judged], visibility: Visibility) -> list[dict[str, object]]:
    """Return the monitors of a list, made in short turns on the event loop."""
    turn, summaries = Turn(), []
    for one in judged:
        summaries.append(monitor_summary(one, visibility))
        if turn.is_over():
            await turn.pass_on()
    return summaries


def requested_key(request: Request) -> MonitorKey:
    """Return the monitor that the path of a request names."""
    return MonitorKey(request.parameters["namespace"], request.parameters["name"])


def unknown_monitor() -> Answer:
    """Return the answer about a monitor that is not declared."""
    detail = "no such monitor is declared; GET /api/v1/monitors lists all that are"
    return problem(HTTPStatus.NOT_FOUND, detail)


def _next_page(query: ListQuery, listing: Listing) -> str | None:
    """Return the query of the next page; None on the last."""
    if query.offset + len(listing.judged) >= listing.total:
        return None
    return f"?{query.at_page(query.page + 1).encoded()}"


# The last moment that RFC 3339 can write, 9999-12-31T23:59:59Z.
_LATEST_TIMESTAMP = 253_402_300_799


def _moment(request: Request) -> float | None:
    """Return the moment of `?at=`; None without it.

    Raises:
        QueryInvalid: it is no moment.
    """
    given = request.query_values("at")
    if not given:
        return None
    timestamp = _unix_seconds(given[0])
    if timestamp is None:
        timestamp = timestamp_of(given[0].replace(" ", "+"))  # a + that was not encoded
    if len(given) > 1 or timestamp is None or not 0 <= timestamp <= _LATEST_TIMESTAMP:
        raise QueryInvalid(
            "at: expected one moment from 1970 on, as in 2026-01-31T08:00:00Z or in Unix seconds, "
            "got another value"
        )
    return timestamp


def _unix_seconds(text: str) -> float | None:
    whole, _, fraction = text.partition(".")
    digits = whole.isdecimal() and text.isascii() and (not fraction or fraction.isdecimal())
    return float(text) if digits and len(whole) <= len(str(_LATEST_TIMESTAMP)) else None
