"""The routes of one listener; every request there passes the same failures and metrics."""

import time
from collections.abc import Iterable
from functools import partial

from yuptime_exporter.metrics.http import HttpMetrics
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import UNKNOWN, Answered, Match, Route, Router

# Methods that may name a series; a client that invents others adds none.
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})

# The status of the answer to a request that failed by a bug.
_FAILED = 500


class Site:
    """Answers requests. A server reads a request, asks for its match, and writes the answer."""

    def __init__(self, routes: Iterable[Route], metrics: HttpMetrics) -> None:
        self._router = Router(routes)
        self._metrics = metrics

    def match(self, method: str, path: str) -> Match:
        """Return the handler of a request; see `Router.match`."""
        return self._router.match(method, path)

    async def answer(self, match: Match, request: Request) -> Answer:
        """Answer a request by its handler, and time it.

        Raises:
            Exception: a bug; the server answers 500, which is counted here.
        """
        started = time.perf_counter()
        status = _FAILED
        try:
            answer = await match.handler(request)
            status = answer.status
        finally:
            self._observe(match.name, request.method, status, started)
        return answer

    def begin(self, match: Match, request: Request, answered: Answered) -> bool:
        """Begin to answer a request without a task, and time it.

        Args:
            match: of the request.
            request: its body arrived with its head.
            answered: receives the answer, or a bug as `answer` raises it.

        Returns:
            Whether the request will be answered; False: nothing has happened, call `answer`.
        """
        if match.begin is None:
            return False
        # Without the request, whose memory the next one then uses while this one waits.
        finish = partial(self._finish, match.name, request.method, time.perf_counter(), answered)
        try:
            return match.begin(request, finish)
        except Exception as error:  # noqa: BLE001  a bug, which the server answers and logs
            finish(error)
            return True

    def _finish(
        self,
        name: str,
        method: str,
        started: float,
        answered: Answered,
        outcome: Answer | Exception,
    ) -> None:
        status = outcome.status if isinstance(outcome, Answer) else _FAILED
        self._observe(name, method, status, started)
        answered(outcome)

    def _observe(self, name: str, method: str, status: int, started: float) -> None:
        known = method if method in _KNOWN_METHODS else UNKNOWN
        self._metrics.observe(name, known, status, time.perf_counter() - started)
