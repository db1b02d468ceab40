"""Save an admitted push: durable, then visible, then acknowledged."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, final

from yuptime_exporter.core.errors import (
    MonitorUnwritable,
    NotAuthenticated,
    Rejection,
    StoreUnavailable,
)
from yuptime_exporter.core.evaluation import after_push, judge
from yuptime_exporter.core.model import (
    RESULTS,
    LastPush,
    MonitorKey,
    Push,
    PushKind,
    Row,
    State,
    Verdict,
)
from yuptime_exporter.core.ports import PushSave, PushStore
from yuptime_exporter.core.table import MonitorTable

log = logging.getLogger(__name__)

OnPush = Callable[[MonitorKey, State, State], None]
"""Called with a monitor and its states before and after a push became visible."""

# Longer than a healthy disk ever takes, and shorter than a job's curl waits.
SAVE_TIMEOUT_SECONDS = 5.0


@final
class Receipt:
    """The result of an accepted push: its monitor afterwards, and the verdict about it."""

    __slots__ = ("row", "verdict")

    def __init__(self, row: Row, verdict: Verdict) -> None:
        self.row: Final = row
        self.verdict: Final = verdict


Settle = Callable[[Receipt | Rejection], None]
"""Called once, with the result of a push or with the reason why it was not accepted."""


class Arrival:
    """An admitted push that has no result yet.

    Attributes:
        push: as its dialect read it.
        until_seconds: when the push has waited too long, on the clock of the event loop.
        is_awaited: whether a client still waits for the result.
    """

    __slots__ = ("_settle", "is_awaited", "push", "until_seconds")

    def __init__(self, push: Push, settle: Settle, until_seconds: float) -> None:
        self.push = push
        self.until_seconds = until_seconds
        self.is_awaited = True
        self._settle = settle

    def settle(self, outcome: Receipt | Rejection) -> None:
        """Report the result, unless nobody waits for it; a bug there stops no other push."""
        if not self.is_awaited:
            return
        self.is_awaited = False
        try:
            self._settle(outcome)
        except Exception:
            log.exception("a push cannot be answered: this is an error of yuptime-exporter")


_Step = tuple[Arrival, State, Receipt]
"""The change by one of several pushes that are saved together: from a state, to a receipt."""


class Receiver:
    """Saves admitted pushes in the order of their arrival. For the event loop's thread only."""

    def __init__(
        self,
        table: MonitorTable,
        store: PushStore,
        *,
        on_push: OnPush,
        save_timeout_seconds: float = SAVE_TIMEOUT_SECONDS,
    ) -> None:
        """Connect the parts that a push passes.

        Args:
            table: makes pushes visible.
            store: makes pushes durable.
            on_push: called after each push that became visible.
            save_timeout_seconds: how long a push waits for the store.
        """
        self._table = table
        self._store = store
        self._on_push = on_push
        self._save_timeout_seconds = save_timeout_seconds
        self._next: dict[MonitorKey, list[Arrival]] = {}  # to be saved next, by their monitor
        self._ready: list[MonitorKey] = []  # those of them that are not being saved
        self._saving: dict[MonitorKey, list[_Step]] = {}
        self._unsettled: dict[Arrival, None] = {}  # in the order of arrival
        self._timer: asyncio.TimerHandle | None = None  # of the oldest unsettled push

    async def accept(self, key: MonitorKey, push: Push) -> Receipt:
        """Make an admitted push durable and visible, as `begin` does.

        A push whose client leaves before the store has it is dropped.

        Raises:
            NotAuthenticated: the monitor was removed after the admission.
            StoreUnavailable: the push is not durable, as far as is known.
        """
        accepted: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        arrival = self.begin(key, push, partial(_resolve, accepted))
        try:
            return await accepted
        finally:
            arrival.is_awaited = False

    def begin(self, key: MonitorKey, push: Push, settle: Settle) -> Arrival:
        """Begin to make an admitted push durable and visible.

        Pushes to one monitor continue each other in the order of their arrival. Those that arrive
        during a save are saved together; pushes to different monitors share a commit.

        Args:
            key: the monitor.
            push: as its dialect read it.
            settle: receives the result, or a rejection that `accept` raises.
        """
        loop = asyncio.get_running_loop()
        arrival = Arrival(push, settle, loop.time() + self._save_timeout_seconds)
        self._unsettled[arrival] = None
        if self._timer is None:
            self._timer = loop.call_at(arrival.until_seconds, self._settle_overdue)
        arrivals = self._next.get(key)
        if arrivals is not None:
            arrivals.append(arrival)
        else:
            self._next[key] = [arrival]
            if key not in self._saving:
                self._save_soon(key)
        return arrival

    def changes_status(self, key: MonitorKey, kind: PushKind) -> bool:
        """Return whether a push of this kind says something else than the newest result before it.

        Pushes that are not durable yet count. A first result changes the status; the start of a run
        and a message never do.
        """
        if kind not in RESULTS:
            return False
        for arrival in reversed(self._next.get(key, ())):
            if arrival.is_awaited and arrival.push.kind in RESULTS:
                return arrival.push.kind is not kind
        steps = self._saving.get(key)
        row = steps[-1][2].row if steps else self._table.row(key)
        return row is None or row.last_push is None or row.last_push.status is not kind

    def _save_soon(self, key: MonitorKey) -> None:
        """Save the next pushes to a monitor together with all others of this turn of the loop."""
        self._ready.append(key)
        if len(self._ready) == 1:
            asyncio.get_running_loop().call_soon(self._save_ready)

    def _save_ready(self) -> None:
        """Hand the next pushes to all monitors that have none in the store over to it."""
        ready, self._ready = self._ready, []
        saves = [save for key in ready if (save := self._next_save(key)) is not None]
        if saves:
            self._store.save_pushes(saves, self._settle)

    def _next_save(self, key: MonitorKey) -> PushSave | None:
        """Return the next pushes to a monitor, except those without a waiting client."""
        arrivals = [one for one in self._next.pop(key) if one.is_awaited]
        row = self._table.row(key)
        if row is None:
            for arrival in arrivals:
                arrival.settle(NotAuthenticated())
        if row is None or not arrivals:
            return None
        before, steps = row, []
        for arrival in arrivals:
            step = self._step(row, arrival)
            _, _, receipt = step
            row = receipt.row
            steps.append(step)
        assert row.last_push is not None  # noqa: S101  it is the last arrival
        self._saving[key] = steps
        return PushSave(before, row.last_push, tuple([one.push for one in arrivals]))

    def _step(self, row: Row, arrival: Arrival) -> _Step:
        """Return how an arrival changes its monitor."""
        now_timestamp = arrival.push.received_timestamp
        outages = self._table.outages(now_timestamp=now_timestamp)
        before = judge(row, outages, now_timestamp=now_timestamp)
        after = Row(row.monitor, row.arming, after_push(row, outages, arrival.push, before=before))
        receipt = Receipt(after, judge(after, outages, now_timestamp=now_timestamp))
        return arrival, before.state, receipt

    def _settle(
        self, saves: Sequence[PushSave], outcome: Sequence[LastPush] | StoreUnavailable
    ) -> None:
        """Show saved pushes, even if every client has left; then save those that came since.

        All of this happens in one call, so that no push finds a finished save and a table that
        does not show it yet.
        """
        if isinstance(outcome, StoreUnavailable):
            if not isinstance(outcome, MonitorUnwritable):  # which leaves other monitors writable
                self._table.record_refusing()
            for save in saves:
                self._settle_save(save.row.monitor.key, outcome)
        else:
            keys = [save.row.monitor.key for save in saves]
            self._table.record_pushes(zip(keys, outcome, strict=True))
            for key in keys:
                self._settle_save(key, None)

    def _settle_save(self, key: MonitorKey, error: StoreUnavailable | None) -> None:
        for arrival, state_before, receipt in self._saving.pop(key):
            self._unsettled.pop(arrival, None)
            if error is None:
                self._on_push(key, state_before, receipt.verdict.state)
                arrival.settle(receipt)
            else:
                arrival.settle(error)
        if key in self._next:
            self._save_soon(key)

    def _settle_overdue(self) -> None:
        """Reject the pushes that have waited too long; one timer serves all of them."""
        loop = asyncio.get_running_loop()
        self._timer = None
        for arrival in list(self._unsettled):
            if arrival.until_seconds > loop.time():
                self._timer = loop.call_at(arrival.until_seconds, self._settle_overdue)
                return
            del self._unsettled[arrival]
            arrival.settle(
                StoreUnavailable(
                    f"the store did not answer within {self._save_timeout_seconds:g} s"
                )
            )


def _resolve(accepted: "asyncio.Future[Receipt]", outcome: Receipt | Rejection) -> None:
    if isinstance(outcome, Rejection):
        accepted.set_exception(outcome)
    else:
        accepted.set_result(outcome)
