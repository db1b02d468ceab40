"""Every error that is raised on purpose. The first sentence of each is what a person reads."""


class YuptimeError(Exception):
    """The root of the tree: anything else that is raised is a bug."""


class PushRejected(YuptimeError):
    """A push was not accepted and changed nothing.

    Attributes:
        retry_after_seconds: after how long the same push may succeed; None: it never will.
    """

    retry_after_seconds: int | None = None


class MalformedPush(PushRejected):
    """The body is not what a push may be; the text names the field and what is allowed."""


class NotAuthenticated(PushRejected):
    """No token, a wrong one, or no such monitor. One text for all, so that none is told apart."""

    def __init__(self) -> None:
        super().__init__(
            "send the monitor's token as 'Authorization: Bearer TOKEN' "
            "to /api/push/{namespace}/{name}"
        )


class BodyTimeout(PushRejected):
    """The body did not arrive in time."""


class LengthRequired(PushRejected):
    """The body came without a Content-Length."""


class BodyTooLarge(PushRejected):
    """The body is longer than a push may be."""


class UnsupportedBody(PushRejected):
    """The body's media type or content coding is not one that is read."""


class RateLimited(PushRejected):
    """The monitor is pushed to more often than its limit allows."""

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotReady(PushRejected):
    """State is not restored yet, monitors are not listed yet, or the exporter is stopping."""

    retry_after_seconds = 5


class TokenMissing(PushRejected):
    """The Secret that should hold the monitor's tokens is missing or holds none."""

    retry_after_seconds = 30


class StoreUnavailable(PushRejected):
    """The store could not make the push durable; it is asked again with the next push."""

    retry_after_seconds = 5


class MonitorUnwritable(StoreUnavailable):
    """The store works, and could not take the push of this one monitor."""


class StoreUnusable(YuptimeError):
    """What is stored is corrupt, foreign, or newer than this program: starting would harm it."""


class SourceUnusable(YuptimeError):
    """A source cannot be read at all, such as a path that does not exist."""


class ConfigInvalid(YuptimeError):
    """The command line or the configuration file says something that is not allowed."""
