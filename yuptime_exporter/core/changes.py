"""Changes that the table makes by itself, and that a store must learn of.

A push goes to the store first and to the table second. All other changes start in the table: a
declaration arms a monitor, a clock that was set back corrects a moment, the retention period ends.
They are one value, `Changes`, so that the table after a restart equals the table before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from yuptime_exporter.core.arming import arming_in_the_present
from yuptime_exporter.core.evaluation import (
    push_in_the_present,
)
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey


class Correction(NamedTuple):
    """A push with moments in the future, and the same push with these moments set to now."""

    before: LastPush
    after: LastPush


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes to store together: first the armings, then the corrections, then the forgetting.

    Attributes:
        armings: of monitors that were declared, paused, resumed or corrected, or that vanished.
        corrections: of pushes; a store that holds another push than `before` leaves it alone.
        forgotten: the moment before which the history of a monitor no longer counts. Pushes
            received before it are dropped, and the arming if the monitor vanished before it.
    """

    armings: Mapping[MonitorKey, Arming] = field(default_factory=dict)
    corrections: Mapping[MonitorKey, Correction] = field(default_factory=dict)
    forgotten: Mapping[MonitorKey, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there is anything to store."""
        return bool(self.armings or self.corrections or self.forgotten)

    def then(self, later: "Changes") -> "Changes":
        """Return these changes and later ones as one, for a store that has seen neither."""
        corrections = {
            key: Correction(self._first(key, correction), correction.after)
            for key, correction in later.corrections.items()
        }
        return Changes(
            armings={**self.armings, **later.armings},
            corrections={**self.corrections, **corrections},
            forgotten={**self.forgotten, **later.forgotten},
        )

    def _first(self, key: MonitorKey, correction: Correction) -> LastPush:
        """Return the push in a store that has seen neither of two corrections."""
        earlier = self.corrections.get(key)
        return (
            earlier.before if earlier and earlier.after == correction.before else correction.before
        )


def changes_into_the_present(
    armings: Mapping[MonitorKey, Arming],
    last_pushes: Mapping[MonitorKey, LastPush],
    *,
    now_timestamp: float,
) -> Changes:
    """Return the changes that set every moment in the future to now."""
    return Changes(
        armings={
            key: present
            for key, arming in armings.items()
            if (present := arming_in_the_present(arming, now_timestamp=now_timestamp)) != arming
        },
        corrections={
            key: Correction(push, present_push)
            for key, push in last_pushes.items()
            if (present_push := push_in_the_present(push, now_timestamp=now_timestamp)) != push
        },
    )
