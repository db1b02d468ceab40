"""From the method and path of a request to the handler that answers it."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, final
from urllib.parse import unquote

from yuptime_exporter.web.failures import method_not_allowed, not_found
from yuptime_exporter.web.http import Answer, Request

Handler = Callable[[Request], Awaitable[Answer]]

Answered = Callable[[Answer | Exception], None]
"""Called once with the answer to a request, or with the error that is answered in its place."""

Begin = Callable[[Request, Answered], bool]
"""Begins to answer a request without a task. False: nothing has happened, and a `Handler` has to
answer the request, because that takes waiting."""

UNKNOWN = "unknown"

_NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        path: a template such as `/monitors/{namespace}/{name}`; metrics name requests by it.
        begin: does the same as `handler` with less work; None: there is no such way.
    """

    method: str
    path: str
    handler: Handler
    begin: Begin | None = None


@final
class Match:
    """The handler of a request. Every request has one: without a route it answers 404 or 405.

    Attributes:
        name: how metrics name the request: the template of its path, or `unknown`.
        parameters: the decoded segments of the path that the template names.
        begin: as in `Route`.
    """

    __slots__ = ("begin", "handler", "name", "parameters")

    def __init__(
        self,
        name: str,
        handler: Handler,
        parameters: Mapping[str, str],
        begin: Begin | None = None,
    ) -> None:
        self.name: Final = name
        self.handler: Final = handler
        self.parameters: Final = parameters
        self.begin: Final = begin


class Router:
    """All routes of one listener. A path matches as a whole, a slash at its end included."""

    def __init__(self, routes: Iterable[Route]) -> None:
        templates: dict[str, _Template] = {}
        for route in routes:
            template = templates.setdefault(route.path, _Template(route.path))
            template.routes[route.method] = route
            if route.method == "GET":
                template.routes["HEAD"] = route
        self._templates: dict[int, list[_Template]] = defaultdict(list)
        for template in templates.values():
            self._templates[len(template.segments)].append(template)

    def match(self, method: str, path: str) -> Match:
        """Return the handler of a request.

        Args:
            method: in capitals.
            path: percent-encoded, as the client sent it, without the query.
        """
        segments = path.split("/")
        if "%" in path:  # after the split, so that an encoded slash separates nothing
            segments = [unquote(segment) for segment in segments]
        for template in self._templates.get(len(segments), ()):
            parameters = template.parameters(segments)
            if parameters is not None:
                return template.match(method, parameters)
        return _NO_ROUTE

    def has(self, path: str) -> bool:
        """Return whether there is a route of any method with this path."""
        return self.match("", path) is not _NO_ROUTE


class _Template:
    """One path template with the handlers of its methods."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.segments = path.split("/")
        self.routes: dict[str, Route] = {}
        self._fixed: list[tuple[int, str]] = []
        self._named: list[tuple[int, str]] = []
        for index, segment in enumerate(self.segments):
            if segment.startswith("{"):
                self._named.append((index, segment[1:-1]))
            else:
                self._fixed.append((index, segment))

    def parameters(self, segments: Sequence[str]) -> Mapping[str, str] | None:
        """Return the values of the named segments; None where the path does not match."""
        for index, expected in self._fixed:
            if segments[index] != expected:
                return None
        found: dict[str, str] = {}
        for index, name in self._named:
            segment = segments[index]
            if not segment or "{" in segment or "}" in segment:
                return (
                    None  # empty, or a placeholder of the docs that was pasted: no name has braces
                )
            found[name] = segment
        return found

    def match(self, method: str, parameters: Mapping[str, str]) -> Match:
        """Return the handler for a method of this path."""
        route = self.routes.get(method)
        if route is None:
            allowed = ", ".join(sorted(self.routes))
            return Match(UNKNOWN, partial(_answer_not_allowed, allowed), parameters)
        return Match(self.path, route.handler, parameters, route.begin)


async def _answer_not_allowed(allowed: str, request: Request) -> Answer:
    return method_not_allowed(request.method, allowed)


async def _answer_not_found(_: Request) -> Answer:
    return not_found()


_NO_ROUTE = Match(UNKNOWN, _answer_not_found, _NO_PARAMETERS)
