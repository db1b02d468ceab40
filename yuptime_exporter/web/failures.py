"""How errors are answered: problem details of RFC 9457, from one table for all rejections."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from yuptime_exporter.core.errors import Rejection, RejectionReason
from yuptime_exporter.web.http import Answer

PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True, slots=True)
class RejectionAnswer:
    """How rejections for one reason are answered.

    Attributes:
        close: whether the connection ends, because the rest of the body is not read.
    """

    status: HTTPStatus
    headers: Mapping[str, str] = field(default_factory=dict)
    close: bool = False


REJECTION_ANSWERS: Mapping[RejectionReason, RejectionAnswer] = {
    RejectionReason.MALFORMED: RejectionAnswer(HTTPStatus.BAD_REQUEST),
    RejectionReason.MALFORMED_HTTP: RejectionAnswer(HTTPStatus.BAD_REQUEST, close=True),
    RejectionReason.INCOMPLETE: RejectionAnswer(HTTPStatus.BAD_REQUEST, close=True),
    RejectionReason.UNAUTHORIZED: RejectionAnswer(
        HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Bearer realm="yuptime"'}
    ),
    RejectionReason.AMBIGUOUS: RejectionAnswer(HTTPStatus.CONFLICT),
    RejectionReason.TIMEOUT: RejectionAnswer(HTTPStatus.REQUEST_TIMEOUT, close=True),
    RejectionReason.LENGTH_REQUIRED: RejectionAnswer(HTTPStatus.LENGTH_REQUIRED, close=True),
    RejectionReason.TOO_LARGE: RejectionAnswer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, close=True),
    RejectionReason.UNSUPPORTED: RejectionAnswer(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        {
            "Accept": "application/json, application/x-www-form-urlencoded",
            "Accept-Encoding": "identity",
        },
    ),
    RejectionReason.RATE_LIMITED: RejectionAnswer(HTTPStatus.TOO_MANY_REQUESTS),
    RejectionReason.NOT_READY: RejectionAnswer(HTTPStatus.SERVICE_UNAVAILABLE),
    RejectionReason.TOKEN_MISSING: RejectionAnswer(HTTPStatus.SERVICE_UNAVAILABLE),
    RejectionReason.STORE_UNAVAILABLE: RejectionAnswer(HTTPStatus.SERVICE_UNAVAILABLE),
}


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    close: bool = False,
) -> Answer:
    """Return an answer that explains an error to people and programs."""
    body = {
        "type": "about:blank",  # RFC 9457, section 4.2.1: the status is the type
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    text = json.dumps(body, ensure_ascii=False)
    return Answer(status, text.encode(), PROBLEM_JSON, headers or {}, close=close)


def rejected(rejection: Rejection) -> Answer:
    """Return the answer to a rejected push."""
    answer = REJECTION_ANSWERS[rejection.reason]
    headers = answer.headers
    if rejection.retry_after_seconds is not None:
        headers = {**headers, "Retry-After": str(rejection.retry_after_seconds)}
    return problem(answer.status, str(rejection), headers=headers, close=answer.close)


def failed() -> Answer:
    """Return the answer to a request that failed by a bug."""
    detail = "yuptime-exporter failed; its log has the reason"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, close=True)


def not_found() -> Answer:
    """Return the answer to a path that leads nowhere."""
    detail = "no such page; a push goes to /api/push/{namespace}/{name}"
    return problem(HTTPStatus.NOT_FOUND, detail)


def method_not_allowed(method: str, allowed: str) -> Answer:
    """Return the answer to a method that a path does not have.

    Args:
        method: of the request.
        allowed: the methods that the path has, separated by commas.
    """
    detail = f"method: expected {allowed.replace(', ', ' or ')}, got {method}"
    return problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers={"Allow": allowed})
