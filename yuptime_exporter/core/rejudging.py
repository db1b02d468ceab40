"""Which monitors have to be judged again; so neither a scrape nor an alert costs a judgement of all.

A verdict changes when its monitor changes, at moments that are known in advance (due and deadline),
and with the outages. A clock that is set back changes all verdicts.
"""

from collections.abc import Collection, Iterable, Iterator
from heapq import heappop, heappush
from typing import Any

from yuptime_exporter.core.evaluation import judge, next_change_timestamp
from yuptime_exporter.core.model import Judged, MonitorKey, Row
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.table import MonitorTable

# Number of monitors in one step of `advance`; a step takes less than half a millisecond.
MONITORS_A_STEP = 256

NEVER = float("inf")


class ChangedMonitors:
    """The monitors that one reader has to judge again, removed monitors included."""

    def __init__(self, keys: Iterable[MonitorKey]) -> None:
        self._keys = dict.fromkeys(keys)

    def __len__(self) -> int:
        """Return the number of these monitors."""
        return len(self._keys)

    def add(self, keys: Iterable[MonitorKey]) -> None:
        """Add monitors that have changed; each is there once."""
        self._keys.update(dict.fromkeys(keys))

    def take(self) -> Collection[MonitorKey]:
        """Return these monitors in the order of their first change, and begin again with none."""
        keys, self._keys = self._keys, {}
        return keys.keys()


class Rejudging:
    """Collects for each of its readers the monitors whose verdict may have changed.

    For the event loop's thread only. A reader calls `advance`, takes its changed monitors, and judges
    them. What it then knows of each monitor equals a judgement of all monitors at that moment.
    """

    def __init__(self, table: MonitorTable, *, monitors_a_step: int = MONITORS_A_STEP) -> None:
        self._table = table
        self._monitors_a_step = monitors_a_step
        # All monitors after a change of the outages. They stay here if a reader stops to advance:
        # the next one goes on, whichever reader it is.
        self._unadded: list[Row] = []
        self._readers: list[ChangedMonitors] = []
        self._advanced_timestamp = -NEVER
        self._outages = Outages()
        # The next moment of each monitor at which its verdict may change, and no earlier one. A
        # push moves a moment ahead, and the entry stays: judging at its moment finds the next.
        self._next: dict[MonitorKey, float] = {}
        self._moments: list[tuple[float, MonitorKey]] = []
        table.follow(self._add)

    def reader(self) -> ChangedMonitors:
        """Return the changed monitors of a new reader: all of them, at first."""
        reader = ChangedMonitors(row.monitor.key for row in self._table.rows())
        self._readers.append(reader)
        return reader

    def advance(self, now_timestamp: float) -> Iterator[None]:
        """Add the monitors whose verdict changes by the passing of time alone, step by step."""
        outages = self._table.outages(now_timestamp=now_timestamp)
        was_set_back = now_timestamp < self._advanced_timestamp
        others = outages.known != self._outages.known
        self._advanced_timestamp, self._outages = now_timestamp, outages
        if was_set_back or others:
            self._unadded = list(reversed(self._table.rows()))
        while self._unadded:
            some = self._unadded[-self._monitors_a_step :]
            del self._unadded[-self._monitors_a_step :]
            self._add([row.monitor.key for row in reversed(some)])
            yield
        while come := self._come(now_timestamp):
            self._add(come)
            yield

    def judge(self, keys: Iterable[MonitorKey], *, now_timestamp: float) -> list[Judged]:
        """Judge monitors by the outages of the last `advance`; removed monitors are left out."""
        judged = []
        for key in keys:
            row = self._table.row(key)
            if row is None:
                continue
            verdict = judge(row, self._outages, now_timestamp=now_timestamp)
            judged.append(Judged(row, verdict))
            moment = next_change_timestamp(verdict, now_timestamp=now_timestamp)
            if moment is not None and moment < self._next.get(key, NEVER):
                shared: Any = moment  # one object in memory, also in compiled code
                self._next[key] = shared
                heappush(self._moments, (shared, key))
        return judged

    def next_timestamp(self) -> float | None:
        """Return the first moment at which a verdict may change by itself; None: never."""
        return self._moments[0][0] if self._moments else None

    def _come(self, now_timestamp: float) -> list[MonitorKey]:
        """Return some of the monitors whose moment has come; none when all were returned."""
        come: list[MonitorKey] = []
        while (
            self._moments
            and self._moments[0][0] <= now_timestamp
            and len(come) < self._monitors_a_step
        ):
            moment, key = heappop(self._moments)
            if self._next.get(key) == moment:  # otherwise an earlier moment replaced this one
                del self._next[key]
                come.append(key)
        return come

    def _add(self, keys: Collection[MonitorKey]) -> None:
        for reader in self._readers:
            reader.add(keys)
