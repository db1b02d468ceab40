"""Which monitors have to be judged again; so neither a scrape nor an alert costs a judgement of all.

A verdict changes when its monitor changes, at moments that are known in advance (due and deadline),
and with the outages. A clock that is set back changes all verdicts.
"""

from collections.abc import Collection, Iterable, Iterator
from heapq import heappop, heappush

from yuptime_exporter.core.evaluation import judge, next_change_timestamp
from yuptime_exporter.core.model import Judged, MonitorKey, Row
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.table import MonitorTable

# Number of monitors in one step of `advance`; a step takes less than half a millisecond.
MONITORS_A_STEP = 256

# A moment that is further away is rounded down to a multiple of this time, and computed again when the
# rounded moment has come. Until then monitors share their moments, which saves 80 bytes for each.
FAR_SECONDS = 30.0

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


class _Moment:
    """A moment at which verdicts may change.

    Attributes:
        keys: of the monitors, some of which have an earlier moment by now.
        is_rounded: whether the verdicts of all these monitors change later.
    """

    __slots__ = ("is_rounded", "keys", "timestamp")

    def __init__(self, timestamp: float) -> None:
        self.timestamp = timestamp
        self.keys: list[MonitorKey] = []
        self.is_rounded = True


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
        self._next: dict[MonitorKey, _Moment] = {}
        self._moments: dict[float, _Moment] = {}
        self._timestamps: list[float] = []  # of the moments; a heap
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
        while self._timestamps and self._timestamps[0] <= now_timestamp:
            self._add(self._come(self._moments[self._timestamps[0]]))
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
            change_timestamp = next_change_timestamp(verdict, now_timestamp=now_timestamp)
            if change_timestamp is not None and change_timestamp < NEVER:
                self._judge_again(key, change_timestamp, now_timestamp=now_timestamp)
        return judged

    def next_timestamp(self) -> float | None:
        """Return a moment before which no verdict changes by itself; None: none ever does."""
        return self._timestamps[0] if self._timestamps else None

    def _judge_again(
        self, key: MonitorKey, change_timestamp: float, *, now_timestamp: float
    ) -> None:
        """Have a monitor judged when its verdict changes, unless it has an earlier moment."""
        timestamp = change_timestamp
        if change_timestamp - now_timestamp >= FAR_SECONDS:
            timestamp = change_timestamp // FAR_SECONDS * FAR_SECONDS
        known = self._next.get(key)
        if known is not None and known.timestamp <= timestamp:
            return
        moment = self._moments.get(timestamp)
        if moment is None:
            moment = self._moments[timestamp] = _Moment(timestamp)
            heappush(self._timestamps, timestamp)
        moment.is_rounded = moment.is_rounded and timestamp < change_timestamp
        moment.keys.append(key)
        self._next[key] = moment

    def _come(self, moment: _Moment) -> list[MonitorKey]:
        """Return which of some monitors have a new verdict, now that their moment has come."""
        some = moment.keys[-self._monitors_a_step :]
        del moment.keys[-self._monitors_a_step :]
        if not moment.keys:
            del self._moments[heappop(self._timestamps)]
        # The others have had another moment, which was earlier. A monitor that came back to this moment
        # after an earlier one is in the list twice.
        come = [key for key in dict.fromkeys(some) if self._next.get(key) is moment]
        for key in come:
            del self._next[key]
        if not moment.is_rounded:
            return come
        self.judge(come, now_timestamp=moment.timestamp)  # finds the exact moments
        return []

    def _add(self, keys: Collection[MonitorKey]) -> None:
        for reader in self._readers:
            reader.add(keys)
