"""The state of monitors that are not declared: of all at the start, later of removed ones.

It is kept for a while, so that a monitor that comes back continues, and is then forgotten.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from yuptime_exporter.core.arming import after_vanishing, newer_arming
from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey, Row
from yuptime_exporter.core.push_order import place
from yuptime_exporter.core.stored import Restored


class Undeclared:
    """Armings and last pushes of monitors without a row.

    Attributes:
        armings: where a store or another replica knows one.
        last_pushes: where there was a push.
    """

    def __init__(self) -> None:
        """Know no monitor."""
        self.armings: dict[MonitorKey, Arming] = {}
        self.last_pushes: dict[MonitorKey, LastPush] = {}

    def restore(self, restored: Restored) -> None:
        """Add the stored state; of two pushes to a monitor the newer stays."""
        armings, last_pushes = dict(restored.armings), dict(restored.last_pushes)
        for key, arming in self.armings.items():
            armings[key] = newer_arming(armings[key], arming) if key in armings else arming
        for key, push in self.last_pushes.items():
            last_pushes[key] = max(last_pushes.get(key, push), push, key=place)
        self.armings, self.last_pushes = armings, last_pushes

    def keys(self) -> set[MonitorKey]:
        """Return the monitors of which anything is known."""
        return self.armings.keys() | self.last_pushes.keys()

    def of(self, key: MonitorKey) -> tuple[Arming | None, LastPush | None]:
        """Return arming and last push of a monitor; None where they are not known."""
        return self.armings.get(key), self.last_pushes.get(key)

    def put(self, key: MonitorKey, arming: Arming | None, push: LastPush | None) -> None:
        """Set what is known of a monitor; None leaves what was known before."""
        if arming is not None:
            self.armings[key] = arming
        if push is not None:
            self.last_pushes[key] = push

    def add(self, rows: Iterable[Row]) -> None:
        """Add monitors that are no longer declared."""
        for row in rows:
            self.put(row.monitor.key, row.arming, row.last_push)

    def leave(self, declared: AbstractSet[MonitorKey]) -> None:
        """Leave the state of these monitors to their rows."""
        # New dictionaries: those of the start would keep the memory of their largest size.
        self.armings = {key: one for key, one in self.armings.items() if key not in declared}
        self.last_pushes = {
            key: one for key, one in self.last_pushes.items() if key not in declared
        }

    def correct(self, changes: Changes) -> None:
        """Take over the corrected moments of these monitors."""
        self.armings |= {key: one for key, one in changes.armings.items() if key in self.armings}
        self.last_pushes |= {
            key: one.after for key, one in changes.corrections.items() if key in self.last_pushes
        }

    def vanish(
        self, keys: Iterable[MonitorKey], *, now_timestamp: float
    ) -> dict[MonitorKey, Arming]:
        """Note that no source declares these monitors; return their armings that this changes.

        A push without an arming gets one here: otherwise it would never be forgotten.
        """
        vanished: dict[MonitorKey, Arming] = {}
        for key in keys:
            known = self.armings.get(key)
            arming = after_vanishing(
                known or Arming(self._last_received(key)), now_timestamp=now_timestamp
            )
            if arming is not known:
                vanished[key] = arming
        self.armings |= vanished
        return vanished

    def forget(self, *, before_timestamp: float) -> list[MonitorKey]:
        """Drop the state of monitors that vanished before a moment; return these monitors.

        History with a later push, which another replica accepted, stays.
        """
        forgotten = [
            key
            for key, arming in self.armings.items()
            if arming.vanished_timestamp is not None
            and arming.vanished_timestamp < before_timestamp
            and self._last_received(key) < before_timestamp
        ]
        for key in forgotten:
            del self.armings[key]
            self.last_pushes.pop(key, None)
        return forgotten

    def _last_received(self, key: MonitorKey) -> float:
        """Return when the last push to a monitor was received; 0 before the first."""
        push = self.last_pushes.get(key)
        return place(push)[0] if push else 0.0
