"""A set of monitors that is being declared: prepared in short steps, then active all at once."""

from collections.abc import Iterable, Mapping

from yuptime_exporter.core.arming import after_declaration
from yuptime_exporter.core.model import Arming, LastPush, Monitor, MonitorKey, Row
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.push_order import history_start, of_a_predecessor
from yuptime_exporter.core.undeclared import Undeclared
from yuptime_exporter.core.unlisted import UnlistedNamespaces


class Declaring:
    """The rows of the monitors, from the state of each until now.

    A monitor whose state changes before the set is active has to be touched, and prepared again.

    Attributes:
        rows: of the monitors that are prepared; in the order of their keys after `finish`.
        armings: those that differ from the armings before.
        forgotten: as in `Changes`.
        changed: the monitors that are new or have changed, as keys.
    """

    def __init__(
        self,
        known: Mapping[MonitorKey, Row],
        undeclared: Undeclared,
        unlisted: UnlistedNamespaces,
        *,
        outages: Outages,
        known_timestamp: float | None,
        now_timestamp: float,
    ) -> None:
        """Prepare nothing yet.

        Args:
            known: the rows until now.
            undeclared: the state of other monitors until now.
            unlisted: the namespaces whose monitors were not known until now.
            outages: up to now.
            known_timestamp: when all declarations were last known; None: never yet.
            now_timestamp: the moment of the declaration.
        """
        self.rows: dict[MonitorKey, Row] = {}
        self.armings: dict[MonitorKey, Arming] = {}
        self.forgotten: dict[MonitorKey, float] = {}
        self.changed: dict[MonitorKey, None] = {}
        self._known = known
        self._undeclared = undeclared
        self._unlisted = unlisted
        self._outages = outages
        self._known_timestamp = known_timestamp
        self._now_timestamp = now_timestamp
        self._touched: set[MonitorKey] = set()
        self._in_order = True
        self._previous: MonitorKey | None = None

    def prepare(self, monitors: Iterable[Monitor]) -> None:
        """Prepare the next monitors; one that is the identical object as before costs little."""
        known, rows = self._known, self.rows
        in_order, previous = self._in_order, self._previous
        for monitor in monitors:
            key = monitor.key
            row = known.get(key)
            if row is None or row.monitor is not monitor:
                row = self._declared(monitor, row)
            rows[key] = row
            in_order = in_order and (previous is None or previous < key)
            previous = key
        self._in_order, self._previous = in_order, previous

    def touch(self, keys: Iterable[MonitorKey]) -> None:
        """Note that the state of these monitors has changed."""
        self._touched.update(keys)

    def finish(self) -> None:
        """Bring the rows up to date, and in order."""
        for key in self._touched & self.rows.keys():
            monitor, row = self.rows[key].monitor, self._known.get(key)
            self.armings.pop(key, None)
            self.forgotten.pop(key, None)
            is_same = row is not None and row.monitor is monitor
            self.rows[key] = row if row and is_same else self._declared(monitor, row)
        if not self._in_order:
            self.rows = dict(sorted(self.rows.items()))

    def _declared(self, monitor: Monitor, before: Row | None) -> Row:
        """Return the row of a monitor that is new or has changed, and note what changes."""
        key = monitor.key
        arming, push = (before.arming, before.last_push) if before else self._undeclared.of(key)
        if push and monitor.created_timestamp and self._is_of_a_predecessor(push, monitor, before):
            self.forgotten[key] = history_start(monitor, now_timestamp=self._now_timestamp)
            push = None
        armed = after_declaration(
            arming,
            monitor,
            now_timestamp=self._now_timestamp,
            known_timestamp=self._known_timestamp,
        )
        row = Row(monitor, armed, push)
        if before is None and key.namespace in self._unlisted:
            row = self._unlisted.credited(row, self._outages, now_timestamp=self._now_timestamp)
        if row.arming != arming:
            self.armings[key] = row.arming
        self.changed[key] = None
        return row

    def _is_of_a_predecessor(self, push: LastPush, monitor: Monitor, before: Row | None) -> bool:
        """Return whether a push was to a deleted object of the same name.

        A push to an object that still exists stays, even if the API server's clock is ahead.
        """
        if before is not None and before.monitor.created_timestamp == monitor.created_timestamp:
            return False
        return of_a_predecessor(push, monitor, now_timestamp=self._now_timestamp)
