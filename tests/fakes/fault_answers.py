"""The errors of an API server.

The shapes are those of `metav1.Status` and of the constructors in apimachinery's `api/errors`.
"""

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.faults import Answer, Inject

_JSON = {"Content-Type": "application/json"}
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}

_GROUP = "monitoring.yuptime.io"
_RESOURCE = f"monitors.{_GROUP}"
_MONITORS = {"group": _GROUP, "kind": "monitors"}


def status_of(
    code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the object that describes a failure."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        **({"details": dict(details)} if details else {}),
        "code": code,
    }


def refusal(
    code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
) -> Answer:
    """Answer with a Status."""
    body = json.dumps(status_of(code, reason, message, details), separators=(",", ":"))
    return Answer(code, f"{body}\n".encode(), _JSON)


def unauthorized() -> Answer:
    """The token is not valid, or no longer valid."""
    return refusal(401, "Unauthorized", "Unauthorized")


def unauthorized_text() -> Answer:
    """A proxy in front of the API server requires authentication."""
    return Answer(401, b"Unauthorized\n", _TEXT)


def forbidden() -> Answer:
    """RBAC has no rule for the request."""
    return refusal(
        403,
        "Forbidden",
        f'{_RESOURCE} is forbidden: User "system:serviceaccount:yuptime:exporter" cannot list'
        f' resource "monitors" in API group "{_GROUP}" at the cluster scope',
        _MONITORS,
    )


def not_found() -> Answer:
    """The path does not exist, as before the installation of the CRD."""
    return Answer(404, b"404 page not found\n", _TEXT)


def object_not_found(name: str) -> Answer:
    """The Monitor does not exist."""
    return refusal(404, "NotFound", f'{_RESOURCE} "{name}" not found', {"name": name, **_MONITORS})


def conflict(name: str) -> Answer:
    """The Monitor was modified since its resourceVersion."""
    return refusal(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {_RESOURCE} "{name}": the object has been modified;'
        " please apply your changes to the latest version and try again",
        {"name": name, **_MONITORS},
    )


def expired() -> Answer:
    """The resourceVersion or the continue token has expired."""
    return refusal(410, "Expired", _EXPIRED)


def invalid(name: str, field: str, message: str) -> Answer:
    """Validation refuses a Monitor for one field."""
    cause = {"reason": "FieldValueInvalid", "message": message, "field": field}
    return refusal(
        422,
        "Invalid",
        f'Monitor.{_GROUP} "{name}" is invalid: {field}: {message}',
        {"name": name, "group": _GROUP, "kind": "Monitor", "causes": [cause]},
    )


def no_initial_events() -> Answer:
    """The server does not know or does not allow `sendInitialEvents`."""
    message = (
        "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate"
        " is enabled"
    )
    cause = {"reason": "FieldValueForbidden", "message": message, "field": "sendInitialEvents"}
    return refusal(
        422,
        "Invalid",
        f'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: {message}',
        {"group": "meta.k8s.io", "kind": "ListOptions", "causes": [cause]},
    )


def too_many_requests(
    retry_after_seconds: int = 1, *, header: bool = True, details: bool = True
) -> Answer:
    """Priority and fairness has no seat; the wait is in the header, the body, or both."""
    answer = refusal(
        429,
        "TooManyRequests",
        "too many requests, please try again later",
        {"retryAfterSeconds": retry_after_seconds} if details else None,
    )
    wait = {"Retry-After": str(retry_after_seconds)} if header else {}
    return Answer(answer.status, answer.body, {**answer.headers, **wait})


def internal_error() -> Answer:
    """A part behind the API server fails, for example etcd."""
    message = "Internal error occurred: etcdserver: request timed out"
    return refusal(500, "InternalError", message)


def bad_gateway() -> Answer:
    """A load balancer has no API server left and answers with several lines of HTML."""
    body = b"<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n</body>\n</html>\n"
    return Answer(502, body, {"Content-Type": "text/html"})


def too_large_resource_version(retry_after_seconds: int = 1) -> Answer:
    """The cache of this API server has not seen that resourceVersion yet."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return refusal(
        504,
        "Timeout",
        "Timeout: Too large resource version: 2000, current: 1000",
        {"causes": [cause], "retryAfterSeconds": retry_after_seconds},
    )


def error_event(
    code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
) -> Inject:
    """The end of a watch, sent as a frame after status 200."""
    event = {"type": "ERROR", "object": status_of(code, reason, message, details)}
    return Inject(json.dumps(event, separators=(",", ":")).encode() + b"\n")


def expired_event() -> Inject:
    """The watch cannot continue from its version."""
    return error_event(410, "Expired", _EXPIRED)


_EXPIRED = "too old resource version: 1 (1000)"
