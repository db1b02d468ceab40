"""How one collection is followed: what to ask the API server next, after each answer.

The rules are those of client-go's reflector (tools/cache/reflector.go), except where noted. Nothing
here asks, waits or reads a clock; `Mirror` does, and tells what came of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from yuptime_exporter.kubernetes.backoff import Backoff
from yuptime_exporter.kubernetes.errors import ApiError, ApiRefused, refused_by

# client-go: a watch is asked to end after 5 to 10 minutes, another time each, so that they do not
# all come back at once.
MIN_WATCH_SECONDS = 300.0

# An API server sends a bookmark each minute (cacher.go, defaultBookmarkFrequency); a watch that
# had one and then says nothing for so long is dead. Before the first, silence may be as long as
# the watch was asked to last.
INACTIVITY_SECONDS = 90.0
SILENCE_MARGIN_SECONDS = 30.0

# client-go, VeryShortWatchError: a watch that ends at once without a word is a failure.
VERY_SHORT_SECONDS = 1.0

# For so long an error within the server is taken for one that passes; then all is listed anew.
INTERNAL_ERROR_SECONDS = 30.0

# A permission that was taken away comes back when somebody gives it back; API servers also answer
# so while they are upgraded.
FORBIDDEN_SECONDS = 30.0
# A definition that is missing is installed by somebody.
MISSING_SECONDS = 30.0
TOO_LARGE_SECONDS = 1.0


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
    END = "end"
    """The watch is over; what to do is the next action."""


class Reflector:
    """The state of following one collection."""

    def __init__(
        self, jitter: Callable[[], float], *, inactivity_seconds: float = INACTIVITY_SECONDS
    ) -> None:
        """Start with nothing known.

        Args:
            jitter: returns a number from 0 to 1, another each time.
            inactivity_seconds: how long a watch may be silent that sends bookmarks.
        """
        self._jitter = jitter
        self._inactivity_seconds = inactivity_seconds
        self._backoff = Backoff(jitter)
        self._wait: Wait | None = None
        self._page: ListPage | None = ListPage()
        self._snapshot_version = ""
        self._version = ""
        self._bookmarked = False
        self._internal_since_timestamp: float | None = None

    def next(self) -> Action:
        """Return what to do now."""
        wait, self._wait = self._wait, None
        if wait is not None:
            return wait
        if self._page is not None:
            return self._page
        timeout_seconds = MIN_WATCH_SECONDS * (1 + self._jitter())
        inactivity_seconds = (
            self._inactivity_seconds
            if self._bookmarked
            else timeout_seconds + SILENCE_MARGIN_SECONDS
        )
        return Watch(self._version, timeout_seconds, inactivity_seconds)

    def relist(self) -> None:
        """List everything anew; what is known stays until the list is complete."""
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
        return True

    def list_failed(self, error: ApiError, *, now_timestamp: float) -> bool:
        """Take note that a page could not be had; return whether all before it are void."""
        page = self._page or ListPage()
        expired = isinstance(error, ApiRefused) and _is_expired(error)
        if expired and page.continue_token:
            # client-go, pager, FullListIfExpired: the moment that the list shows is forgotten, and
            # would be again; all of it at once cannot expire.
            self._page = ListPage(limited=False)
            return True
        self._wait = self._wait_after(error, now_timestamp)
        if isinstance(error, ApiRefused) and not _passes(error):
            self._page = ListPage()
            return True
        return False

    def event(self, frame: Mapping[str, Any], *, now_timestamp: float) -> Kind:
        """Take note of an event of the watch; return what it means."""
        kind, subject = frame.get("type"), frame.get("object")
        if not isinstance(subject, Mapping):
            return Kind.NOTHING
        if kind == "ERROR":
            self.watch_failed(refused_by(subject), now_timestamp=now_timestamp)
            return Kind.END
        metadata = subject.get("metadata")
        version = metadata.get("resourceVersion") if isinstance(metadata, Mapping) else None
        if kind not in {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"} or not version:
            return Kind.NOTHING  # of a newer API: what it means is not known, so it is left alone
        self._version = str(version)
        self._internal_since_timestamp = None
        if kind == "BOOKMARK":
            self._bookmarked = True
            return Kind.NOTHING
        return Kind.GONE if kind == "DELETED" else Kind.HELD

    def watch_ended(self, *, lasted_seconds: float, events: int, now_timestamp: float) -> None:
        """Take note that the server ended the watch, as it does from time to time."""
        if events == 0 and lasted_seconds < VERY_SHORT_SECONDS:
            self._wait = Wait(self._backoff.next_seconds(now_timestamp=now_timestamp))

    def watch_broken(self, *, now_timestamp: float) -> None:
        """Take note that what came made no sense: nothing that is known can be relied on."""
        self._wait = Wait(self._backoff.next_seconds(now_timestamp=now_timestamp))
        self._page = ListPage()

    def watch_failed(self, error: ApiError, *, now_timestamp: float) -> None:
        """Take note that the watch could not begin, or ended with an error.

        Where the moment from which to watch may still be known to the server, nothing is listed.
        """
        if isinstance(error, ApiRefused) and _is_expired(error):
            self._page = ListPage()
            return
        self._wait = self._wait_after(error, now_timestamp)
        if not isinstance(error, ApiRefused) or error.status in {401, 403, 429}:
            return
        if error.status >= 500 and not _is_too_large(error):
            since = self._internal_since_timestamp
            if since is None:
                since = self._internal_since_timestamp = now_timestamp
            if 0 <= now_timestamp - since < INTERNAL_ERROR_SECONDS:
                return
            self._internal_since_timestamp = None
        self._page = ListPage()

    def _wait_after(self, error: ApiError, now_timestamp: float) -> Wait:
        asked_seconds = error.retry_after_seconds
        if isinstance(error, ApiRefused):
            if error.status == 403:
                return Wait(FORBIDDEN_SECONDS * (1 + self._jitter()))
            if error.status == 404:
                return Wait(MISSING_SECONDS)
            if _is_too_large(error):
                return Wait(asked_seconds or TOO_LARGE_SECONDS)
        wait_seconds = self._backoff.next_seconds(
            now_timestamp=now_timestamp, at_least=asked_seconds
        )
        return Wait(wait_seconds)


def _is_expired(error: ApiRefused) -> bool:
    return error.status == 410 or error.reason in {"Expired", "Gone"}


def _is_too_large(error: ApiRefused) -> bool:
    """Tell whether the server has not arrived yet at the moment that it is asked about."""
    return error.status == 504 and "ResourceVersionTooLarge" in error.causes


def _passes(error: ApiRefused) -> bool:
    """Tell whether the same page may be had later."""
    return error.status in {401, 429} or error.status >= 500
