"""What can go wrong between the exporter and the API server."""

import json
from collections.abc import Mapping
from typing import Any

from yuptime_exporter.core.errors import YuptimeError

# Enough for what a proxy has to say, and little enough for a line of the log.
MAX_TEXT_CHARS = 256


class ApiError(YuptimeError):
    """A request did not succeed."""

    retry_after_seconds: float | None = None


class ApiUnreachable(ApiError):
    """There was no answer: no connection, no TLS, not in time, or not to its end."""


class ApiRefused(ApiError):
    """The answer says no.

    Attributes:
        status: of HTTP, or what stands in its place in an event of a watch.
        reason: one word, such as `Expired`; empty where the answer was no Status object.
        retry_after_seconds: what the server asked for; None where it did not.
        causes: reasons of the details, such as `ResourceVersionTooLarge`.
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


def refused(status: int, body: bytes, *, retry_after: str | None = None) -> ApiRefused:
    """Return the error that an answer means; a body that is no Status is cut short."""
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict) and parsed.get("kind") == "Status":
        return refused_by(parsed, status=status, retry_after=retry_after)
    text = " ".join(body[: 4 * MAX_TEXT_CHARS].decode(errors="replace").split())
    return ApiRefused(
        status, message=text[:MAX_TEXT_CHARS], retry_after_seconds=_seconds(retry_after)
    )


def refused_by(
    body: Mapping[str, Any], *, status: int | None = None, retry_after: str | None = None
) -> ApiRefused:
    """Return the error that a Status object means."""
    details = body.get("details")
    details = details if isinstance(details, dict) else {}
    causes = details.get("causes") or ()
    asked = _seconds(retry_after)
    if asked is None:
        asked = _seconds(details.get("retryAfterSeconds"))
    code = body.get("code")
    return ApiRefused(
        status if status is not None else code if isinstance(code, int) else 500,
        reason=str(body.get("reason", "")),
        message=_shortened(str(body.get("message", ""))),
        retry_after_seconds=asked,
        causes=tuple(str(cause.get("reason", "")) for cause in causes if isinstance(cause, dict)),
    )


def _shortened(text: str) -> str:
    """Return a message that is not too long: where it shows an object, what is wrong comes last."""
    if len(text) <= 4 * MAX_TEXT_CHARS:
        return text
    return f"{text[:MAX_TEXT_CHARS]} […] {text[-3 * MAX_TEXT_CHARS :]}"


def _seconds(value: object) -> float | None:
    try:
        seconds = float(value) if isinstance(value, str | int | float) else None
    except ValueError:  # a date, which no API server sends
        return None
    return seconds if seconds is not None and 0 < seconds < float("inf") else None
