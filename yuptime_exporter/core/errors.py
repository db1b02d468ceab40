"""Every error that is raised on purpose. The first sentence of each is written for people."""

from collections.abc import Mapping
from enum import StrEnum


class YuptimeError(Exception):
    """The root of the tree; any other exception is a bug."""


class RejectionReason(StrEnum):
    """Reasons of rejections; the set is closed, so that no client can add a series.

    An unknown monitor and a wrong token are one reason: metrics must not tell which monitors
    exist.
    """

    UNAUTHORIZED = "unauthorized"
    MALFORMED = "malformed"
    MALFORMED_HTTP = "malformed_http"
    INCOMPLETE = "incomplete"
    AMBIGUOUS = "ambiguous"
    TIMEOUT = "timeout"
    LENGTH_REQUIRED = "length_required"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    RATE_LIMITED = "rate_limited"
    NOT_READY = "not_ready"
    TOKEN_MISSING = "token_missing"  # noqa: S105  a reason, not a token
    STORE_UNAVAILABLE = "store_unavailable"


class Rejection(YuptimeError):
    """A push was not accepted and changed nothing.

    Attributes:
        reason: names the metric that counts the rejection, and how it is answered. A subclass
            inherits it.
        retry_after_seconds: when the same push may succeed; None: never.
    """

    reason: RejectionReason
    retry_after_seconds: int | None = None


class NotReady(Rejection):
    """State is not restored yet, monitors are not listed yet, or the exporter is stopping."""

    reason = RejectionReason.NOT_READY
    retry_after_seconds = 5


class NotAuthenticated(Rejection):
    """No token, a wrong token, or an unknown monitor: one text, so that a client cannot tell."""

    reason = RejectionReason.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__(
            "send the monitor's token as 'Authorization: Bearer TOKEN' "
            "to /api/push/{namespace}/{name}"
        )


class AmbiguousToken(Rejection):
    """The client names its monitor by a token that several monitors have."""

    reason = RejectionReason.AMBIGUOUS


class RequestUnreadable(Rejection):
    """The bytes are no HTTP request that the server reads; the monitor, if any, is not known."""

    reason = RejectionReason.MALFORMED_HTTP


class TokenMissing(Rejection):
    """The Secret that should hold the monitor's tokens is missing or holds none."""

    reason = RejectionReason.TOKEN_MISSING
    retry_after_seconds = 30


class StoreUnavailable(Rejection):
    """The store could not make the push durable; the next push tries again.

    Attributes:
        log_fields: the place of the store, such as a path; the text itself is safe to show.
    """

    reason = RejectionReason.STORE_UNAVAILABLE
    retry_after_seconds = 5

    def __init__(self, message: str, *, place: object = None) -> None:
        super().__init__(message)
        self.log_fields: Mapping[str, str] = {} if place is None else {"store": str(place)}


class MonitorUnwritable(StoreUnavailable):
    """The store works, and could not take the push of this one monitor."""


class FaultyPush(Rejection):
    """The token was right, and the push itself is at fault: its monitor counts it."""


class RateLimited(FaultyPush):
    """The monitor's job pushes more often than the limit allows."""

    reason = RejectionReason.RATE_LIMITED

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class MalformedPush(FaultyPush):
    """The body is not a valid push; the text names the field and the expected value."""

    reason = RejectionReason.MALFORMED


class BodyTimeout(FaultyPush):
    """The body did not arrive in time."""

    reason = RejectionReason.TIMEOUT


class BodyIncomplete(FaultyPush):
    """The client ended its connection, or its side of it, in the middle of the body."""

    reason = RejectionReason.INCOMPLETE


class LengthRequired(FaultyPush):
    """The headers describe a body, and say neither its length nor that it comes in chunks."""

    reason = RejectionReason.LENGTH_REQUIRED


class BodyTooLarge(FaultyPush):
    """The body is longer than a push may be."""

    reason = RejectionReason.TOO_LARGE


class UnsupportedBody(FaultyPush):
    """The exporter does not read this media type or content coding."""

    reason = RejectionReason.UNSUPPORTED


class StoreUnusable(YuptimeError):
    """The stored data is corrupt, foreign, or newer than this program: starting would harm it."""


class BackupUnsupported(YuptimeError):
    """The store has no file to copy; the text says how it is backed up."""


class SourceUnusable(YuptimeError):
    """A source cannot be read at all, such as a path that does not exist."""


class ConfigInvalid(YuptimeError):
    """The command line or the configuration file has a value that is not allowed."""
