"""Failures of requests to the API server."""

import json
from collections.abc import Mapping
from typing import Any

from yuptime_exporter.core.errors import YuptimeError

# Enough for the error page of a proxy, and short enough for a line of the log.
MAX_TEXT_CHARS = 256


class ApiError(YuptimeError):
    """A request failed."""

    retry_after_seconds: float | None = None


class ApiUnreachable(ApiError):
    """There was no complete answer: no connection, no TLS, or not in time."""


class WatchSilent(ApiUnreachable):
    """A watch was open and silent for so long that the API server has probably vanished."""


class ApiStatusError(ApiError):
    """The API server answered with an error status.

    Attributes:
        status: the HTTP status, or the `code` of a Status object in a watch.
        reason: the machine-readable reason, for example `Expired`; empty if the answer was no Status
            object.
        message: the text of the answer, cut to a length that fits in a log line.
        retry_after_seconds: the wait that the server asked for; None if it asked for none.
        causes: the reasons in the details, for example `ResourceVersionTooLarge`.
    """

    def __init__(
        self,
        status: int,
        *,
        reason: str = "",
        message: str = "",
        retry_after_seconds: float | None = None,
        causes: tuple[str, ...] = (),
    ) -> None:
        answered = f"the API server answered {status} {reason}".rstrip()
        super().__init__(f"{answered}: {message}" if message else answered)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after_seconds = retry_after_seconds
        self.causes = causes


def status_error(status: int, body: bytes, *, retry_after: str | None = None) -> ApiStatusError:
    """Return the error of an HTTP answer.

    Args:
        status: the HTTP status.
        body: a Status object as JSON, or any text, which is then cut.
        retry_after: the header `Retry-After`; None if there is none.
    """
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict) and parsed.get("kind") == "Status":
        return status_error_of(parsed, status=status, retry_after=retry_after)
    text = " ".join(body[: 4 * MAX_TEXT_CHARS].decode(errors="replace").split())
    return ApiStatusError(
        status, message=text[:MAX_TEXT_CHARS], retry_after_seconds=_seconds(retry_after)
    )


def status_error_of(
    body: Mapping[str, Any], *, status: int | None = None, retry_after: str | None = None
) -> ApiStatusError:
    """Return the error that a Status object describes.

    Args:
        body: the Status object.
        status: the HTTP status; None: the object's own `code`.
        retry_after: the header `Retry-After`, which precedes the object's `retryAfterSeconds`.
    """
    details = body.get("details")
    details = details if isinstance(details, dict) else {}
    causes = details.get("causes") or ()
    asked = _seconds(retry_after)
    if asked is None:
        asked = _seconds(details.get("retryAfterSeconds"))
    code = body.get("code")
    return ApiStatusError(
        status if status is not None else code if isinstance(code, int) else 500,
        reason=str(body.get("reason", "")),
        message=_shortened(str(body.get("message", ""))),
        retry_after_seconds=asked,
        causes=tuple(str(cause.get("reason", "")) for cause in causes if isinstance(cause, dict)),
    )


def _shortened(text: str) -> str:
    """Return a message of limited length; if it quotes an object, the error is at its end."""
    if len(text) <= 4 * MAX_TEXT_CHARS:
        return text
    return f"{text[:MAX_TEXT_CHARS]} […] {text[-3 * MAX_TEXT_CHARS :]}"


def _seconds(value: object) -> float | None:
    try:
        seconds = float(value) if isinstance(value, str | int | float) else None
    except ValueError:  # Retry-After may be a date, which no API server sends
        return None
    return seconds if seconds is not None and 0 < seconds < float("inf") else None
