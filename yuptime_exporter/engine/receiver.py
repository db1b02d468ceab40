"""Accept one push: admitted, then durable, then visible, then acknowledged."""

import asyncio
import hashlib
import hmac
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from yuptime_exporter.core.errors import (
    NotAuthenticated,
    NotReady,
    RateLimited,
    StoreUnavailable,
    TokenMissing,
)
from yuptime_exporter.core.evaluation import after_push, judge
from yuptime_exporter.core.model import LastPush, MonitorKey, PushStatus, Row, State, Verdict
from yuptime_exporter.core.ports import Clock, PushStore, Saving
from yuptime_exporter.core.rate_limit import RateLimiter
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.readiness import Readiness

# Longer than a healthy disk ever takes and shorter than a job's curl is willing to wait.
SAVE_TIMEOUT_SECONDS = 5.0

# What an unknown monitor's token is compared with, so that it takes as long as a known one's.
# It is the digest of nothing that can be sent.
_NOBODYS_DIGESTS = (bytes(hashlib.sha256().digest_size),)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an accepted push."""

    row: Row
    verdict: Verdict


class Receiver:
    """The one way in for pushes. Used from the thread of the event loop only."""

    def __init__(
        self,
        table: MonitorTable,
        store: PushStore,
        limiter: RateLimiter,
        readiness: Readiness,
        *,
        on_alert_change: Callable[[], None],
        clock: Clock,
    ) -> None:
        """Take what a push passes through.

        Args:
            table: where pushes are visible.
            store: where they are durable.
            limiter: how many are let in.
            readiness: whether any are.
            on_alert_change: called when a push has raised or ended an alert.
            clock: gives the moment of receipt.
        """
        self._table = table
        self._store = store
        self._limiter = limiter
        self._readiness = readiness
        self._on_alert_change = on_alert_change
        self._clock = clock
        self._settled: dict[MonitorKey, asyncio.Future[None]] = {}

    def admit(self, key: MonitorKey, token: bytes | None) -> None:
        """Let in whoever may push to this monitor now; cheap, and before any body is read.

        Args:
            key: the monitor, as the client names it.
            token: as the client sent it; None if it sent none.

        Raises:
            NotReady: nobody can be told from anybody yet.
            NotAuthenticated: no token, a wrong one, or no such monitor.
            TokenMissing: the monitor's Secret holds no token.
            RateLimited: the monitor's bucket is empty.
        """
        if not self._readiness.ready:
            raise NotReady(f"not ready: {self._readiness.awaited}; push again in a few seconds")
        row = self._table.row(key)
        if row is not None and not row.monitor.token_digests and token is not None:
            raise TokenMissing(
                "the Secret with the tokens of this monitor is missing or empty; "
                "the log of yuptime-exporter says which"  # to a stranger not even its name
            )
        digests = row.monitor.token_digests if row else _NOBODYS_DIGESTS
        if token is None or not _matches(token, digests):
            raise NotAuthenticated
        wait_seconds = self._limiter.wait_seconds(key, now_timestamp=self._clock())
        if wait_seconds > 0:
            self._table.record_rejected(key)
            limit = self._limiter.limit
            raise RateLimited(
                f"monitor {key}: more than one push each {limit.interval_seconds:g} s "
                f"beyond a burst of {limit.burst}",
                retry_after_seconds=math.ceil(wait_seconds),
            )

    async def accept(self, key: MonitorKey, *, status: PushStatus, message: str) -> Receipt:
        """Make an admitted push durable and visible, and return what it changed.

        Pushes to one monitor are taken one after the other, since each continues the one before;
        pushes to different monitors share a commit.

        Raises:
            NotAuthenticated: the monitor was removed since the push was admitted.
            StoreUnavailable: the push is not durable, as far as is known.
        """
        received_timestamp = self._clock()
        try:
            async with asyncio.timeout(SAVE_TIMEOUT_SECONDS):
                while (earlier := self._settled.get(key)) is not None:
                    await asyncio.shield(earlier)
                row = self._table.row(key)
                if row is None:
                    raise NotAuthenticated
                outages = self._table.outages(now_timestamp=received_timestamp)
                push = after_push(
                    row, outages, status=status, message=message, now_timestamp=received_timestamp
                )
                before = judge(row, outages, now_timestamp=received_timestamp)
                await asyncio.shield(self._save(key, push))
        except TimeoutError as error:
            raise StoreUnavailable(
                f"the store did not answer within {SAVE_TIMEOUT_SECONDS:g} s"
            ) from error
        row = Row(row.monitor, row.arming, push)
        verdict = judge(row, outages, now_timestamp=received_timestamp)
        if State.DOWN in (verdict.state, before.state):
            self._on_alert_change()
        return Receipt(row, verdict)

    def note_rejected(self, key: MonitorKey) -> None:
        """Count a push that was admitted, and then could not be read."""
        self._table.record_rejected(key)

    def _save(self, key: MonitorKey, push: LastPush) -> Saving:
        saving = self._store.save_push(key, push)
        settled = self._settled[key] = asyncio.get_running_loop().create_future()
        saving.add_done_callback(partial(self._settle, key, push, settled))
        return saving

    def _settle(
        self, key: MonitorKey, push: LastPush, settled: "asyncio.Future[None]", saving: Saving
    ) -> None:
        """Show what became durable, even if nobody waits for it any more; then let the next in.

        The next push waits for `settled` and not for `saving`: between the end of that and this
        call, it would find a saving that is done and a table that does not show it yet.
        """
        if saving.exception() is None:
            self._table.record_push(key, push)
        else:
            self._table.record_refusing()
        del self._settled[key]
        settled.set_result(None)


def _matches(token: bytes, digests: tuple[bytes, ...]) -> bool:
    """Compare with every digest, so that the time tells neither which matched nor whether."""
    presented = hashlib.sha256(token).digest()
    matches = [hmac.compare_digest(presented, digest) for digest in digests]
    return any(matches)
