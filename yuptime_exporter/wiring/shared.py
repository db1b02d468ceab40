"""The values that all parts of one run share."""

from dataclasses import dataclass, field

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.settings.model import Settings
from yuptime_exporter.settings.web_configuration import CurrentWebConfiguration
from yuptime_exporter.sinks.alertmanager.unreachable import Unreachable
from yuptime_exporter.wiring.registry import Metrics


@dataclass(frozen=True, slots=True)
class Shared:
    """One run: its settings, its monitors, and its clock.

    Attributes:
        table: all monitors, which every flow reads or changes.
        rejudging: knows the monitors whose verdict may have changed.
        clock: Unix seconds.
        unreachable: knows the Alertmanagers that alerts do not reach.
    """

    settings: Settings
    table: MonitorTable
    rejudging: Rejudging
    readiness: Readiness
    metrics: Metrics
    web_configuration: CurrentWebConfiguration
    clock: Clock
    unreachable: Unreachable = field(default_factory=Unreachable)
