"""Decide whether a push may come in, before anything of its body is read."""

import asyncio
import hashlib
import hmac
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import NotAuthenticated, NotReady, RateLimited, TokenMissing
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.rate_limit import CHANGES, PushLimiter
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.readiness import Readiness

RenewTokens = Callable[[MonitorKey], Awaitable[None] | None]
"""Reads the tokens of a monitor again; None where there is nothing to read, or just was read."""

# The digest of no token, against which the tokens for unknown monitors are compared.
_NO_TOKEN_DIGESTS = (bytes(hashlib.sha256().digest_size),)


@dataclass(frozen=True, slots=True)
class RenewalLimits:
    """Times of the second decision about a token.

    Attributes:
        total_seconds: from the first decision to the last: enough to read a Secret and to make
            its tokens active. A guessed token costs a stranger as much.
        poll_seconds: between two decisions.
    """

    total_seconds: float = 1.0
    poll_seconds: float = 0.05


class Admission:
    """Admits the pushes of authenticated jobs at a limited rate, when the exporter is ready.

    Where tokens are read on request instead of watched, a job may send a newer token than the
    exporter knows. Then a token that does not match is decided again after a new read. Every
    rejection after that takes the same time, with or without a Secret to read: it does not tell
    which monitors exist.
    """

    def __init__(
        self,
        table: MonitorTable,
        limiter: PushLimiter,
        readiness: Readiness,
        *,
        renew_tokens: RenewTokens | None = None,
        limits: RenewalLimits | None = None,
        clock: Clock,
    ) -> None:
        """Connect the parts of the decision.

        Args:
            table: monitors with the digests of their tokens.
            limiter: the rate limits of each monitor.
            readiness: no push is admitted before the exporter is ready.
            renew_tokens: reads tokens on request; None: the source watches them.
            limits: of the second decision.
            clock: gives the moment for the rate limit.
        """
        self._table = table
        self._limiter = limiter
        self._readiness = readiness
        self._renew_tokens = renew_tokens
        self._limits = limits or RenewalLimits()
        self._clock = clock

    async def admit(self, key: MonitorKey, token: bytes | None) -> float:
        """Return if the body of this push may be read; wait where tokens have to be read again.

        Args:
            key: the monitor, as the client names it.
            token: as the client sent it; None if it sent none.

        Returns:
            How many seconds the push has to wait unless it changes the status: 0 within the limit.
            More means that `admit_change` has to decide once the body is read.

        Raises:
            NotReady: the exporter does not know all monitors yet.
            NotAuthenticated: no token, a wrong token, or an unknown monitor.
            TokenMissing: the monitor's Secret holds no token.
            RateLimited: not even a change of status may come in.
        """
        wait_seconds = self.admit_at_once(key, token)
        if wait_seconds is None:
            assert token is not None and self._renew_tokens is not None  # noqa: S101, PT018
            own_key = await self._decide_again(key, token, self._renew_tokens)
            wait_seconds = self._wait_seconds(own_key)
        return wait_seconds

    def admit_at_once(self, key: MonitorKey, token: bytes | None) -> float | None:
        """Decide as `admit` does; return None, and do nothing, where the decision has to wait."""
        try:
            own_key = self._decide(key, token)
        except (NotAuthenticated, TokenMissing):
            if token is None or self._renew_tokens is None:
                raise
            return None
        return self._wait_seconds(own_key)

    def admit_change(self, key: MonitorKey, *, changes: bool, wait_seconds: float) -> None:
        """Return if a push beyond the limit may come in: it changes the status, and not too often.

        Args:
            key: the monitor.
            changes: whether the push says something else than the push before.
            wait_seconds: as `admit` returned it.

        Raises:
            RateLimited: the push repeats the status, or the status changes all the time.
        """
        if changes:
            wait_seconds = self._limiter.change_wait_seconds(key, now_timestamp=self._clock())
        if wait_seconds > 0:
            raise self._limited(key, wait_seconds, changes=changes)

    def _wait_seconds(self, key: MonitorKey) -> float:
        """Return how long a push has to wait that repeats the status."""
        now_timestamp = self._clock()
        wait_seconds = self._limiter.push_wait_seconds(key, now_timestamp=now_timestamp)
        if wait_seconds > 0:
            change_wait_seconds = self._limiter.change_wait_seconds(
                key, now_timestamp=now_timestamp, takes_token=False
            )
            if change_wait_seconds > 0:
                wait_seconds = min(wait_seconds, change_wait_seconds)
                raise self._limited(key, wait_seconds, changes=True)
        return wait_seconds

    async def _decide_again(self, key: MonitorKey, token: bytes, renew: RenewTokens) -> MonitorKey:
        """Read the tokens again, and `_decide` until there is an admission or the time is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.total_seconds
        renewing = renew(key)
        if renewing is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await renewing
        while True:
            try:
                return self._decide(key, token)
            except (NotAuthenticated, TokenMissing):
                if loop.time() >= until:
                    raise
            await asyncio.sleep(min(self._limits.poll_seconds, max(until - loop.time(), 0.0)))

    def _decide(self, key: MonitorKey, token: bytes | None) -> MonitorKey:
        """Return the monitor's own key: the limiter keeps it, and not a copy from each request."""
        self._readiness.check()
        row = self._table.row(key)
        if row is None and self._table.is_unlisted(key.namespace):
            raise NotReady(
                f"the monitors of the namespace {key.namespace} are not known, because the exporter "
                "may not list them; push again later"
            )
        if row is not None and not row.monitor.token_digests and token is not None:
            raise TokenMissing(
                "the Secret with the tokens of this monitor is missing or empty; "
                "the log of yuptime-exporter says which"  # the name is not for strangers
            )
        digests = row.monitor.token_digests if row else _NO_TOKEN_DIGESTS
        if token is None or not _matches(token, digests) or row is None:
            raise NotAuthenticated
        return row.monitor.key

    def _limited(self, key: MonitorKey, wait_seconds: float, *, changes: bool) -> RateLimited:
        limit = self._limiter.limit
        text = (
            f"monitor {key}: expected at most one push each {limit.interval_seconds:g} s "
            f"after a burst of {limit.burst}"
        )
        if changes:
            text += (
                f", and beyond that one change of status each {CHANGES.interval_seconds:g} s "
                f"after a burst of {CHANGES.burst}"
            )
        return RateLimited(f"{text}, got more", retry_after_seconds=math.ceil(wait_seconds))


def _matches(token: bytes, digests: tuple[bytes, ...]) -> bool:
    """Compare with every digest: the time tells neither whether the token matched, nor which."""
    presented = hashlib.sha256(token).digest()
    matches = False
    for digest in digests:
        matches |= hmac.compare_digest(presented, digest)
    return matches
