"""Requests to an exporter, and their repetition."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from types import MappingProxyType
from typing import IO, Any, NamedTuple

from yuptime_exporter.companion.access import Access, NotReported

ATTEMPT_SECONDS = 10.0

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0

# Answers that a later attempt may change.
_TEMPORARY = frozenset({408, 425, 429, *range(500, 600)})

_MAX_ANSWER_BYTES = 64 * 1024 * 1024


class TemporarilyNotReported(NotReported):
    """The same request may succeed later.

    Attributes:
        retry_after_seconds: as the exporter asks for; 0: it does not.
    """

    def __init__(self, text: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class Call(NamedTuple):
    """One request.

    Attributes:
        path: below the URL of the exporter.
        body: None: there is none.
        method: None: POST with a body, otherwise GET.
    """

    path: str
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    method: str | None = None


def request(access: Access, call: Call, *, timeout_seconds: float = ATTEMPT_SECONDS) -> Any:
    """Return the JSON of an answer.

    Raises:
        TemporarilyNotReported: the same request may succeed later.
        NotReported: it will not.
    """
    headers = {"User-Agent": "yuptime", "Accept": "application/json", **call.headers}
    body = None
    if call.body is not None:
        body = json.dumps(call.body).encode()
        headers["Content-Type"] = "application/json"
    url = access.url.rstrip("/") + call.path
    made = urllib.request.Request(url, body, headers, method=call.method)  # noqa: S310  http or https
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if access.url.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=access.tls()))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(made, timeout=timeout_seconds) as answer:
            text = answer.read(_MAX_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        raise _refused(error) from None
    except (OSError, HTTPException, ValueError) as error:
        raise TemporarilyNotReported(f"{_shown(access.url)}: {_reason(error)}") from None
    try:
        return json.loads(text)
    except ValueError:
        raise NotReported(
            f"{_shown(access.url)}: the answer is not from yuptime-exporter; look at the URL"
        ) from None


def insist(
    attempt: Callable[[float], Any],
    *,
    until_monotonic: float,
    is_over: Callable[[float], bool] | None = None,
) -> Any:
    """Repeat an attempt, with growing pauses, until it succeeds or the time is over.

    Args:
        attempt: is given the seconds that it may take; raises `NotReported`.
        until_monotonic: no attempt begins after this moment of `time.monotonic`.
        is_over: waits for these seconds; returns whether to give up. None: only waits.

    Raises:
        NotReported: as the last attempt raised it.
    """
    wait = is_over or time.sleep  # sleep returns None: not over
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        left_seconds = until_monotonic - time.monotonic()
        try:
            return attempt(min(ATTEMPT_SECONDS, max(left_seconds, 1.0)))
        except TemporarilyNotReported as error:
            wait_seconds = max(pause_seconds, error.retry_after_seconds)
            if time.monotonic() + wait_seconds >= until_monotonic or wait(wait_seconds):
                raise
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a client would repeat a push as a GET, without its status."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse."""


def _refused(error: urllib.error.HTTPError) -> NotReported:
    """Return the error for an answer that is not 2xx, with the reason that it gives."""
    text = f"{error.code}: {_detail(error)}"
    if error.code in _TEMPORARY:
        after = error.headers.get("Retry-After", "")
        return TemporarilyNotReported(text, float(after) if after.isdecimal() else 0.0)
    return NotReported(text)


def _detail(answer: IO[bytes]) -> str:
    """Return the reason in an answer of the exporter, or a text for the answer of another program."""
    try:
        return str(json.loads(answer.read(_MAX_ANSWER_BYTES))["detail"])
    except (ValueError, LookupError, TypeError, OSError, HTTPException):
        return "the answer is not from yuptime-exporter; look at the URL and its path"


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _shown(url: str) -> str:
    """Return a URL without its credentials."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"
