"""Secrets that are read one by one, with least privilege: `--kubernetes.secrets=get`.

The exporter needs only the verb `get` on the Secrets that Monitors name. It notices a change when a
Secret that was read expires, or when a push has a token that does not match.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import TokenProblem
from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError
from yuptime_exporter.resource.objects import SecretKey
from yuptime_exporter.sources.kubernetes.limits import SourceLimits
from yuptime_exporter.sources.kubernetes.secret_tokens import (
    HeldSecret,
    References,
    read_secret,
    secret_path,
)

log = logging.getLogger(__name__)

_MIN_SLEEP_SECONDS = 0.1


@dataclass(slots=True)
class _Entry:
    keys: frozenset[str]
    held: HeldSecret | TokenProblem = TokenProblem.SECRET_NOT_FOUND
    expires_timestamp: float = 0.0
    renewed_timestamp: float = float("-inf")
    reading: "asyncio.Task[None] | None" = None


class SecretReads:
    """The Secrets that Monitors name, each read when it is needed."""

    def __init__(
        self,
        api: Api,
        *,
        on_change: Callable[[SecretKey], None],
        jitter: Callable[[], float],
        clock: Clock,
        limits: SourceLimits | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            api: the API server.
            on_change: called with each Secret after its tokens have changed.
            jitter: returns a random number from 0 to 1.
            clock: decides when a Secret expires.
            limits: None: the defaults.
        """
        self._api = api
        self._on_change = on_change
        self._jitter = jitter
        self._clock = clock
        self._limits = limits or SourceLimits()
        self._entries: dict[SecretKey, _Entry] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._slots = asyncio.Semaphore(self._limits.secret_reads_in_flight)
        self._log = FailureLog(
            log,
            "Secrets cannot be read; the last known tokens stay active",
            "Secrets can be read again",
        )

    def begin(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[NoReturn]]:
        """Begin to read Secrets that expire; return the tasks to cancel at the end."""
        self._tasks = tasks
        return [tasks.create_task(self._read_expired_forever(), name="read Secrets")]

    async def want(self, references: References) -> None:
        """Hold exactly these entries of these Secrets; return when the new ones were read."""
        new = []
        for secret, keys in references.items():
            entry = self._entries.get(secret)
            if not keys:
                self._entries.pop(secret, None)
            elif entry is None or not keys <= entry.keys:
                self._entries[secret] = entry or _Entry(keys)
                self._entries[secret].keys = keys
                new.append(secret)
            else:
                entry.keys = keys
        for reading in [self._reading(secret) for secret in new]:
            await reading

    def call_when_listed(self, call: Callable[[str | None], None]) -> None:
        """Do nothing: the tokens of no namespace are awaited."""

    async def refresh(self) -> None:
        """Do nothing: nothing is listed."""

    def is_listed(self, namespace: str | None) -> bool:  # noqa: ARG002
        """Return True: each Secret is read by itself, and says why it has no tokens."""
        return True

    def is_forbidden(self, namespace: str | None) -> bool:  # noqa: ARG002
        """Tell whether they may not be listed: no list is needed."""
        return False

    def held(self, secret: SecretKey) -> HeldSecret | TokenProblem:
        """Return the tokens of a Secret, or why there are none."""
        entry = self._entries.get(secret)
        return entry.held if entry else TokenProblem.SECRET_NOT_FOUND

    def renew(self, secret: SecretKey) -> Awaitable[None] | None:
        """Read a Secret again after a token did not match; None: it was read just now."""
        entry = self._entries.get(secret)
        if entry is None:
            return None
        if entry.reading is not None:
            return asyncio.shield(entry.reading)
        now_timestamp = self._clock()
        age_seconds = now_timestamp - entry.renewed_timestamp
        if 0 <= age_seconds < self._limits.secret_renewal_seconds:
            return None
        entry.renewed_timestamp = now_timestamp
        return self._reading(secret)

    async def _read_expired_forever(self) -> NoReturn:
        poll_seconds = self._limits.secret_poll_seconds
        while True:
            now_timestamp = self._clock()
            for secret, entry in list(self._entries.items()):
                if entry.expires_timestamp <= now_timestamp:
                    self._begin_reading(secret)
            moments = [entry.expires_timestamp for entry in self._entries.values()]
            soonest_seconds = min(moments, default=now_timestamp + poll_seconds) - now_timestamp
            await asyncio.sleep(min(max(soonest_seconds, _MIN_SLEEP_SECONDS), poll_seconds))

    def _begin_reading(self, secret: SecretKey) -> None:
        """Begin to read a Secret, unless it is being read."""
        assert self._tasks is not None  # noqa: S101  `begin` came first
        entry = self._entries[secret]
        if entry.reading is None:
            entry.reading = self._tasks.create_task(
                self._read(secret, entry), name=f"read Secret {secret}"
            )

    def _reading(self, secret: SecretKey) -> Awaitable[None]:
        """Return when the Secret was read; concurrent callers share one request."""
        self._begin_reading(secret)
        reading = self._entries[secret].reading
        assert reading is not None  # noqa: S101
        return asyncio.shield(reading)

    async def _read(self, secret: SecretKey, entry: _Entry) -> None:
        before = entry.held
        ttl_seconds = self._limits.secret_missing_ttl_seconds
        try:
            async with self._slots:
                raw = await self._api.call(
                    "GET",
                    secret_path(secret),
                    timeout_seconds=self._limits.secret_read_timeout_seconds,
                )
            entry.held = read_secret(raw, entry.keys)
            ttl_seconds = self._ttl_seconds()
            self._log.recovered()
        except ApiError as error:  # the tokens that were read before stay active
            match error:
                case ApiStatusError(status=404):
                    entry.held = TokenProblem.SECRET_NOT_FOUND
                case ApiStatusError(status=403):
                    entry.held = TokenProblem.SECRET_FORBIDDEN
                case _:
                    self._log.failed(error)
        finally:
            entry.reading = None
        entry.expires_timestamp = self._clock() + ttl_seconds
        if entry.held != before and self._entries.get(secret) is entry:
            self._on_change(secret)

    def _ttl_seconds(self) -> float:
        spread = self._limits.secret_ttl_spread * (2 * self._jitter() - 1)
        return self._limits.secret_ttl_seconds * (1 + spread)
