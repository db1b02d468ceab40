"""The one table from what went wrong to how it is answered: RFC 9457 problems."""

import json
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from yuptime_exporter.core.errors import (
    BodyTimeout,
    BodyTooLarge,
    LengthRequired,
    MalformedPush,
    MonitorUnwritable,
    NotAuthenticated,
    NotReady,
    PushRejected,
    RateLimited,
    StoreUnavailable,
    TokenMissing,
    UnsupportedBody,
)
from yuptime_exporter.metrics.pushes import PushMetrics, RejectionReason

FAILURES: dict[type[PushRejected], tuple[HTTPStatus, RejectionReason]] = {
    MalformedPush: (HTTPStatus.BAD_REQUEST, RejectionReason.MALFORMED),
    NotAuthenticated: (HTTPStatus.UNAUTHORIZED, RejectionReason.UNAUTHORIZED),
    BodyTimeout: (HTTPStatus.REQUEST_TIMEOUT, RejectionReason.TIMEOUT),
    LengthRequired: (HTTPStatus.LENGTH_REQUIRED, RejectionReason.LENGTH_REQUIRED),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, RejectionReason.TOO_LARGE),
    UnsupportedBody: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, RejectionReason.UNSUPPORTED),
    RateLimited: (HTTPStatus.TOO_MANY_REQUESTS, RejectionReason.RATE_LIMITED),
    NotReady: (HTTPStatus.SERVICE_UNAVAILABLE, RejectionReason.NOT_READY),
    TokenMissing: (HTTPStatus.SERVICE_UNAVAILABLE, RejectionReason.TOKEN_MISSING),
    StoreUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, RejectionReason.STORE_UNAVAILABLE),
    MonitorUnwritable: (HTTPStatus.SERVICE_UNAVAILABLE, RejectionReason.STORE_UNAVAILABLE),
}


def problem(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return an answer that says what went wrong, for people and programs."""
    body = {
        "type": "about:blank",  # RFC 9457, section 4.2.1: the status says what kind it is
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    return web.Response(
        status=status,
        body=json.dumps(body, ensure_ascii=False).encode(),
        content_type="application/problem+json",
        headers=headers,
    )


def problems(metrics: PushMetrics) -> Middleware:
    """Return the middleware that turns every expected error into a problem."""

    @web.middleware
    async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except PushRejected as error:
            status, rejection = FAILURES[type(error)]
            metrics.rejected.labels(rejection).inc()
            response = problem(status, str(error), _headers(error))
            if isinstance(error, BodyTimeout | BodyTooLarge | LengthRequired):
                response.force_close()  # what is left of the body is not read
            return response
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            detail = f"{request.method} is not allowed here; allowed: {allowed}"
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, {hdrs.ALLOW: allowed})
        except web.HTTPNotFound:
            detail = "no such page; a push goes to /api/push/{namespace}/{name}"
            return problem(HTTPStatus.NOT_FOUND, detail)

    return answer_problems


def _headers(error: PushRejected) -> dict[str, str]:
    headers: dict[str, str] = {}
    if error.retry_after_seconds is not None:
        headers[hdrs.RETRY_AFTER] = str(error.retry_after_seconds)
    if isinstance(error, NotAuthenticated):
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="yuptime"'
    if isinstance(error, UnsupportedBody):
        headers[hdrs.ACCEPT] = "application/json, application/x-www-form-urlencoded"
        headers[hdrs.ACCEPT_ENCODING] = "identity"
    return headers
