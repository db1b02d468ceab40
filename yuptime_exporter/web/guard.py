"""The guard of pages, API and metrics: headers, a rate limit, and the passwords of users.

Probes and pushes pass by: a kubelet knows no password, and a push has a token in the same header.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from yuptime_exporter.concurrency.repeated_line import RepeatedLine
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.rate_limit import UNLIMITED, RateLimit, TokenBucket
from yuptime_exporter.web.credentials import basic_credentials
from yuptime_exporter.web.failures import problem
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.passwords import Passwords
from yuptime_exporter.web.router import Handler, Route

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Protection:
    """What a guard demands at one moment; the defaults demand nothing.

    Attributes:
        users: the bcrypt hash of each user's password; empty: no password is needed.
        headers: added to every answer of a guarded route.
        rate_limit: of the requests for all guarded routes together.
    """

    users: Mapping[str, bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    rate_limit: RateLimit = UNLIMITED


class Guard:
    """Lets requests through to the handlers of guarded routes."""

    def __init__(self, protection: Callable[[], Protection], *, clock: Clock) -> None:
        """Guard nothing yet.

        Args:
            protection: gives what is demanded at this moment.
            clock: gives the moment for the rate limit.
        """
        self._protection = protection
        self._clock = clock
        self._bucket = TokenBucket()
        self._passwords = Passwords()
        self._refused = RepeatedLine(
            log,
            "a request with a wrong user name or password was refused",
            level=logging.WARNING,
        )

    def guarded(self, routes: Iterable[Route]) -> Iterator[Route]:
        """Return the routes with this guard before their handlers, and no way past it."""
        for route in routes:
            yield replace(route, handler=self._before(route.handler), begin=None)

    def _before(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Answer:
            protection = self._protection()
            answer = self._too_many(protection.rate_limit)
            if answer is None and protection.users:
                answer = await self._stranger(request, protection.users)
            if answer is None:
                answer = await handler(request)
            if protection.headers:
                answer = answer.replace(headers={**answer.headers, **protection.headers})
            return answer

        return guarded

    def _too_many(self, limit: RateLimit) -> Answer | None:
        """Return the answer to a request beyond the limit; None within it."""
        wait_seconds = self._bucket.wait_seconds(limit, now_timestamp=self._clock())
        if not wait_seconds:
            return None
        return problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"expected at most one request each {limit.interval_seconds:g} s after a burst of "
            f"{limit.burst}, got more; rate_limit of --web.config.file is the limit",
            headers={"Retry-After": str(math.ceil(wait_seconds))},
        )

    async def _stranger(self, request: Request, users: Mapping[str, bytes]) -> Answer | None:
        """Return the answer to a request without the password of a user; None with it."""
        credentials = basic_credentials(request)
        if credentials is not None and await self._passwords.match(users, *credentials):
            return None
        if credentials is not None:
            self._refused.happened()
        return problem(
            HTTPStatus.UNAUTHORIZED,
            "expected the name and the password of a user of --web.config.file",
            headers={"WWW-Authenticate": 'Basic realm="yuptime", charset="UTF-8"'},
        )
