"""The native push: `POST /api/push/{namespace}/{name}` with a token, JSON, form or query."""

from difflib import get_close_matches
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from math import inf

from yuptime_exporter.core.errors import MalformedPush
from yuptime_exporter.core.messages import stored_message
from yuptime_exporter.core.model import RESULTS, Push, PushKind
from yuptime_exporter.engine.receiver import Receipt
from yuptime_exporter.moments import rfc3339
from yuptime_exporter.web.credentials import sent_token
from yuptime_exporter.web.http import JSON, Answer, Request
from yuptime_exporter.web.pushes.exchange import Dialect, Report
from yuptime_exporter.web.pushes.fields import (
    Fields,
    body_fields,
    form_fields,
    kind_of,
    value_as_text,
)
from yuptime_exporter.web.pushes.run_fields import NO_RUN_FIELDS, run_fields
from yuptime_exporter.web.pushes.text import content_type

_NAMES = ("status", "message", "runId", "durationSeconds", "exitCode")
_KINDS = {kind.value: kind for kind in PushKind}
_LOWER = {name.lower(): name for name in _NAMES}

# A longer push is seldom sent twice.
_REMEMBERED_CHARS = 256

_EXPECTED_STATUS = 'status: expected "up", "down", "start" or "log"'


def parse_report(body: bytes, media_type: str = "", *, query: str = "") -> Report:
    """Read the report in a body, a query, or both.

    A flaw in the message never costs the status. A flaw in the status is always an error, so that
    only a push that carries nothing at all means up.

    Args:
        body: as it arrived; its first character says whether it is JSON.
        media_type: the value of the Content-Type header; empty: none.
        query: everything after the question mark, not decoded.

    Raises:
        UnsupportedBody: a media type that is neither JSON, nor text, nor a form.
        MalformedPush: fields or status are not those of a push.
    """
    if len(body) + len(query) + len(media_type) > _REMEMBERED_CHARS:
        return _report(body, media_type, query)
    return _remembered(body, media_type, query)


def _report(body: bytes, media_type: str, query: str) -> Report:
    if not body and not query:
        return Report(PushKind.UP)
    given: dict[str, object] = {}
    if body:
        _add(given, body_fields(body, content_type(media_type)), "body")
    if query:
        raw = query.encode("utf-8", "surrogateescape")
        _add(given, form_fields(raw, place="query"), "query")
    kind = _kind(given)
    message, truncated = "", False
    if "message" in given:
        message, truncated = stored_message(value_as_text(given["message"]))
    run = run_fields(given, kind) if len(given) > 1 else NO_RUN_FIELDS
    return Report(kind, message, truncated, *run)


# Most pushes of a job say the same as the push before.
_remembered = lru_cache(maxsize=1024)(_report)


def _add(given: dict[str, object], fields: Fields, place: str) -> None:
    """Add the fields of one place to those given already. One rule for JSON, form and query."""
    for name, value in fields:
        if name not in _NAMES:
            raise MalformedPush(
                f"{place}: expected the fields {', '.join(_NAMES)}, got an unknown field"
                + _suggestion(name)
            )
        if name in given:
            raise MalformedPush(f"{name}: expected once, got twice")
        given[name] = value


def _kind(given: dict[str, object]) -> PushKind:
    """Return what the job reported: exactly `up`, `down`, `start` or `log`."""
    if "status" not in given:
        raise MalformedPush(f"{_EXPECTED_STATUS}, got no status")
    status = given["status"]
    if not isinstance(status, str):
        raise MalformedPush(f"{_EXPECTED_STATUS}, got {kind_of(status)}")
    if status not in _KINDS:
        raise MalformedPush(f"{_EXPECTED_STATUS}, got {_flaw(status)}")
    return _KINDS[status]


def _flaw(status: str) -> str:
    """Name the flaw of a status without repeating it."""
    if not status:
        return "an empty one"
    meant = status.strip().lower()
    if meant in _KINDS:
        return f'another spelling of "{meant}"'
    return "another value" + (" (fields are separated by &)" if "=" in status else "")


def _suggestion(name: str) -> str:
    """Name the field that a client may have meant, of those that there are."""
    close = get_close_matches(name[:20].lower().replace("_", ""), _LOWER, n=1)
    return f'; did you mean "{_LOWER[close[0]]}"?' if close else ""


def _parse(request: Request, body: bytes) -> Report:
    return parse_report(body, request.header_list("Content-Type"), query=request.query)


def _answer(receipt: Receipt, push: Push) -> Answer:
    verdict = receipt.verdict
    last_push = receipt.row.last_push
    received = push.received_timestamp
    if push.kind in RESULTS and last_push is not None:
        received = last_push.received_timestamp
    # An encoder for any JSON takes three times as long.
    truncated = ', "messageTruncated": true' if push.message_truncated else ""
    text = (
        f'{{"monitor": {quoted(str(receipt.row.monitor.key))}, "state": "{verdict.state}", '
        f'"receivedAt": "{rfc3339(received)}", "expiresAt": {_moment(verdict.due_timestamp)}, '
        f'"deadline": {_moment(verdict.deadline_timestamp)}{truncated}}}'
    )
    return Answer(body=text.encode("ascii"), content_type=JSON)


def _moment(timestamp: float) -> str:
    """Return a moment in JSON; null where it never comes."""
    return "null" if timestamp == inf else f'"{rfc3339(timestamp)}"'


NATIVE = Dialect(
    name="native",
    routes=(("POST", "/api/push/{namespace}/{name}"),),
    token=sent_token,
    parse=_parse,
    answer=_answer,
)
