"""All monitors with their newest push, in memory: what every scrape, page and alert looks at."""

from collections.abc import Iterable

from yuptime_exporter.core.evaluation import (
    after_declaration,
    after_vanishing,
    arming_in_the_present,
    judge,
    newer_arming,
    of_a_predecessor,
    push_in_the_present,
)
from yuptime_exporter.core.model import (
    Arming,
    LastPush,
    Monitor,
    MonitorKey,
    Outage,
    Restored,
    Row,
    Verdict,
)
from yuptime_exporter.core.outages import Outages


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
        self._rejected: dict[MonitorKey, int] = {}
        self._outages = Outages()
        self._receiving_timestamp: float | None = None
        self._refusing = False

    @property
    def receiving_timestamp(self) -> float | None:
        """When it was last certain that pushes can be received; None before the first time."""
        return self._receiving_timestamp

    def restore(self, restored: Restored) -> None:
        """Take over what a store remembers; called once, before anything else."""
        self._armings = dict(restored.armings)
        self._last_pushes = dict(restored.last_pushes)
        self._outages = Outages(restored.outages)
        self._receiving_timestamp = restored.receiving_timestamp

    def replace_monitors(
        self, monitors: Iterable[Monitor], *, now_timestamp: float
    ) -> dict[MonitorKey, Arming]:
        """Declare exactly these monitors; return the armings that this changed.

        A monitor that is the very object it was the last time costs next to nothing: of 10,000
        of which few changed, all together take some milliseconds.
        """
        changed: dict[MonitorKey, Arming] = {}
        rows: dict[MonitorKey, Row] = {}
        in_order, previous = True, None
        for monitor in monitors:
            key = monitor.key
            row = self._rows.get(key)
            if row is None or row.monitor is not monitor:
                row = self._declared(monitor, changed, now_timestamp)
            rows[key] = row
            in_order = in_order and (previous is None or previous < key)
            previous = key
        for key in self._armings.keys() - rows.keys():
            arming = after_vanishing(self._armings[key], now_timestamp=now_timestamp)
            if arming is not self._armings[key]:
                changed[key] = arming
        self._armings |= changed
        self._rows = rows if in_order else dict(sorted(rows.items()))
        self._rejected = {key: n for key, n in self._rejected.items() if key in rows}
        return changed

    def row(self, key: MonitorKey) -> Row | None:
        """Return what is known of one monitor; None if no source declares it."""
        return self._rows.get(key)

    def record_push(self, key: MonitorKey, push: LastPush) -> None:
        """Make a push visible that the store has made durable."""
        self._last_pushes[key] = push
        row = self._rows.get(key)
        if row is not None:  # else the monitor left while its push was on the way to the disk
            self._rows[key] = Row(row.monitor, row.arming, push)

    def adopt(self, key: MonitorKey, arming: Arming | None, push: LastPush | None) -> bool:
        """Take over what another replica stored of a monitor, as far as it is newer.

        Returns:
            Whether anything was; each replica arrives at the same, in whatever order it learns.
        """
        known, row = self._armings.get(key), self._rows.get(key)
        if push is not None and not (row and of_a_predecessor(push, row.monitor)):
            self._last_pushes[key] = _newer(self._last_pushes.get(key), push)
        if arming is not None:
            self._armings[key] = newer_arming(known, arming) if known else arming
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

    def bring_into_the_present(
        self, *, now_timestamp: float
    ) -> tuple[dict[MonitorKey, Arming], dict[MonitorKey, LastPush]]:
        """Set every moment that lies in the future to now; return what this changed."""
        armings = {
            key: corrected
            for key, arming in self._armings.items()
            if (corrected := arming_in_the_present(arming, now_timestamp=now_timestamp)) != arming
        }
        last_pushes = {
            key: corrected_push
            for key, push in self._last_pushes.items()
            if (corrected_push := push_in_the_present(push, now_timestamp=now_timestamp)) != push
        }
        self._armings |= armings
        self._last_pushes |= last_pushes
        for key in self._rows.keys() & (armings.keys() | last_pushes.keys()):
            monitor = self._rows[key].monitor
            self._rows[key] = Row(monitor, self._armings[key], self._last_pushes.get(key))
        self._outages = self._outages.until(now_timestamp)
        if self._receiving_timestamp is not None:
            self._receiving_timestamp = min(self._receiving_timestamp, now_timestamp)
        return armings, last_pushes

    def forget_vanished(self, *, before_timestamp: float) -> frozenset[MonitorKey]:
        """Drop the history of monitors that vanished before this moment; return their keys."""
        forgotten = frozenset(
            key
            for key, arming in self._armings.items()
            if arming.vanished_timestamp is not None
            and arming.vanished_timestamp < before_timestamp
        )
        for key in forgotten:
            del self._armings[key]
            self._last_pushes.pop(key, None)
        return forgotten

    def rows(self) -> tuple[Row, ...]:
        """Return all declared monitors, in the order of their keys."""
        return tuple(self._rows.values())

    def judged(self, *, now_timestamp: float) -> list[tuple[Row, Verdict]]:
        """Return all declared monitors with their verdicts, in the order of their keys."""
        outages = self.outages(now_timestamp=now_timestamp)
        return [(row, judge(row, outages, now_timestamp=now_timestamp)) for row in self.rows()]

    def outages(self, *, now_timestamp: float) -> Outages:
        """Return all outages, the one that is still going on included."""
        outage = self.open_outage(now_timestamp=now_timestamp)
        return self._outages if outage is None else self._outages.plus(outage)

    def _declared(
        self, monitor: Monitor, changed: dict[MonitorKey, Arming], now_timestamp: float
    ) -> Row:
        """Return the row of a monitor that is new or has changed, and note its arming if it is."""
        key = monitor.key
        before, last_push = self._armings.get(key), self._last_pushes.get(key)
        arming = after_declaration(
            before,
            monitor,
            now_timestamp=now_timestamp,
            known_timestamp=self._receiving_timestamp,
        )
        if arming != before:
            changed[key] = arming
        if last_push is not None and of_a_predecessor(last_push, monitor):
            del self._last_pushes[key]
            last_push = None
        return Row(monitor, arming, last_push)

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


def _newer(known: LastPush | None, other: LastPush) -> LastPush:
    """Return the push that was received later; of one and the same, what counts more before it."""
    if known is None:
        return other
    received, count = known.received_timestamp, known.pushes_total
    return other if (other.received_timestamp, other.pushes_total) > (received, count) else known
