"""Accept one push: admitted, then durable, then visible, then acknowledged."""

import asyncio
import hashlib
import hmac
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import (
    MonitorUnwritable,
    NotAuthenticated,
    NotReady,
    RateLimited,
    StoreUnavailable,
    TokenMissing,
)
from yuptime_exporter.core.evaluation import after_push, judge
from yuptime_exporter.core.model import (
    Arming,
    LastPush,
    MonitorKey,
    Push,
    Row,
    State,
    Verdict,
)
from yuptime_exporter.core.ports import PushStore, Saving
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
        on_push: Callable[[MonitorKey, State, State], None],
        clock: Clock,
    ) -> None:
        """Take what a push passes through.

        Args:
            table: where pushes are visible.
            store: where they are durable.
            limiter: how many are let in.
            readiness: whether any are.
            on_push: called with a monitor and its states before and after each accepted push.
            clock: gives the moment of receipt.
        """
        self._table = table
        self._store = store
        self._limiter = limiter
        self._readiness = readiness
        self._on_push = on_push
        self._clock = clock
        self._arrivals: dict[MonitorKey, list[_Arrival]] = {}
        self._saving: set[MonitorKey] = set()

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

    async def accept(self, key: MonitorKey, push: Push) -> Receipt:
        """Make an admitted push durable and visible, and return what it changed.

        Pushes to one monitor continue each other in the order in which they came. What came while
        one of them was being saved is saved together; pushes to different monitors share a commit.

        Raises:
            NotAuthenticated: the monitor was removed since the push was admitted.
            StoreUnavailable: the push is not durable, as far as is known.
        """
        arrival = _Arrival(push, asyncio.Future())
        self._arrivals.setdefault(key, []).append(arrival)
        if key not in self._saving:
            self._save_next(key)
        try:
            async with asyncio.timeout(SAVE_TIMEOUT_SECONDS):
                return await arrival.accepted
        except TimeoutError as error:
            raise StoreUnavailable(
                f"the store did not answer within {SAVE_TIMEOUT_SECONDS:g} s"
            ) from error

    def adopt(self, key: MonitorKey, arming: Arming | None, push: LastPush | None) -> None:
        """Take over what is stored of a monitor: another replica may have accepted a push."""
        now_timestamp = self._clock()
        row = self._table.row(key)
        outages = self._table.outages(now_timestamp=now_timestamp)
        if not self._table.adopt(key, arming, push, now_timestamp=now_timestamp) or row is None:
            return
        adopted = self._table.row(key)
        if adopted is not None:
            before = judge(row, outages, now_timestamp=now_timestamp)
            after = judge(adopted, outages, now_timestamp=now_timestamp)
            self._on_push(key, before.state, after.state)

    def note_rejected(self, key: MonitorKey) -> None:
        """Count a push that was admitted, and then could not be read."""
        self._table.record_rejected(key)

    def _save_next(self, key: MonitorKey) -> None:
        """Save everything that has arrived for a monitor and is still waited for."""
        arrivals = [one for one in self._arrivals.pop(key, ()) if not one.accepted.done()]
        row = self._table.row(key)
        if row is None:
            for arrival in arrivals:
                arrival.accepted.set_exception(NotAuthenticated())
        if row is None or not arrivals:
            return
        before, steps = row, []
        for arrival in arrivals:
            step = self._taken(row, arrival)
            row = step.receipt.row
            steps.append(step)
        assert row.last_push is not None  # noqa: S101  it is the last arrival
        saving = self._store.save_push(before, row.last_push)
        self._saving.add(key)
        saving.add_done_callback(partial(self._settle, key, steps))

    def _taken(self, row: Row, arrival: "_Arrival") -> "_Step":
        """Return what an arrival makes of the monitor."""
        now_timestamp = arrival.push.received_timestamp
        outages = self._table.outages(now_timestamp=now_timestamp)
        before = judge(row, outages, now_timestamp=now_timestamp)
        after = Row(row.monitor, row.arming, after_push(row, outages, arrival.push))
        receipt = Receipt(after, judge(after, outages, now_timestamp=now_timestamp))
        return _Step(arrival, before.state, receipt)

    def _settle(self, key: MonitorKey, steps: "Sequence[_Step]", saving: Saving[LastPush]) -> None:
        """Show what became durable, even if nobody waits for it any more; then let the next in.

        All of it happens in one call, so that no push finds a saving that is done and a table
        that does not show it yet.
        """
        self._saving.discard(key)
        error = saving.exception()
        if error is None:
            self._table.record_push(key, saving.result())
        elif not isinstance(error, MonitorUnwritable):  # the others can be pushed to
            self._table.record_refusing()
        for step in steps:
            accepted = step.arrival.accepted
            if error is None:
                self._on_push(key, step.state_before, step.receipt.verdict.state)
            if accepted.done():
                continue
            if error is None:
                accepted.set_result(step.receipt)
            else:
                accepted.set_exception(error)
        if key in self._arrivals:
            self._save_next(key)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A push that was admitted and is not durable yet."""

    push: Push
    accepted: "asyncio.Future[Receipt]"


@dataclass(frozen=True, slots=True)
class _Step:
    """What one of several pushes that are saved together changes."""

    arrival: _Arrival
    state_before: State
    receipt: Receipt


def _matches(token: bytes, digests: tuple[bytes, ...]) -> bool:
    """Compare with every digest, so that the time tells neither which matched nor whether."""
    presented = hashlib.sha256(token).digest()
    matches = [hmac.compare_digest(presented, digest) for digest in digests]
    return any(matches)
