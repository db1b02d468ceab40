"""How one collection is followed: the next request to the API server, after each answer.

The rules are those of client-go's reflector (tools/cache/reflector.go), except where noted. Nothing
here sends a request, waits or reads a clock; `Mirror` does, and reports the results.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from yuptime_exporter.kubernetes.backoff import MAX_ASKED_SECONDS, Backoff
from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError, status_error_of

# The API server is asked to end a watch after 5 to 10 minutes, at random, so that clients do not
# reconnect at once.
MIN_WATCH_SECONDS = 300.0

# An API server sends a bookmark each minute (cacher.go, defaultBookmarkFrequency). A watch that has
# had one and is then silent for this time is dead. Before the first bookmark, silence may last as
# long as the watch, with a margin.
INACTIVITY_SECONDS = 90.0
SILENCE_MARGIN_SECONDS = 30.0

# VeryShortWatchError: a watch that ends within this time without an event is a failure. Every other
# watch has worked, also if a proxy cuts it: many cut each connection after a minute.
VERY_SHORT_SECONDS = 1.0

# For this time an internal error of the server counts as temporary (MaxInternalErrorRetryDuration
# of the API server's own reflectors); then all objects are listed again.
INTERNAL_ERROR_SECONDS = 30.0

# The wait after a 403, with a random part of the same size. A permission comes back when an
# operator grants it; an API server that is being upgraded also answers 403, as kopf found.
FORBIDDEN_SECONDS = 30.0
# The wait after a 404: an operator has to install the definition.
MISSING_SECONDS = 30.0
# The wait for a cache of the server that is behind the requested version.
TOO_LARGE_SECONDS = 1.0

_CHANGES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK"})


@dataclass(frozen=True, slots=True)
class ListPage:
    """Request a page of the list; `limited` False: the whole list in one answer."""

    continue_token: str = ""
    limited: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """Request a watch.

    Attributes:
        resource_version: the version after which events are sent.
        timeout_seconds: after this time the API server ends the watch.
        silence_seconds: after this time without a byte the watch is dead.
    """

    resource_version: str
    timeout_seconds: float
    silence_seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Send nothing for a time; then ask for the next action."""

    seconds: float


Action = ListPage | Watch | Wait


class EventKind(StrEnum):
    """The meaning of an event of a watch."""

    HELD = "held"
    """The object is new or has changed."""
    GONE = "gone"
    NOTHING = "nothing"
    """No object has changed: a bookmark."""
    UNKNOWN = "unknown"
    """A type of a newer API, which is ignored."""
    FAILED = "failed"
    """The watch ended with an error, which `watch_failed` is to be given."""
    MALFORMED = "malformed"
    """The event cannot be read; `malformed` is to be called, and the watch ended."""


class Reflector:
    """The state of following one collection."""

    def __init__(
        self, jitter: Callable[[], float], *, silence_seconds: float | None = None
    ) -> None:
        """Start with nothing known.

        Args:
            jitter: returns a random number from 0 to 1.
            silence_seconds: how long a watch may be silent; None: as the bookmarks of the API
                server allow.
        """
        self._jitter = jitter
        self._silence_seconds = silence_seconds
        self._backoff = Backoff(jitter)
        self._wait: Wait | None = None
        self._page: ListPage | None = ListPage()
        self._snapshot_version = ""
        self._version = ""
        self._bookmarked = False
        self._progressed = False  # since the last complete list
        self._heard = False  # in the current watch
        self._internal_since_timestamp: float | None = None

    def next(self) -> Action:
        """Return the next action."""
        wait, self._wait = self._wait, None
        if wait is not None:
            return wait
        if self._page is not None:
            return self._page
        self._heard = False
        timeout_seconds = MIN_WATCH_SECONDS * (1 + self._jitter())
        return Watch(self._version, timeout_seconds, self.silence_seconds(timeout_seconds))

    def relist(self) -> None:
        """List all objects next; the known ones stay until the list is complete."""
        self._wait = None
        self._page = ListPage()

    def listed(self, resource_version: str, continue_token: str) -> bool:
        """Record a page; return whether it completes the list.

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
        """Record that a page failed; return whether this attempt to list is over."""
        page = self._page or ListPage()
        answer = error if isinstance(error, ApiStatusError) else None
        if answer is not None and _is_expired(answer) and page.continue_token:
            # client-go, pager, FullListIfExpired: the snapshot of the list has expired, and would
            # expire again. A list in one answer cannot.
            self._page = ListPage(limited=False)
            return False
        self._wait = self._wait_after(error, now_timestamp)
        if answer is not None and not _is_temporary(answer):
            self._page = ListPage()
        return True

    def event(self, frame: Mapping[str, Any]) -> EventKind:
        """Record an event of the watch; return its meaning."""
        kind, subject = frame.get("type"), frame.get("object")
        if kind == "ERROR":
            return EventKind.FAILED if isinstance(subject, Mapping) else EventKind.MALFORMED
        if kind not in _CHANGES:
            return EventKind.UNKNOWN if isinstance(kind, str) else EventKind.MALFORMED
        version = _version(subject)
        if not version:
            return EventKind.MALFORMED
        self._version = version
        self._heard = self._progressed = True
        self._internal_since_timestamp = None
        if kind == "BOOKMARK":
            self._bookmarked = True
            return EventKind.NOTHING
        return EventKind.GONE if kind == "DELETED" else EventKind.HELD

    def watch_ended(self, *, lasted_seconds: float, now_timestamp: float) -> bool:
        """Record that an admitted watch ended or was cut; return whether it had worked.

        A watch that worked is followed by the next at once, and earlier failures count no more.
        """
        if self._heard or lasted_seconds >= VERY_SHORT_SECONDS:
            self._internal_since_timestamp = None
            self._backoff.reset()
            return True
        self._wait = Wait(self._backoff.next_seconds(now_timestamp=now_timestamp))
        return False

    def malformed(self, *, now_timestamp: float) -> None:
        """Record an answer that cannot be read: after a wait all objects are listed again."""
        self._wait = Wait(self._backoff.next_seconds(now_timestamp=now_timestamp))
        self._page = ListPage()

    def watch_failed(self, error: ApiError, *, now_timestamp: float) -> None:
        """Record that the watch could not begin, or ended with an error.

        If the server may still know the version to watch from, nothing is listed.
        """
        answer = error if isinstance(error, ApiStatusError) else None
        if answer is not None and _is_expired(answer):
            self._page = ListPage()
            if not self._progressed:  # else a server that forgets at once would be listed at once
                self._wait = Wait(self._backoff.next_seconds(now_timestamp=now_timestamp))
            return
        self._wait = self._wait_after(error, now_timestamp)
        if answer is None or answer.status in {401, 403, 429}:
            return
        if answer.status >= 500 and not _is_too_large(answer):
            if self._is_recent_internal_error(now_timestamp):
                return
            self._wait = None  # `INTERNAL_ERROR_SECONDS` have passed
        self._page = ListPage()

    def silence_seconds(self, timeout_seconds: float) -> float:
        """Return how long a watch of this timeout may be silent, by the bookmarks so far."""
        if self._silence_seconds is not None:
            return self._silence_seconds
        return INACTIVITY_SECONDS if self._bookmarked else timeout_seconds + SILENCE_MARGIN_SECONDS

    def _is_recent_internal_error(self, now_timestamp: float) -> bool:
        since = self._internal_since_timestamp
        if since is None:
            since = self._internal_since_timestamp = now_timestamp
        if 0 <= now_timestamp - since < INTERNAL_ERROR_SECONDS:
            return True
        self._internal_since_timestamp = None
        return False

    def _wait_after(self, error: ApiError, now_timestamp: float) -> Wait:
        if isinstance(error, ApiStatusError):
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


def error_in(frame: Mapping[str, Any]) -> ApiStatusError:
    """Return the error in an event of type ERROR."""
    return status_error_of(frame["object"])


def _version(subject: object) -> str:
    metadata = subject.get("metadata") if isinstance(subject, Mapping) else None
    version = metadata.get("resourceVersion") if isinstance(metadata, Mapping) else None
    return version if isinstance(version, str) else ""


def _is_expired(error: ApiStatusError) -> bool:
    return error.status == 410 or error.reason in {"Expired", "Gone"}


def _is_too_large(error: ApiStatusError) -> bool:
    """Tell whether the server's cache is behind the requested version."""
    return error.status == 504 and "ResourceVersionTooLarge" in error.causes


def _is_temporary(error: ApiStatusError) -> bool:
    """Tell whether the same page may succeed later."""
    return error.status in {401, 429} or (error.status >= 500 and not _is_too_large(error))
