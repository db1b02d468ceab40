"""The pings of healthchecks.io: `/ping/{token}` with a word or an exit code behind it."""

import re
from http import HTTPStatus

from yuptime_exporter.core.errors import MalformedPush, Rejection, RejectionReason
from yuptime_exporter.core.messages import stored_message
from yuptime_exporter.core.model import MonitorKey, Push, PushKind
from yuptime_exporter.engine.addressing import Addressing
from yuptime_exporter.engine.receiver import Receipt
from yuptime_exporter.web.failures import rejected
from yuptime_exporter.web.http import TEXT, Answer, Request
from yuptime_exporter.web.pushes.exchange import Dialect, Report
from yuptime_exporter.web.pushes.text import content_type, words
from yuptime_exporter.web.pushes.url_tokens import any_method, monitor_of_url, url_token

_KINDS = {
    "": PushKind.UP,
    "start": PushKind.START,
    "fail": PushKind.DOWN,
    "log": PushKind.LOG,
}
_EXIT_CODE = re.compile(r"[0-9]+")
_MAX_EXIT_CODE = 255

_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# Clients cut the body to this many bytes; `Access-Control-Allow-Origin` lets pages in browsers push.
_HEADERS = {"Ping-Body-Limit": "10000", "Access-Control-Allow-Origin": "*"}


def _word(request: Request) -> str:
    """Return the last segment of the path: a word, or an exit code; empty if there is none."""
    return request.parameters.get("word", "")


def _is_word(segment: str) -> bool:
    return segment in _KINDS or _EXIT_CODE.fullmatch(segment) is not None


def _monitor(request: Request, token: bytes | None, addressing: Addressing | None) -> MonitorKey:
    """Return the monitor of `/ping/TOKEN/NAME`, or of another path without a name.

    A segment that may be a word is one: the push to a monitor named `fail` must not mean up.
    """
    word = _word(request)
    if "name" in request.parameters or _is_word(word):
        return monitor_of_url(request, token, addressing)
    if word != word.lower():
        raise MalformedPush("invalid url format: expected a name in lower case, got capitals")
    named = request.with_parameters({**request.parameters, "name": word})
    return monitor_of_url(named, token, addressing)


def _parse(request: Request, body: bytes) -> Report:
    word = _word(request)
    if not _is_word(word):
        if "name" in request.parameters:
            raise MalformedPush(
                "invalid url format: expected start, fail, log or an exit code at the end of the "
                "path, got another word"
            )
        word = ""  # the name of the monitor
    exit_code = _exit_code(word) if word not in _KINDS else None
    kind = _KINDS.get(word) or (PushKind.DOWN if exit_code else PushKind.UP)
    text = words(body, content_type(request.header_list("Content-Type")).codec)
    message, truncated = stored_message(text)
    return Report(
        kind,
        message,
        truncated,
        run_id=_run_id(request),
        exit_code=exit_code,
    )


def _exit_code(digits: str) -> int:
    if len(digits) > len(str(_MAX_EXIT_CODE)) or int(digits) > _MAX_EXIT_CODE:
        raise MalformedPush(
            f"invalid url format: expected an exit code from 0 to {_MAX_EXIT_CODE}, got another"
        )
    return int(digits)


def _run_id(request: Request) -> str:
    """Return the id of the run, in lower case, as the same UUID is always the same run."""
    values = request.query_values("rid")
    if not values:
        return ""
    if len(set(values)) > 1 or not _RUN_ID.fullmatch(values[0]):
        raise MalformedPush("invalid uuid format: expected a UUID as rid, got another text")
    return values[0].lower()


def _answer(_receipt: Receipt, _push: Push) -> Answer:
    return Answer(body=b"OK", headers=_HEADERS)


def _rejected(rejection: Rejection) -> Answer:
    answer = rejected(rejection)
    match rejection.reason:
        case RejectionReason.UNAUTHORIZED:
            return Answer(HTTPStatus.NOT_FOUND, b"not found", headers=_HEADERS)
        case RejectionReason.AMBIGUOUS:
            text = "ambiguous slug"
        case _:
            text = str(rejection)
    headers = {**answer.headers, **_HEADERS}
    return answer.replace(body=text.encode(), content_type=TEXT, headers=headers)


HEALTHCHECKS = Dialect(
    name="healthchecks",
    routes=tuple(
        any_method(
            "/ping/{token}", "/ping/{token}/", "/ping/{token}/{word}", "/ping/{token}/{name}/{word}"
        )
    ),
    token=url_token,
    parse=_parse,
    answer=_answer,
    rejected=_rejected,
    monitor=_monitor,
    body_has_status=False,
)
