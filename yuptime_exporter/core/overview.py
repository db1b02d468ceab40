"""All monitors as pages and JSON show them: judged, counted, filtered, the urgent first.

Judging 10,000 monitors takes about 50 ms, and a browser asks every second. An overview therefore
judges only the monitors that may have changed (`rejudging`), and keeps the verdicts on all others.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from yuptime_exporter.core.alerting import AlertSettings, labels_of
from yuptime_exporter.core.model import Judged, Monitor, MonitorKey, State
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.slices import slices

# The order in which monitors are listed.
URGENCY = (State.DOWN, State.LATE, State.PENDING, State.UP, State.PAUSED)

# How many removals are remembered for readers that follow the changes.
KEPT_REMOVALS = 1000

# Number of monitors judged between two points at which other work may have its turn.
JUDGED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Filters:
    """Which monitors are shown. Each field narrows the choice; an empty one lets all pass.

    Attributes:
        labels: name and value of labels, all of which the alert of a monitor must have.
        search: a text that `namespace/name` contains, without regard to case.
    """

    states: frozenset[State] = frozenset()
    namespaces: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    labels: frozenset[tuple[str, str]] = frozenset()
    search: str = ""

    def admits(self, monitor: Monitor, alerting: AlertSettings) -> bool:
        """Return whether a monitor passes, whatever its state."""
        return self.admits_key(monitor.key) and (
            not self.labels or self._admits_labels(monitor, alerting)
        )

    def admits_key(self, key: MonitorKey) -> bool:
        """Return whether namespace and name pass."""
        return (
            (not self.namespaces or key.namespace in self.namespaces)
            and (not self.names or key.name in self.names)
            and (not self.search or self.search.lower() in f"{key.namespace}/{key.name}".lower())
        )

    def _admits_labels(self, monitor: Monitor, alerting: AlertSettings) -> bool:
        return self.labels.issubset(labels_of(monitor, alerting))

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


@dataclass(frozen=True, slots=True)
class _Entry:
    """A monitor with its verdict.

    Attributes:
        version: of the overview when row or verdict last changed.
        state_version: of the overview when the state last changed.
    """

    judged: Judged
    version: int
    state_version: int


class Overview:
    """The verdicts on all monitors of a table.

    Attributes:
        version: increases with every change of a row, of a verdict, or of the set of monitors.
    """

    def __init__(
        self, rejudging: Rejudging, *, alerting: Callable[[], AlertSettings] = AlertSettings
    ) -> None:
        """Know no monitor yet.

        Args:
            rejudging: knows the monitors whose verdict may have changed.
            alerting: returns the active settings of alerts.
        """
        self.version = 0
        self._rejudging = rejudging
        self._alerting = alerting
        self._changed = rejudging.reader()
        self._entries: dict[MonitorKey, _Entry] = {}  # in the order of their versions
        self._keys: dict[State, list[MonitorKey]] = {state: [] for state in URGENCY}
        self._namespaces: Counter[str] = Counter()
        self._removed: dict[MonitorKey, int] = {}  # in the order of their versions
        self._removals_known_since = 0

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces of all monitors, sorted."""
        return tuple(sorted(self._namespaces))

    def refreshing(self, *, now_timestamp: float) -> Iterator[None]:
        """Bring everything up to date, in steps.

        The caller finishes one refresh before the next, and reads nothing in between. Changes that
        an abandoned refresh did not reach are left to the next one.
        """
        yield from self._rejudging.advance(now_timestamp)
        keys = iter(self._changed.take())
        version, changed = self.version + 1, False
        try:
            for some in slices(keys, JUDGED_AT_ONCE):
                judged = self._rejudging.judge(some, now_timestamp=now_timestamp)
                changed |= self._note_judged(judged, version)
                declared = {one.row.monitor.key for one in judged}
                changed |= self._note_removed([one for one in some if one not in declared], version)
                yield
        finally:
            self._changed.add(list(keys))
            self.version += changed

    def listing(self, filters: Filters, *, offset: int, limit: int) -> Listing:
        """Return the monitors that pass the filters, at most `limit` from `offset` on."""
        keys: Mapping[State, Sequence[MonitorKey]] = self._keys
        if not filters.admit_all:
            keys = {state: self._admitted(filters, some) for state, some in keys.items()}
        shown = [keys[state] for state in URGENCY if not filters.states or state in filters.states]
        part = _part(shown, offset, limit)
        return Listing(
            counts={state: len(some) for state, some in keys.items()},
            total=sum(map(len, shown)),
            offset=offset,
            judged=tuple(self._entries[key].judged for key in part),
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
        changed: list[_Entry] = []
        alerting = self._alerting()
        for entry in reversed(self._entries.values()):
            if entry.version <= version:
                break
            if filters.admits(entry.judged.row.monitor, alerting):
                changed.append(entry)
            if len(changed) > limit:
                return Changes(complete=False)
        removed = tuple(
            key
            for key, since in self._removed.items()
            if since > version and filters.admits_key(key)
        )
        moved = bool(removed) or any(entry.state_version > version for entry in changed)
        return Changes(tuple(entry.judged for entry in reversed(changed)), removed, moved)

    def _note_judged(self, judged: Iterable[Judged], version: int) -> bool:
        """Remember verdicts; return whether one differs from before."""
        changed = False
        for one in judged:
            key = one.row.monitor.key
            known = self._entries.get(key)
            if known is not None and known.judged.row is one.row and known.judged == one:
                continue
            changed = True
            if known is not None and known.judged.verdict.state is one.verdict.state:
                state_version = known.state_version
            else:
                state_version = version
                self._move(key, known.judged.verdict.state if known else None, one.verdict.state)
            self._entries.pop(key, None)
            self._entries[key] = _Entry(one, version, state_version)
            self._removed.pop(key, None)
        return changed

    def _note_removed(self, keys: Iterable[MonitorKey], version: int) -> bool:
        """Forget monitors that are not declared; return whether one was known."""
        removed = False
        for key in keys:
            entry = self._entries.pop(key, None)
            if entry is None:
                continue
            removed = True
            self._move(key, entry.judged.verdict.state, None)
            self._removed[key] = version
        while len(self._removed) > KEPT_REMOVALS:
            oldest = next(iter(self._removed))
            self._removals_known_since = self._removed.pop(oldest)
        return removed

    def _move(self, key: MonitorKey, before: State | None, after: State | None) -> None:
        """Keep the order of each state; None: the monitor was not, or is no longer declared."""
        if before is None:
            self._namespaces[key.namespace] += 1
        else:
            del self._keys[before][bisect_left(self._keys[before], key)]
        if after is not None:
            insort(self._keys[after], key)
            return
        self._namespaces[key.namespace] -= 1
        if not self._namespaces[key.namespace]:
            del self._namespaces[key.namespace]

    def _admitted(self, filters: Filters, keys: Sequence[MonitorKey]) -> Sequence[MonitorKey]:
        """Return the keys that pass; the argument is sorted."""
        if filters.namespaces:
            keys = [key for one in sorted(filters.namespaces) for key in _in_namespace(one, keys)]
        if not (filters.names or filters.labels or filters.search):
            return keys
        entries, alerting = self._entries, self._alerting()
        return [key for key in keys if filters.admits(entries[key].judged.row.monitor, alerting)]


def _in_namespace(namespace: str, keys: Sequence[MonitorKey]) -> Sequence[MonitorKey]:
    """Return the keys of a namespace; the argument is sorted."""
    begin = bisect_left(keys, namespace, key=lambda key: key.namespace)
    return keys[begin : bisect_right(keys, namespace, begin, key=lambda key: key.namespace)]


def _part(lists: Sequence[Sequence[MonitorKey]], offset: int, limit: int) -> Iterator[MonitorKey]:
    """Return a part of several lists behind each other, without joining them."""
    parts: list[Sequence[MonitorKey]] = []
    for keys in lists:
        parts.append(keys[offset : offset + limit])
        limit -= len(parts[-1])
        offset = max(offset - len(keys), 0)
    return chain.from_iterable(parts)
