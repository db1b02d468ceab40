"""What a store holds when the exporter starts."""

from collections.abc import Mapping
from dataclasses import dataclass

from yuptime_exporter.core.model import Arming, LastPush, MonitorKey, Outage


@dataclass(frozen=True, slots=True)
class Noted:
    """The receiving log of all replicas that share a store.

    Attributes:
        receiving_timestamp: when pushes could last be received by any replica; None: never yet.
        outages: periods in which no replica could receive pushes, in the order of their starts.
    """

    receiving_timestamp: float | None = None
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """Everything that a store holds.

    Attributes:
        armings: of all monitors, removed monitors included until their history is forgotten.
        last_pushes: of all monitors that were ever pushed to.
        outages: in the order of their starts, without overlaps.
        receiving_timestamp: when pushes could last be received; None: never yet.
    """

    armings: Mapping[MonitorKey, Arming]
    last_pushes: Mapping[MonitorKey, LastPush]
    outages: tuple[Outage, ...] = ()
    receiving_timestamp: float | None = None
