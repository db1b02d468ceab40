"""The history of monitors that are no longer declared: kept for a while, then forgotten."""

from collections.abc import Iterable, Mapping

from yuptime_exporter.core.arming import after_vanishing
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey
from yuptime_exporter.core.push_order import place

Armings = Mapping[MonitorKey, Arming]
LastPushes = Mapping[MonitorKey, LastPush]


def vanished_armings(
    undeclared: Iterable[MonitorKey],
    armings: Armings,
    last_pushes: LastPushes,
    *,
    now_timestamp: float,
) -> dict[MonitorKey, Arming]:
    """Return the changed armings of monitors that are not declared.

    A push without an arming gets one here: otherwise it would never be forgotten.
    """
    vanished: dict[MonitorKey, Arming] = {}
    for key in undeclared:
        known = armings.get(key)
        arming = after_vanishing(
            known or Arming(_last_received(last_pushes, key)), now_timestamp=now_timestamp
        )
        if arming is not known:
            vanished[key] = arming
    return vanished


def forgettable(
    armings: Armings, last_pushes: LastPushes, *, before_timestamp: float
) -> list[MonitorKey]:
    """Return the monitors that vanished before a moment.

    History with a later push, which another replica accepted, stays.
    """
    return [
        key
        for key, arming in armings.items()
        if arming.vanished_timestamp is not None
        and arming.vanished_timestamp < before_timestamp
        and _last_received(last_pushes, key) < before_timestamp
    ]


def _last_received(last_pushes: LastPushes, key: MonitorKey) -> float:
    """Return when the last push to a monitor was received; 0 before the first."""
    push = last_pushes.get(key)
    return place(push)[0] if push else 0.0
