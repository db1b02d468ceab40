"""How one collection is followed: what to ask the API server next, after each answer.

The rules are those of client-go's reflector (tools/cache/reflector.go), except where noted. Nothing
here asks, waits or reads a clock; `Mirror` does, and tells what came of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from yuptime_exporter.kubernetes.backoff import MAX_ASKED_SECONDS, Backoff
from yuptime_exporter.kubernetes.errors import ApiError, ApiRefused, refused_by

# A watch is asked to end after 5 to 10 minutes, another time each, so that they do not all come
# back at once.
MIN_WATCH_SECONDS = 300.0

# An API server sends a bookmark each minute (cacher.go, defaultBookmarkFrequency); a watch that
# had one and then says nothing for so long is dead. Before the first, silence may be as long as
# the watch was asked to last.
INACTIVITY_SECONDS = 90.0
SILENCE_MARGIN_SECONDS = 30.0

# VeryShortWatchError: a watch that ends at once without a word is a failure.
VERY_SHORT_SECONDS = 1.0

# For so long an error within the server is taken for one that passes (MaxInternalErrorRetryDuration
# of the API server's own reflectors); then all is listed anew.
INTERNAL_ERROR_SECONDS = 30.0

# A permission that was taken away comes back when somebody gives it back; API servers also answer
# so while they are upgraded, as kopf found. So it is asked each 30 to 60 s.
FORBIDDEN_SECONDS = 30.0
# A definition that is missing is installed by somebody.
MISSING_SECONDS = 30.0
# The server is behind the moment that it was asked about, by as much as its cache is.
TOO_LARGE_SECONDS = 1.0

_CHANGES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK"})


@dataclass(frozen=True, slots=True)
class ListPage:
    """Ask for a page of the list; `limited` False: for all of it at once."""

    continue_token: str = ""
    limited: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """Watch from the moment that is known, for so long, and give up after so much silence."""

    resource_version: str
    timeout_seconds: float
    inactivity_seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask nothing for a while; then do what is next."""

    seconds: float


Action = ListPage | Watch | Wait


class Kind(StrEnum):
    """What an event of a watch means."""

    HELD = "held"
    """The object is new or has changed."""
    GONE = "gone"
    NOTHING = "nothing"
    """No object has changed: a bookmark."""
    UNKNOWN = "unknown"
    """Of a newer API: what it means is not known, so it is left alone."""
    FAILED = "failed"
    """The watch is over with an error that `watch_failed` is to be told."""
    BROKEN = "broken"
    """The watch is over, since this made no sense; `broken` is to be told."""


class Reflector:
    """The state of following one collection."""

    def __init__(
        self, jitter: Callable[[], float], *, inactivity_seconds: float | None = None
    ) -> None:
        """Start with nothing known.

        Args:
            jitter: returns a number from 0 to 1, another each time.
            inactivity_seconds: how long a watch may be silent; None: as long as the API server
                is known to be.
        """
        self._jitter = jitter
        self._inactivity_seconds = inactivity_seconds
        self._backoff = Backoff(jitter)
        self._wait: Wait | None = None
        self._page: ListPage | None = ListPage()
        self._snapshot_version = ""
        self._version = ""
        self._bookmarked = False
        self._progressed = False  # since everything was listed
        self._heard = False  # of the watch that is going on
        self._internal_since_timestamp: float | None = None

    def next(self) -> Action:
        """Return what to do now."""
        wait, self._wait = self._wait, None
        if wait is not None:
            return wait
        if self._page is not None:
            return self._page
        self._heard = False
        timeout_seconds = MIN_WATCH_SECONDS * (1 + self._jitter())
        return Watch(self._version, timeout_seconds, self.patience_seconds(timeout_seconds))

    def relist(self) -> None:
        """List everything anew, at once; what is known stays until the list is complete."""
        self._wait = None
        self._page = ListPage()

    def listed(self, resource_version: str, continue_token: str) -> bool:
        """Take note of a page; return whether the list is complete by it.

        The version of the first page is that of the whole list.
        """
        if self._page is None or not self._page.continue_token:
            self._snapshot_version = resource_version
        if continue_token:
            self._page = ListPage(continue_token)
            return False
        self._page = None
        self._version = self._snapshot_version
        self._progressed = False
        return True

    def list_failed(self, error: ApiError, *, now_timestamp: float) -> bool:
        """Take note that a page could not be had; return whether that ends the attempt for now."""
        page = self._page or ListPage()
        refusal = error if isinstance(error, ApiRefused) else None
        if refusal is not None and _is_expired(refusal) and page.continue_token:
            # client-go, pager, FullListIfExpired: the moment that the list shows is forgotten, and
            # would be again; all of it at once cannot expire.
            self._page = ListPage(limited=False)
            return False
        self._wait = self._wait_after(error, now_timestamp)
        if refusal is not None and not _passes(refusal):
            self._page = ListPage()
        return True

    def event(self, frame: Mapping[str, Any]) -> Kind:
        """Take note of an event of the watch; return what it means."""
        kind, subject = frame.get("type"), frame.get("object")
        if kind == "ERROR":
            return Kind.FAILED if isinstance(subject, Mapping) else Kind.BROKEN
        if kind not in _CHANGES:
            return Kind.UNKNOWN if isinstance(kind, str) else Kind.BROKEN
        version = _version(subject)
        if not version:
            return Kind.BROKEN
        self._version = version
        self._heard = self._progressed = True
        self._internal_since_timestamp = None
        if kind == "BOOKMARK":
            self._bookmarked = True
            return Kind.NOTHING
        return Kind.GONE if kind == "DELETED" else Kind.HELD

    def watch_ended(self, *, lasted_seconds: float, now_timestamp: float) -> bool:
        """Take note that the server ended the watch; return whether that was as it should be."""
        if self._heard or lasted_seconds >= VERY_SHORT_SECONDS:
            self._internal_since_timestamp = None
            return True
        self._wait = Wait(self._backoff.next_seconds(now_timestamp=now_timestamp))
        return False

    def broken(self, *, now_timestamp: float) -> None:
        """Take note that what came made no sense: nothing that is known can be relied on."""
        self._wait = Wait(self._backoff.next_seconds(now_timestamp=now_timestamp))
        self._page = ListPage()

    def watch_failed(self, error: ApiError, *, now_timestamp: float) -> None:
        """Take note that the watch could not begin, or ended with an error.

        Where the moment from which to watch may still be known to the server, nothing is listed.
        """
        refusal = error if isinstance(error, ApiRefused) else None
        if refusal is not None and _is_expired(refusal):
            self._page = ListPage()
            if not self._progressed:  # else a server that forgets at once were listed all the time
                self._wait = Wait(self._backoff.next_seconds(now_timestamp=now_timestamp))
            return
        self._wait = self._wait_after(error, now_timestamp)
        if refusal is None or refusal.status in {401, 403, 429}:
            return
        if refusal.status >= 500 and not _is_too_large(refusal):
            if self._may_pass(now_timestamp):
                return
            self._wait = None  # enough was waited
        self._page = ListPage()

    def _may_pass(self, now_timestamp: float) -> bool:
        """Tell whether an error within the server is still young."""
        since = self._internal_since_timestamp
        if since is None:
            since = self._internal_since_timestamp = now_timestamp
        if 0 <= now_timestamp - since < INTERNAL_ERROR_SECONDS:
            return True
        self._internal_since_timestamp = None
        return False

    def patience_seconds(self, timeout_seconds: float) -> float:
        """Return how long a watch that lasts for so long may be silent, by what is known now."""
        if self._inactivity_seconds is not None:
            return self._inactivity_seconds
        return INACTIVITY_SECONDS if self._bookmarked else timeout_seconds + SILENCE_MARGIN_SECONDS

    def _wait_after(self, error: ApiError, now_timestamp: float) -> Wait:
        if isinstance(error, ApiRefused):
            if error.status == 403:
                return Wait(FORBIDDEN_SECONDS * (1 + self._jitter()))
            if error.status == 404:
                return Wait(MISSING_SECONDS)
            if _is_too_large(error):
                asked_seconds = error.retry_after_seconds or TOO_LARGE_SECONDS
                return Wait(min(asked_seconds, MAX_ASKED_SECONDS))
        return Wait(
            self._backoff.next_seconds(
                now_timestamp=now_timestamp, at_least=error.retry_after_seconds
            )
        )


def refusal_in(frame: Mapping[str, Any]) -> ApiRefused:
    """Return the error that an event of type ERROR tells of."""
    return refused_by(frame["object"])


def _version(subject: object) -> str:
    metadata = subject.get("metadata") if isinstance(subject, Mapping) else None
    version = metadata.get("resourceVersion") if isinstance(metadata, Mapping) else None
    return version if isinstance(version, str) else ""


def _is_expired(error: ApiRefused) -> bool:
    return error.status == 410 or error.reason in {"Expired", "Gone"}


def _is_too_large(error: ApiRefused) -> bool:
    """Tell whether the server has not arrived yet at the moment that it is asked about."""
    return error.status == 504 and "ResourceVersionTooLarge" in error.causes


def _passes(error: ApiRefused) -> bool:
    """Tell whether the same page may be had later."""
    return error.status in {401, 429} or (error.status >= 500 and not _is_too_large(error))
