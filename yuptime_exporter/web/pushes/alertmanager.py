"""The webhook of Alertmanager: an alert that always fires is the heartbeat of the alerting chain."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from yuptime_exporter.core.errors import MalformedPush, Rejection
from yuptime_exporter.core.messages import stored_message
from yuptime_exporter.core.model import Push, PushKind
from yuptime_exporter.engine.receiver import Receipt
from yuptime_exporter.web.credentials import sent_token
from yuptime_exporter.web.failures import rejected
from yuptime_exporter.web.http import Answer, Request, json_answer
from yuptime_exporter.web.pushes.exchange import Dialect, Report

# The only version there is, since Alertmanager 0.6 (notify/webhook/webhook.go).
_VERSION = "4"

# An alert that ends is no news of the job: its silence is.
_KINDS = {"firing": PushKind.UP, "resolved": PushKind.LOG}

_EXPECTED = "body: expected the JSON of an Alertmanager's webhook"


def _parse(_: Request, body: bytes) -> Report:
    try:
        notification = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedPush(f"{_EXPECTED}, got another text") from None
    if not isinstance(notification, dict) or notification.get("version") != _VERSION:
        raise MalformedPush(f'{_EXPECTED} with "version": "{_VERSION}", got another version')
    status = notification.get("status")
    if not isinstance(status, str) or status not in _KINDS:
        raise MalformedPush('status: expected "firing" or "resolved", got another or none')
    message, truncated = stored_message(_summary(notification))
    return Report(_KINDS[status], message, truncated)


def _summary(notification: Mapping[str, object]) -> str:
    """Return the summary that all alerts share, or else the alert's name; empty without either."""
    for place, name in (("commonAnnotations", "summary"), ("commonLabels", "alertname")):
        texts = notification.get(place)
        text = texts.get(name) if isinstance(texts, dict) else None
        if isinstance(text, str) and text:
            return text
    return ""


def _answer(receipt: Receipt, push: Push) -> Answer:
    return json_answer({"monitor": str(receipt.row.monitor.key), "status": push.kind})


def _rejected(rejection: Rejection) -> Answer:
    """Return the answer; Alertmanager repeats a notification only after a status of 500 or more."""
    answer = rejected(rejection)
    if rejection.retry_after_seconds is None:
        return answer
    return answer.replace(status=HTTPStatus.SERVICE_UNAVAILABLE)


ALERTMANAGER = Dialect(
    name="alertmanager",
    routes=(("POST", "/api/alertmanager/{namespace}/{name}"),),
    token=sent_token,
    parse=_parse,
    answer=_answer,
    rejected=_rejected,
)
