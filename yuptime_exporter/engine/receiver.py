"""Save an admitted push: durable, then visible, then acknowledged."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from yuptime_exporter.core.errors import MonitorUnwritable, NotAuthenticated, StoreUnavailable
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
from yuptime_exporter.core.ports import PushStore, Saving
from yuptime_exporter.core.table import MonitorTable

OnPush = Callable[[MonitorKey, State, State], None]
"""Called with a monitor and its states before and after a push became visible."""

# Longer than a healthy disk ever takes, and shorter than a job's curl waits.
SAVE_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of an accepted push: its monitor afterwards, and the verdict about it."""

    row: Row
    verdict: Verdict


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
        self._arrivals: dict[MonitorKey, list[_Arrival]] = {}
        self._saving: dict[MonitorKey, PushKind | None] = {}  # with the last result in it

    async def accept(self, key: MonitorKey, push: Push) -> Receipt:
        """Make an admitted push durable and visible.

        Pushes to one monitor continue each other in the order of their arrival. Those that arrive
        during a save are saved together; pushes to different monitors share a commit.

        Raises:
            NotAuthenticated: the monitor was removed after the admission.
            StoreUnavailable: the push is not durable, as far as is known.
        """
        arrival = _Arrival(push, asyncio.Future())
        self._arrivals.setdefault(key, []).append(arrival)
        if key not in self._saving:
            self._save_next(key)
        try:
            async with asyncio.timeout(self._save_timeout_seconds):
                return await arrival.accepted
        except TimeoutError as error:
            raise StoreUnavailable(
                f"the store did not answer within {self._save_timeout_seconds:g} s"
            ) from error

    def changes_status(self, key: MonitorKey, kind: PushKind) -> bool:
        """Return whether a push of this kind says something else than the newest result before it.

        Pushes that are not durable yet count. A first result changes the status; the start of a run
        and a message never do.
        """
        if kind not in RESULTS:
            return False
        for arrival in reversed(self._arrivals.get(key, ())):
            if not arrival.accepted.done() and arrival.push.kind in RESULTS:
                return arrival.push.kind is not kind
        if key in self._saving:
            return self._saving[key] is not kind
        row = self._table.row(key)
        return row is None or row.last_push is None or row.last_push.status is not kind

    def _save_next(self, key: MonitorKey) -> None:
        """Save the arrivals of a monitor, except those without a waiting client."""
        arrivals = [one for one in self._arrivals.pop(key, ()) if not one.accepted.done()]
        row = self._table.row(key)
        if row is None:
            for arrival in arrivals:
                arrival.accepted.set_exception(NotAuthenticated())
        if row is None or not arrivals:
            return
        before, steps = row, []
        for arrival in arrivals:
            step = self._step(row, arrival)
            row = step.receipt.row
            steps.append(step)
        assert row.last_push is not None  # noqa: S101  it is the last arrival
        pushes = tuple(arrival.push for arrival in arrivals)
        saving = self._store.save_push(before, row.last_push, pushes)
        self._saving[key] = row.last_push.status
        saving.add_done_callback(partial(self._settle, key, steps))

    def _step(self, row: Row, arrival: "_Arrival") -> "_Step":
        """Return how an arrival changes its monitor."""
        now_timestamp = arrival.push.received_timestamp
        outages = self._table.outages(now_timestamp=now_timestamp)
        before = judge(row, outages, now_timestamp=now_timestamp)
        after = Row(row.monitor, row.arming, after_push(row, outages, arrival.push))
        receipt = Receipt(after, judge(after, outages, now_timestamp=now_timestamp))
        return _Step(arrival, before.state, receipt)

    def _settle(self, key: MonitorKey, steps: "Sequence[_Step]", saving: Saving[LastPush]) -> None:
        """Show the saved push, even if every client has left; then save the next arrivals.

        All of this happens in one call, so that no push finds a finished save and a table that
        does not show it yet.
        """
        self._saving.pop(key, None)
        error = saving.exception()
        if error is None:
            self._table.record_push(key, saving.result())
        elif not isinstance(error, MonitorUnwritable):  # which leaves other monitors writable
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
    """The change by one of several pushes that are saved together."""

    arrival: _Arrival
    state_before: State
    receipt: Receipt
