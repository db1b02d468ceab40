"""Dialects whose clients know only a URL: the token is a part of its path.

A URL ends up in the logs of proxies, and browsers and chat programs fetch it unasked. So these
dialects are served only where `--push.dialects` names them.
"""

from collections.abc import Iterator

from yuptime_exporter.core.errors import NotAuthenticated
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.engine.addressing import Addressing
from yuptime_exporter.web.http import Request

# A HEAD request is served as a GET. OPTIONS is no push: a browser sends it before a push.
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def any_method(*paths: str) -> Iterator[tuple[str, str]]:
    """Return the routes of paths that push with whatever method."""
    for path in paths:
        for method in _METHODS:
            yield method, path


def url_token(request: Request) -> bytes:
    """Return the token in the path."""
    return request.parameters["token"].encode("utf-8", "surrogateescape")


def monitor_of_url(
    request: Request, token: bytes | None, addressing: Addressing | None
) -> MonitorKey:
    """Return the monitor of the token in the path, and of the name beside it if there is one.

    Raises:
        NotReady, NotAuthenticated, AmbiguousToken: as `Addressing.monitor_of` does.
    """
    if token is None:
        raise NotAuthenticated
    assert addressing is not None  # noqa: S101  there is one wherever these dialects are served
    return addressing.monitor_of(token, request.parameters.get("name", ""))
