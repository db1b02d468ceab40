"""All monitors with their newest push, in memory: what every scrape, page and alert looks at."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from yuptime_exporter.core.changes import Changes, Correction
from yuptime_exporter.core.evaluation import (
    after_declaration,
    after_vanishing,
    arming_in_the_present,
    judge,
    newer_arming,
    push_in_the_present,
)
from yuptime_exporter.core.model import (
    Arming,
    Judged,
    LastPush,
    Monitor,
    MonitorKey,
    Outage,
    Restored,
    Row,
    Verdict,
)
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.push_order import history_start, newer, of_a_predecessor, place


class MonitorTable:
    """The present state of knowledge; changed only from the thread of the event loop.

    Another thread may call `rows` and `judged`: both take one snapshot and then work on values.
    The history of monitors that no source declares any more stays here, unseen, so that one
    that comes back continues where it was.
    """

    def __init__(self, *, silence_is_outage_after_seconds: float) -> None:
        """Start empty.

        Args:
            silence_is_outage_after_seconds: when nothing has confirmed for so long that pushes
                can be received, they cannot, whatever the reason.
        """
        self._silence_is_outage_after_seconds = silence_is_outage_after_seconds
        self._armings: dict[MonitorKey, Arming] = {}
        self._last_pushes: dict[MonitorKey, LastPush] = {}
        self._rows: dict[MonitorKey, Row] = {}
        self._unarmed: set[MonitorKey] = set()
        self._rejected: dict[MonitorKey, int] = {}
        self._outages = Outages()
        self._receiving_timestamp: float | None = None
        self._refusing = False

    @property
    def receiving_timestamp(self) -> float | None:
        """When it was last certain that pushes can be received; None before the first time."""
        return self._receiving_timestamp

    def restore(self, restored: Restored) -> None:
        """Take over what a store remembers; called once, before monitors are declared.

        What another replica stored may have been adopted before, and stays where it is newer.
        """
        armings, last_pushes = dict(restored.armings), dict(restored.last_pushes)
        for key, arming in self._armings.items():
            armings[key] = newer_arming(armings[key], arming) if key in armings else arming
        for key, push in self._last_pushes.items():
            last_pushes[key] = max(last_pushes.get(key, push), push, key=place)
        self._armings, self._last_pushes = armings, last_pushes
        self._unarmed = last_pushes.keys() - armings.keys()
        self._outages = Outages(restored.outages)
        self._receiving_timestamp = restored.receiving_timestamp

    def replace_monitors(self, monitors: Iterable[Monitor], *, now_timestamp: float) -> Changes:
        """Declare exactly these monitors; return what that changed.

        A monitor that is the very object it was the last time costs next to nothing: of 10,000
        of which few changed, all together take some milliseconds.
        """
        armings: dict[MonitorKey, Arming] = {}
        forgotten: dict[MonitorKey, float] = {}
        rows: dict[MonitorKey, Row] = {}
        in_order, previous = True, None
        for monitor in monitors:
            key = monitor.key
            row = self._rows.get(key)
            if row is None or row.monitor is not monitor:
                if self._drop_of_a_predecessor(monitor, now_timestamp):
                    forgotten[key] = history_start(monitor, now_timestamp=now_timestamp)
                row = self._declared(monitor, now_timestamp)
                if row.arming != self._armings.get(key):
                    armings[key] = row.arming
            rows[key] = row
            in_order = in_order and (previous is None or previous < key)
            previous = key
        armings |= self._vanished(rows.keys(), now_timestamp)
        self._armings |= armings
        self._rows = rows if in_order else dict(sorted(rows.items()))
        self._rejected = {key: n for key, n in self._rejected.items() if key in rows}
        return Changes(armings=armings, forgotten=forgotten)

    def row(self, key: MonitorKey) -> Row | None:
        """Return what is known of one monitor; None if no source declares it."""
        return self._rows.get(key)

    def record_push(self, key: MonitorKey, push: LastPush) -> None:
        """Make a push visible that the store has made durable.

        Another replica may have continued it already, and its push be known here: that one stays.
        """
        row, known = self._rows.get(key), self._last_pushes.get(key)
        if known and place(known) > place(push) and known.pushes_total > push.pushes_total:
            return
        self._last_pushes[key] = push
        if row is not None:  # else the monitor left while its push was on the way to the disk
            self._rows[key] = Row(row.monitor, row.arming, push)

    def adopt(
        self, key: MonitorKey, arming: Arming | None, push: LastPush | None, *, now_timestamp: float
    ) -> bool:
        """Take over what another replica stored of a monitor, as far as it is newer.

        Returns:
            Whether anything was; each replica arrives at the same, in whatever order it learns.
        """
        row, known = self._rows.get(key), self._last_pushes.get(key)
        if (
            push is not None
            and not (row and of_a_predecessor(push, row.monitor, now_timestamp=now_timestamp))
            and newer(known, push, now_timestamp=now_timestamp) is push
        ):
            self._last_pushes[key] = push_in_the_present(push, now_timestamp=now_timestamp)
        if arming is not None:
            present = arming_in_the_present(arming, now_timestamp=now_timestamp)
            armed = self._armings.get(key)
            self._armings[key] = newer_arming(armed, present) if armed else present
        elif push is not None and key not in self._armings:
            self._unarmed.add(key)
        if row is None:
            return False
        adopted = self._rows[key] = self._row(row.monitor)
        return adopted is not row

    def record_rejected(self, key: MonitorKey) -> None:
        """Count a push whose token was right, and which was refused all the same."""
        if key in self._rows:
            self._rejected[key] = self._rejected.get(key, 0) + 1

    def rejected_total(self, key: MonitorKey) -> int:
        """Return how many such pushes a monitor had since the program started."""
        return self._rejected.get(key, 0)

    def record_receiving(self, timestamp: float) -> None:
        """Note that pushes could be received at this moment."""
        self._refusing = False
        if self._receiving_timestamp is None or timestamp > self._receiving_timestamp:
            self._receiving_timestamp = timestamp

    def record_refusing(self) -> None:
        """Note that pushes cannot be received at present: the store refused one."""
        self._refusing = True

    def record_outage(self, outage: Outage) -> None:
        """Credit a stretch in which nobody could push; receiving goes on at its end."""
        self._outages = self._outages.plus(outage)
        self.record_receiving(outage.end_timestamp)

    def open_outage(self, *, now_timestamp: float) -> Outage | None:
        """Return the outage that is still going on: since receiving was last certain, until now."""
        since = self._receiving_timestamp
        if since is None or now_timestamp <= since:
            return None
        silent = now_timestamp - since > self._silence_is_outage_after_seconds
        return Outage(since, now_timestamp) if silent or self._refusing else None

    def bring_into_the_present(self, *, now_timestamp: float) -> Changes:
        """Set every moment that lies in the future to now; return what this changed."""
        armings = {
            key: corrected
            for key, arming in self._armings.items()
            if (corrected := arming_in_the_present(arming, now_timestamp=now_timestamp)) != arming
        }
        corrections = {
            key: Correction(push, corrected_push)
            for key, push in self._last_pushes.items()
            if (corrected_push := push_in_the_present(push, now_timestamp=now_timestamp)) != push
        }
        self._armings |= armings
        self._last_pushes |= {key: correction.after for key, correction in corrections.items()}
        for key in self._rows.keys() & (armings.keys() | corrections.keys()):
            monitor = self._rows[key].monitor
            self._rows[key] = Row(monitor, self._armings[key], self._last_pushes.get(key))
        self._outages = self._outages.until(now_timestamp)
        if self._receiving_timestamp is not None:
            self._receiving_timestamp = min(self._receiving_timestamp, now_timestamp)
        return Changes(armings=armings, corrections=corrections)

    def forget_vanished(self, *, before_timestamp: float) -> Changes:
        """Drop the history of monitors that vanished before this moment; return what was dropped.

        A push that another replica accepted later keeps the history for as long again.
        """
        forgotten = [
            key
            for key, arming in self._armings.items()
            if arming.vanished_timestamp is not None
            and arming.vanished_timestamp < before_timestamp
            and self._last_received(key) < before_timestamp
        ]
        for key in forgotten:
            del self._armings[key]
            self._last_pushes.pop(key, None)
        return Changes(forgotten=dict.fromkeys(forgotten, before_timestamp))

    def rows(self) -> tuple[Row, ...]:
        """Return all declared monitors, in the order of their keys."""
        return tuple(self._rows.values())

    def judged(self, *, now_timestamp: float, rows: Iterable[Row] | None = None) -> list[Judged]:
        """Return these rows judged at one moment; None: all monitors, in the order of their keys.

        A row need not be in the table, as before a push is stored.
        """
        outages = self.outages(now_timestamp=now_timestamp)
        return [
            Judged(row, judge(row, outages, now_timestamp=now_timestamp))
            for row in (self.rows() if rows is None else rows)
        ]

    def verdict(self, row: Row, *, now_timestamp: float) -> Verdict:
        """Return the verdict on one row, which need not be in the table."""
        outages = self.outages(now_timestamp=now_timestamp)
        return judge(row, outages, now_timestamp=now_timestamp)

    def outages(self, *, now_timestamp: float) -> Outages:
        """Return all outages, the one that is still going on included."""
        outage = self.open_outage(now_timestamp=now_timestamp)
        return self._outages if outage is None else self._outages.plus(outage)

    def _declared(self, monitor: Monitor, now_timestamp: float) -> Row:
        """Return the row of a monitor that is new or has changed."""
        arming = after_declaration(
            self._armings.get(monitor.key),
            monitor,
            now_timestamp=now_timestamp,
            known_timestamp=self._receiving_timestamp,
        )
        return Row(monitor, arming, self._last_pushes.get(monitor.key))

    def _drop_of_a_predecessor(self, monitor: Monitor, now_timestamp: float) -> bool:
        """Drop the last push if it was to a deleted object of the same name; return whether it was.

        A push to the object that is still there stays, however wrong the clock of its creation.
        """
        key = monitor.key
        row, push = self._rows.get(key), self._last_pushes.get(key)
        if row is not None and row.monitor.created_timestamp == monitor.created_timestamp:
            return False
        if push is None or not of_a_predecessor(push, monitor, now_timestamp=now_timestamp):
            return False
        del self._last_pushes[key]
        return True

    def _vanished(
        self, declared: AbstractSet[MonitorKey], now_timestamp: float
    ) -> dict[MonitorKey, Arming]:
        """Return the armings of monitors that no source declares any longer.

        A push without an arming counts as armed at its receipt, or no rule would ever forget it.
        """
        undeclared = (self._armings.keys() - declared) | (self._unarmed - declared)
        self._unarmed = set()
        vanished: dict[MonitorKey, Arming] = {}
        for key in undeclared:
            known = self._armings.get(key)
            arming = after_vanishing(
                known or Arming(self._last_received(key)), now_timestamp=now_timestamp
            )
            if arming is not known:
                vanished[key] = arming
        return vanished

    def _last_received(self, key: MonitorKey) -> float:
        """Return when the last push to a monitor was received; 0 before the first."""
        push = self._last_pushes.get(key)
        return push.received_timestamp if push else 0.0

    def _row(self, monitor: Monitor) -> Row:
        """Return the row of a declared monitor: the same object, unless something changed."""
        key = monitor.key
        arming, last_push = self._armings[key], self._last_pushes.get(key)
        row = self._rows.get(key)
        if row is None or (row.monitor, row.arming, row.last_push) != (monitor, arming, last_push):
            return Row(monitor, arming, last_push)
        return row

    @property
    def ended_outages(self) -> tuple[Outage, ...]:
        """The outages that are over, in the order of their starts."""
        return self._outages.known
