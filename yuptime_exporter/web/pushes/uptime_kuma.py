"""The push monitors of Uptime Kuma: `/api/push/{token}?status=up&msg=OK&ping=`."""

import math
from http import HTTPStatus

from yuptime_exporter.core.errors import MalformedPush, Rejection
from yuptime_exporter.core.messages import stored_message
from yuptime_exporter.core.model import Push, PushKind
from yuptime_exporter.engine.receiver import Receipt
from yuptime_exporter.web.failures import rejected
from yuptime_exporter.web.http import Answer, Request, json_answer
from yuptime_exporter.web.pushes.exchange import Dialect, Report
from yuptime_exporter.web.pushes.fields import body_fields, value_as_text
from yuptime_exporter.web.pushes.text import content_type
from yuptime_exporter.web.pushes.url_tokens import any_method, monitor_of_url, url_token

_NAMES = ("status", "msg", "ping")
_KINDS = {"up": PushKind.UP, "down": PushKind.DOWN}
_EXPECTED_STATUS = "status: expected up or down"

# A longer time is no time in milliseconds.
_MAX_PING_MILLISECONDS = 366 * 86_400 * 1000


def _parse(request: Request, body: bytes) -> Report:
    given = list(request.query_pairs())
    if body:
        content = content_type(request.header_list("Content-Type"))
        fields = body_fields(body, content)
        given += [(name, value_as_text(value)) for name, value in fields]
    kind = _kind(given)
    texts = dict(given)
    message, truncated = stored_message(texts.get("msg", ""))
    duration_seconds = _duration_seconds(texts.get("ping", ""))
    return Report(
        kind,
        message,
        truncated,
        duration_seconds=duration_seconds,
    )


def _kind(given: list[tuple[str, str]]) -> PushKind:
    """Return the reported status; without one it is up, unless a misspelt status was meant."""
    statuses = [value for name, value in given if name == "status"]
    if len(statuses) > 1:
        raise MalformedPush("status: expected once, got twice")
    if statuses:
        if statuses[0] not in _KINDS:
            got = "another word" if statuses[0] else "an empty one"
            raise MalformedPush(f"{_EXPECTED_STATUS}, got {got}")
        return _KINDS[statuses[0]]
    if any(name not in _NAMES for name, _ in given):
        raise MalformedPush(f"{_EXPECTED_STATUS}, got none beside an unknown field")
    return PushKind.UP


def _duration_seconds(ping: str) -> float | None:
    """Return the seconds of a time in milliseconds; None unless it is one, as in Kuma."""
    try:
        milliseconds = float(ping)
    except ValueError:
        return None
    if math.isfinite(milliseconds) and 0 <= milliseconds <= _MAX_PING_MILLISECONDS:
        return milliseconds / 1000
    return None


def _answer(_receipt: Receipt, _push: Push) -> Answer:
    return json_answer({"ok": True})


def _rejected(rejection: Rejection) -> Answer:
    """Return 404 as Kuma does, unless the same push may succeed later: then clients repeat it."""
    answer = rejected(rejection)
    text = str(rejection)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        text = "Monitor not found or not active."
    failure = json_answer({"ok": False, "msg": text})
    if rejection.retry_after_seconds is not None or answer.close:
        return failure.replace(status=answer.status, headers=answer.headers, close=answer.close)
    return failure.replace(status=HTTPStatus.NOT_FOUND)


UPTIME_KUMA = Dialect(
    name="uptime-kuma",
    routes=tuple(any_method("/api/push/{token}", "/api/push/{token}/")),
    token=url_token,
    parse=_parse,
    answer=_answer,
    rejected=_rejected,
    monitor=monitor_of_url,
    body_has_status=False,
)
