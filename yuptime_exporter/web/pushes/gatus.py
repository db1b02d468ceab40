"""The external endpoints of Gatus: `/api/v1/endpoints/{group}_{name}/external?success=true`."""

import re

from yuptime_exporter.core.errors import MalformedPush, Rejection, UnsupportedBody
from yuptime_exporter.core.messages import stored_message
from yuptime_exporter.core.model import MonitorKey, Push, PushKind
from yuptime_exporter.engine.addressing import Addressing
from yuptime_exporter.engine.receiver import Receipt
from yuptime_exporter.web.credentials import sent_token
from yuptime_exporter.web.failures import rejected
from yuptime_exporter.web.http import TEXT, Answer, Request
from yuptime_exporter.web.pushes.exchange import Dialect, Report
from yuptime_exporter.web.pushes.fields import body_fields, value_as_text
from yuptime_exporter.web.pushes.text import content_type, words

_KINDS = {"true": PushKind.UP, "false": PushKind.DOWN}

# A duration as Go writes and reads it (time.ParseDuration), not negative.
_UNIT_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = re.compile(rf"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)({'|'.join(_UNIT_SECONDS)})")
_DURATION = re.compile(rf"0|(?:{_PART.pattern})+")
_MAX_DURATION_SECONDS = 366 * 86_400


def _monitor(request: Request, _token: bytes | None, _addressing: Addressing | None) -> MonitorKey:
    """Return the monitor of an endpoint: a namespace has no underscore, so the first one ends it."""
    namespace, _, name = request.parameters["endpoint"].partition("_")
    return MonitorKey(namespace, name)


def _parse(request: Request, body: bytes) -> Report:
    given: dict[str, str] = {}
    for name, value in request.query_pairs():
        if name == "success" and name in given:
            raise MalformedPush("success: expected once, got twice")
        given[name] = value
    success = given.get("success", "")
    if success not in _KINDS:
        raise MalformedPush("success: expected true or false in the query, got another or none")
    message, truncated = stored_message(given.get("error") or _error_in(body, request))
    return Report(
        _KINDS[success],
        message,
        truncated,
        duration_seconds=_duration_seconds(given.get("duration", "")),
    )


def _error_in(body: bytes, request: Request) -> str:
    """Return the field `error` of a body, or the whole body as text where there is no such field."""
    content = content_type(request.header_list("Content-Type"))
    try:
        return value_as_text(dict(body_fields(body, content))["error"])
    except (KeyError, MalformedPush, UnsupportedBody):  # the query says the status
        return words(body, content.codec)


def _duration_seconds(text: str) -> float | None:
    if not text:
        return None
    if len(text) <= 100 and _DURATION.fullmatch(text):
        seconds = sum(float(part[1]) * _UNIT_SECONDS[part[2]] for part in _PART.finditer(text))
        if seconds <= _MAX_DURATION_SECONDS:
            return seconds
    raise MalformedPush("duration: expected a time such as 10s or 1m30s, got another text")


def _answer(_receipt: Receipt, _push: Push) -> Answer:
    return Answer()


def _rejected(rejection: Rejection) -> Answer:
    return rejected(rejection).replace(body=str(rejection).encode(), content_type=TEXT)


GATUS = Dialect(
    name="gatus",
    routes=(("POST", "/api/v1/endpoints/{endpoint}/external"),),
    token=sent_token,
    parse=_parse,
    answer=_answer,
    rejected=_rejected,
    monitor=_monitor,
    body_has_status=False,
)
