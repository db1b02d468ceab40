"""Secrets that are read one by one: the way of least privilege, `--kubernetes.secrets=get`.

Needs nothing but `get` on the Secrets that Monitors name. A change is noticed when the time of
what was read is over, or when a token is sent that does not match it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import TokenTrouble
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.errors import ApiError, ApiRefused
from yuptime_exporter.resource.objects import SecretKey
from yuptime_exporter.sources.kubernetes.secret_tokens import (
    HeldSecret,
    References,
    read_secret,
    secret_path,
)

log = logging.getLogger(__name__)

# 1,000 Secrets are 3.3 requests a second; a fifth more or less keeps them from coming together.
TTL_SECONDS = 300.0
TTL_SPREAD = 0.2

# How long "not found" and "forbidden" are believed: what is missing is usually being created.
MISSING_TTL_SECONDS = 30.0

# One read for each Secret in this time, however many wrong tokens are sent.
RENEWAL_SECONDS = 10.0

MAX_IN_FLIGHT = 16
_READ_TIMEOUT_SECONDS = 5.0
_MAX_SLEEP_SECONDS = 5.0


@dataclass(slots=True)
class _Entry:
    keys: frozenset[str]
    held: HeldSecret | TokenTrouble = TokenTrouble.SECRET_NOT_FOUND
    stale_timestamp: float = 0.0
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
    ) -> None:
        """Take where Secrets are read; `on_change` is called with each whose tokens changed."""
        self._api = api
        self._on_change = on_change
        self._jitter = jitter
        self._clock = clock
        self._entries: dict[SecretKey, _Entry] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._failing = False

    def begin(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[NoReturn]]:
        """Begin to read Secrets whose time is over."""
        self._tasks = tasks
        return [tasks.create_task(self._read_stale_forever(), name="read Secrets")]

    async def want(self, references: References) -> None:
        """Hold just these entries of these Secrets; return when what is new was looked at."""
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

    def held(self, secret: SecretKey) -> HeldSecret | TokenTrouble:
        """Return what is known of a Secret."""
        entry = self._entries.get(secret)
        return entry.held if entry else TokenTrouble.SECRET_NOT_FOUND

    def renew(self, secret: SecretKey) -> Awaitable[None] | None:
        """Read a Secret anew since a token did not match; None: that was done just now."""
        entry = self._entries.get(secret)
        if entry is None:
            return None
        if entry.reading is not None:
            return asyncio.shield(entry.reading)
        now_timestamp = self._clock()
        if 0 <= now_timestamp - entry.renewed_timestamp < RENEWAL_SECONDS:
            return None
        entry.renewed_timestamp = now_timestamp
        return self._reading(secret)

    async def _read_stale_forever(self) -> NoReturn:
        while True:
            now_timestamp = self._clock()
            for secret, entry in list(self._entries.items()):
                if entry.stale_timestamp <= now_timestamp:
                    self._begin_reading(secret)
            moments = [entry.stale_timestamp for entry in self._entries.values()]
            soonest = min(moments, default=now_timestamp + _MAX_SLEEP_SECONDS)
            await asyncio.sleep(min(max(soonest - now_timestamp, 0.1), _MAX_SLEEP_SECONDS))

    def _begin_reading(self, secret: SecretKey) -> None:
        """Read a Secret, unless it is being read."""
        assert self._tasks is not None  # noqa: S101  `begin` came first
        entry = self._entries[secret]
        if entry.reading is None:
            entry.reading = self._tasks.create_task(
                self._read(secret, entry), name=f"read Secret {secret}"
            )

    def _reading(self, secret: SecretKey) -> Awaitable[None]:
        """Return when the Secret was read; all who ask meanwhile share one reading."""
        self._begin_reading(secret)
        reading = self._entries[secret].reading
        assert reading is not None  # noqa: S101
        return asyncio.shield(reading)

    async def _read(self, secret: SecretKey, entry: _Entry) -> None:
        before = entry.held
        ttl_seconds = TTL_SECONDS * (1 + TTL_SPREAD * (2 * self._jitter() - 1))
        try:
            async with self._slots:
                raw = await self._api.call(
                    "GET", secret_path(secret), timeout_seconds=_READ_TIMEOUT_SECONDS
                )
            entry.held = read_secret(raw, entry.keys)
            self._recovered()
        except ApiRefused as error:
            ttl_seconds = MISSING_TTL_SECONDS
            if error.status == 404:
                entry.held = TokenTrouble.SECRET_NOT_FOUND
            elif error.status == 403:
                entry.held = TokenTrouble.SECRET_FORBIDDEN
            else:
                self._failed(error)
        except ApiError as error:  # what was read before stays in force
            ttl_seconds = MISSING_TTL_SECONDS
            self._failed(error)
        finally:
            entry.reading = None
        entry.stale_timestamp = self._clock() + ttl_seconds
        if entry.held != before and self._entries.get(secret) is entry:
            self._on_change(secret)

    def _failed(self, error: ApiError) -> None:
        if not self._failing:
            self._failing = True
            log.warning(
                "Secrets cannot be read; the tokens that are known stay in force",
                extra={"err": str(error)},
            )

    def _recovered(self) -> None:
        if self._failing:
            self._failing = False
            log.info("Secrets can be read again")
