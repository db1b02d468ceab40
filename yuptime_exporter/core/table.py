"""All monitors with their last push, in memory. Every scrape, page and alert reads this table."""

from collections.abc import Callable, Collection, Generator, Iterable

from yuptime_exporter.core.arming import arming_in_the_present, newer_arming
from yuptime_exporter.core.changes import Changes, changes_into_the_present
from yuptime_exporter.core.declaring import Declaring
from yuptime_exporter.core.evaluation import judge, push_in_the_present
from yuptime_exporter.core.model import (
    Arming,
    Judged,
    LastPush,
    Monitor,
    MonitorKey,
    Outage,
    Row,
    Verdict,
)
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.push_order import newer, of_a_predecessor, outdates
from yuptime_exporter.core.slices import slices
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.core.undeclared import Undeclared
from yuptime_exporter.core.unlisted import UnlistedNamespaces

# Monitors that one step of a declaration prepares; it takes less than a millisecond.
MONITORS_A_STEP = 256


class MonitorTable:
    """All declared monitors, and the history of removed ones.

    Only the thread of the event loop changes the table. Other threads may call `rows` and `judged`,
    which work on one snapshot. A removed monitor is not shown; if it comes back before its history
    is forgotten, it continues.
    """

    def __init__(self, *, silence_is_outage_after_seconds: float) -> None:
        """Start empty.

        Args:
            silence_is_outage_after_seconds: time without a note that pushes can be received,
                after which they count as not received.
        """
        self._silence_is_outage_after_seconds = silence_is_outage_after_seconds
        self._rows: dict[MonitorKey, Row] = {}
        self._undeclared = Undeclared()
        self._declaring: Declaring | None = None
        self._rejected: dict[MonitorKey, int] = {}
        self._outages = Outages()
        self._unlisted = UnlistedNamespaces()
        self._receiving_timestamp: float | None = None
        self._refusing = False
        self._changed: Callable[[Collection[MonitorKey]], None] = lambda _keys: None
        self._followers: tuple[Callable[[Collection[MonitorKey]], None], ...] = ()

    def follow(self, changed: Callable[[Collection[MonitorKey]], None]) -> None:
        """Call a function with the monitors of each change, added and removed ones included."""
        self._followers = (*self._followers, changed)
        self._changed = changed if len(self._followers) == 1 else self._changed_for_all

    @property
    def receiving_timestamp(self) -> float | None:
        """When pushes could last be received; None: never yet."""
        return self._receiving_timestamp

    def restore(self, restored: Restored) -> None:
        """Show the stored state; called once, before monitors are declared.

        Pushes of other replicas may have been adopted before; the newer push of each monitor stays.
        """
        self._undeclared.restore(restored)
        self._outages = Outages(restored.outages)
        self._receiving_timestamp = restored.receiving_timestamp

    def declaring(
        self,
        monitors: Iterable[Monitor],
        *,
        unlisted: frozenset[str] = frozenset(),
        now_timestamp: float,
        monitors_a_step: int = MONITORS_A_STEP,
    ) -> Generator[None, None, Changes]:
        """Declare exactly these monitors in short steps; return the changes to store.

        They are prepared step by step, while the table may change in other ways, and are active
        all at once in the last step. Of two declarations, one has to end before the other begins.

        Args:
            monitors: all that are declared.
            unlisted: see `MonitorSet`.
            now_timestamp: the moment of the declaration.
            monitors_a_step: how many monitors a step prepares.
        """
        self._unlisted.add(unlisted, now_timestamp=now_timestamp)
        new = self._declaring = Declaring(
            self._rows,
            self._undeclared,
            self._unlisted,
            outages=self.outages(now_timestamp=now_timestamp),
            known_timestamp=self._receiving_timestamp,
            now_timestamp=now_timestamp,
        )
        try:
            for some in slices(monitors, monitors_a_step):
                new.prepare(some)
                yield
        finally:
            self._declaring = None
        new.finish()
        self._unlisted.keep_only(unlisted)
        removed = [self._rows[key] for key in sorted(self._rows.keys() - new.rows.keys())]
        self._undeclared.add(removed)
        self._undeclared.leave(new.rows.keys())
        undeclared = self._unlisted.keys_outside(self._undeclared.keys())
        vanished = self._undeclared.vanish(undeclared, now_timestamp=now_timestamp)
        self._rows = new.rows
        self._rejected = {key: n for key, n in self._rejected.items() if key in new.rows}
        self._changed([*new.changed, *(row.monitor.key for row in removed)])
        return Changes(armings=new.armings | vanished, forgotten=new.forgotten)

    def row(self, key: MonitorKey) -> Row | None:
        """Return the row of a monitor; None if it is not declared."""
        return self._rows.get(key)

    def is_unlisted(self, namespace: str | None) -> bool:
        """Return whether the monitors of a namespace are not known; None: of any namespace."""
        return bool(self._unlisted) if namespace is None else namespace in self._unlisted

    def record_pushes(self, stored: Iterable[tuple[MonitorKey, LastPush]]) -> None:
        """Show stored pushes, except where the push of another replica that continues it is shown."""
        changed = []
        for key, push in stored:
            row = self._rows.get(key)
            known = row.last_push if row else self._undeclared.last_pushes.get(key)
            if known is not None and outdates(known, push):
                continue
            if row is None:  # the monitor was removed while its push was being stored
                self._undeclared.last_pushes[key] = push
                self._touch((key,))
            else:
                self._rows[key] = Row(row.monitor, row.arming, push)
                changed.append(key)
        if changed:
            self._touch(changed)
            self._changed(changed)

    def adopt(
        self, key: MonitorKey, arming: Arming | None, push: LastPush | None, *, now_timestamp: float
    ) -> bool:
        """Show the newer push and arming that another replica stored; return whether that changed.

        Every replica shows the same in the end, in whichever order it adopts pushes.
        """
        self._touch((key,))
        row = self._rows.get(key)
        armed, last_push = (row.arming, row.last_push) if row else self._undeclared.of(key)
        if (
            push is not None
            and not (row and of_a_predecessor(push, row.monitor, now_timestamp=now_timestamp))
            and newer(last_push, push, now_timestamp=now_timestamp) is push
        ):
            last_push = push_in_the_present(push, now_timestamp=now_timestamp)
        if arming is not None:
            present = arming_in_the_present(arming, now_timestamp=now_timestamp)
            armed = newer_arming(armed, present) if armed else present
        if row is None or armed is None:
            self._undeclared.put(key, armed, last_push)
            return False
        adopted = Row(row.monitor, armed, last_push)
        is_changed = adopted != row
        if is_changed:
            self._rows[key] = adopted
        self._changed((key,))
        return is_changed

    def record_rejected(self, key: MonitorKey) -> None:
        """Count a push with a valid token that was not accepted."""
        if key in self._rows:
            self._rejected[key] = self._rejected.get(key, 0) + 1
            self._changed((key,))

    def rejected_total(self, key: MonitorKey) -> int:
        """Return the number of rejected pushes with a valid token since the start."""
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
        """Credit an outage; pushes can be received again at its end."""
        self._outages = self._outages.plus(outage)
        self.record_receiving(outage.end_timestamp)

    def open_outage(self, *, now_timestamp: float) -> Outage | None:
        """Return the outage that has not ended, up to now; None if pushes can be received."""
        since = self._receiving_timestamp
        if since is None or now_timestamp <= since:
            return None
        silent = now_timestamp - since > self._silence_is_outage_after_seconds
        return Outage(since, now_timestamp) if silent or self._refusing else None

    def bring_into_the_present(self, *, now_timestamp: float) -> Changes:
        """Set every moment in the future to now; return the changes to store."""
        rows = self._rows
        pushes = {key: row.last_push for key, row in rows.items() if row.last_push is not None}
        changes = changes_into_the_present(
            self._undeclared.armings | {key: row.arming for key, row in rows.items()},
            self._undeclared.last_pushes | pushes,
            now_timestamp=now_timestamp,
        )
        self._undeclared.correct(changes)
        touched = changes.armings.keys() | changes.corrections.keys()
        self._touch(touched)
        changed = rows.keys() & touched
        for key in changed:
            row, correction = rows[key], changes.corrections.get(key)
            push = correction.after if correction else row.last_push
            rows[key] = Row(row.monitor, changes.armings.get(key, row.arming), push)
        self._outages = self._outages.until(now_timestamp)
        if self._receiving_timestamp is not None:
            self._receiving_timestamp = min(self._receiving_timestamp, now_timestamp)
        self._changed(changed)
        return changes

    def forget_vanished(self, *, before_timestamp: float) -> Changes:
        """Drop the history of monitors that vanished before a moment; return the changes to store."""
        forgotten = self._undeclared.forget(before_timestamp=before_timestamp)
        self._touch(forgotten)
        return Changes(forgotten=dict.fromkeys(forgotten, before_timestamp))

    def rows(self) -> tuple[Row, ...]:
        """Return all declared monitors, in the order of their keys."""
        return tuple(self._rows.values())

    def judged(self, *, now_timestamp: float, rows: Iterable[Row] | None = None) -> list[Judged]:
        """Judge rows, in the table or not; None: all monitors, in the order of their keys."""
        outages = self.outages(now_timestamp=now_timestamp)
        return [
            Judged(row, judge(row, outages, now_timestamp=now_timestamp))
            for row in (self.rows() if rows is None else rows)
        ]

    def verdict(self, row: Row, *, now_timestamp: float) -> Verdict:
        """Return the verdict on one row, which need not be in the table."""
        return judge(row, self.outages(now_timestamp=now_timestamp), now_timestamp=now_timestamp)

    def outages(self, *, now_timestamp: float) -> Outages:
        """Return all outages, including one that has not ended."""
        outage = self.open_outage(now_timestamp=now_timestamp)
        return self._outages if outage is None else self._outages.plus(outage)

    def _touch(self, keys: Iterable[MonitorKey]) -> None:
        """Note that the state of monitors has changed, declared or not."""
        if self._declaring is not None:
            self._declaring.touch(keys)

    def _changed_for_all(self, keys: Collection[MonitorKey]) -> None:
        for changed in self._followers:
            changed(keys)

    @property
    def ended_outages(self) -> tuple[Outage, ...]:
        """The outages that have ended, in the order of their starts."""
        return self._outages.known
