"""All monitors as pages and JSON show them: judged, counted, filtered, the urgent first.

Judging 10,000 monitors takes about 50 ms, and a browser asks every second. An overview therefore
judges only the monitors that may have changed: those with another row, and those whose next moment
has passed. All others keep the verdict that they had.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from yuptime_exporter.core.evaluation import judge, next_change_timestamp
from yuptime_exporter.core.model import Judged, Monitor, MonitorKey, Row, State, Verdict
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.table import MonitorTable

# The order in which monitors are listed.
URGENCY = (State.DOWN, State.LATE, State.PENDING, State.UP, State.PAUSED)

# How many removals are remembered for readers that follow the changes.
KEPT_REMOVALS = 1000

# Number of monitors looked at between two points at which other work may have its turn.
LOOKED_AT_ONCE = 500

_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which monitors are shown. Each field narrows the choice; an empty one lets all pass.

    Attributes:
        labels: name and value of labels of alerts, all of which a monitor must have.
        search: a text that `namespace/name` contains, without regard to case.
    """

    states: frozenset[State] = frozenset()
    namespaces: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    labels: frozenset[tuple[str, str]] = frozenset()
    search: str = ""

    def admits(self, monitor: Monitor) -> bool:
        """Return whether a monitor passes, whatever its state."""
        return self.admits_key(monitor.key) and (
            not self.labels or self.labels.issubset(monitor.alert_labels)
        )

    def admits_key(self, key: MonitorKey) -> bool:
        """Return whether namespace and name pass."""
        return (
            (not self.namespaces or key.namespace in self.namespaces)
            and (not self.names or key.name in self.names)
            and (not self.search or self.search.lower() in f"{key.namespace}/{key.name}".lower())
        )

    @property
    def admit_all(self) -> bool:
        """Whether every monitor passes, whatever its state."""
        return not (self.namespaces or self.names or self.labels or self.search)


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of all monitors.

    Attributes:
        counts: monitors by state, before the filter of states; every state is a key.
        total: number of monitors that pass all filters.
        judged: those from `offset` on, the urgent first, else in the order of their keys.
    """

    counts: Mapping[State, int]
    total: int
    offset: int
    judged: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that became different after a version.

    Attributes:
        moved: whether a monitor came, went, or changed its state, so that lists differ.
        complete: False: too long ago, so that everything must be read again.
    """

    judged: tuple[Judged, ...] = ()
    removed: tuple[MonitorKey, ...] = ()
    moved: bool = False
    complete: bool = True


@dataclass(slots=True)
class _Entry:
    """A monitor with its verdict.

    Attributes:
        until_timestamp: the next moment at which time alone may change the verdict.
        version: of the overview when row or verdict last changed.
        state_version: of the overview when the state last changed.
    """

    judged: Judged
    until_timestamp: float
    version: int
    state_version: int


@dataclass(slots=True)
class _Snapshot:
    """The result of one refresh; never changed afterwards, except that it is replaced."""

    entries: list[_Entry] = field(default_factory=list)
    by_state: dict[State, list[Judged]] = field(default_factory=lambda: {s: [] for s in URGENCY})
    namespaces: tuple[str, ...] = ()


class Overview:
    """The verdicts on all monitors of a table.

    Attributes:
        version: increases with every change of a row, of a verdict, or of the set of monitors.
    """

    def __init__(self, table: MonitorTable) -> None:
        self.version = 0
        self._table = table
        self._snapshot = _Snapshot()
        self._removed: dict[MonitorKey, int] = {}
        self._removals_known_since = 0
        self._outages = Outages()
        self._now_timestamp = _NEVER

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces of all monitors, sorted."""
        return self._snapshot.namespaces

    def refreshing(self, *, now_timestamp: float) -> Iterator[None]:
        """Bring everything up to date, in steps; the old state is shown until the last step.

        The caller finishes one refresh before the next.
        """
        rows, old = self._table.rows(), self._snapshot.entries
        outages = self._table.outages(now_timestamp=now_timestamp)
        keep = outages is self._outages and now_timestamp >= self._now_timestamp
        version, by_key = self.version + 1, dict[MonitorKey, _Entry]()
        same_monitors = len(rows) == len(old)
        entries: list[_Entry] = []
        for position, row in enumerate(rows):
            known = old[position] if position < len(old) else None
            if known is None or known.judged.row.monitor.key != row.monitor.key:
                same_monitors = False
                by_key = by_key or {one.judged.row.monitor.key: one for one in old}
                known = by_key.get(row.monitor.key)
            unchanged = keep and known is not None and known.judged.row is row
            if known is not None and unchanged and now_timestamp < known.until_timestamp:
                entries.append(known)
            else:
                entries.append(_entry(known, row, outages, now_timestamp, version))
            if position % LOOKED_AT_ONCE == LOOKED_AT_ONCE - 1:
                yield
        self._outages, self._now_timestamp = outages, now_timestamp
        if same_monitors and all(map(_same, entries, old)):
            return
        self._note_removed([] if same_monitors else old, entries, version)
        namespaces = self._snapshot.namespaces
        if not same_monitors:
            namespaces = tuple(sorted({row.monitor.key.namespace for row in rows}))
        self._snapshot = _Snapshot(entries, _by_state(entries), namespaces)
        self.version = version

    def listing(self, filters: Filters, *, offset: int, limit: int) -> Listing:
        """Return the monitors that pass the filters, at most `limit` from `offset` on."""
        found = self._snapshot.by_state
        if not filters.admit_all:
            found = {
                state: [one for one in judged if filters.admits(one.row.monitor)]
                for state, judged in found.items()
            }
        shown = [found[state] for state in URGENCY if not filters.states or state in filters.states]
        return Listing(
            counts={state: len(judged) for state, judged in found.items()},
            total=sum(map(len, shown)),
            offset=offset,
            judged=_part(shown, offset, limit),
        )

    def changes_since(self, version: int, filters: Filters, *, limit: int) -> Changes:
        """Return everything that became different after a version, whatever its state is now.

        Args:
            version: of the overview, at an earlier time.
            filters: the monitors of interest; the filter of states is not used.
            limit: with more changed monitors than this the changes are not complete.
        """
        if version < self._removals_known_since or version > self.version:
            return Changes(complete=False)
        changed = [
            entry
            for entry in self._snapshot.entries
            if entry.version > version and filters.admits(entry.judged.row.monitor)
        ]
        if len(changed) > limit:
            return Changes(complete=False)
        removed = tuple(
            key
            for key, since in self._removed.items()
            if since > version and filters.admits_key(key)
        )
        moved = bool(removed) or any(entry.state_version > version for entry in changed)
        return Changes(tuple(entry.judged for entry in changed), removed, moved)

    def _note_removed(self, old: Iterable[_Entry], new: Iterable[_Entry], version: int) -> None:
        declared = {entry.judged.row.monitor.key for entry in new} if old else set()
        for entry in old:
            key = entry.judged.row.monitor.key
            if key not in declared:
                self._removed[key] = version
        self._removed = {key: v for key, v in self._removed.items() if key not in declared}
        while len(self._removed) > KEPT_REMOVALS:
            key = next(iter(self._removed))
            self._removals_known_since = self._removed.pop(key)


def _entry(
    known: _Entry | None, row: Row, outages: Outages, now_timestamp: float, version: int
) -> _Entry:
    verdict = judge(row, outages, now_timestamp=now_timestamp)
    judged, until = Judged(row, verdict), _until(verdict, now_timestamp)
    if known is None:
        return _Entry(judged, until, version, version)
    same_state = known.judged.verdict.state is verdict.state
    state_version = known.state_version if same_state else version
    if known.judged.row is row and known.judged.verdict == verdict:
        return _Entry(known.judged, until, known.version, state_version)
    return _Entry(judged, until, version, state_version)


def _until(verdict: Verdict, now_timestamp: float) -> float:
    moment = next_change_timestamp(verdict, now_timestamp=now_timestamp)
    return _NEVER if moment is None else moment


def _same(one: _Entry, other: _Entry) -> bool:
    return one.version == other.version


def _by_state(entries: Iterable[_Entry]) -> dict[State, list[Judged]]:
    by_state: dict[State, list[Judged]] = {state: [] for state in URGENCY}
    for entry in entries:
        by_state[entry.judged.verdict.state].append(entry.judged)
    return by_state


def _part(lists: Sequence[Sequence[Judged]], offset: int, limit: int) -> tuple[Judged, ...]:
    """Return a part of several lists behind each other, without joining them."""
    parts: list[Sequence[Judged]] = []
    for judged in lists:
        parts.append(judged[offset : offset + limit])
        limit -= len(parts[-1])
        offset = max(offset - len(judged), 0)
    return tuple(chain.from_iterable(parts))
