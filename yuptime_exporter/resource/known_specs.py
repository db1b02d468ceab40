"""Specs that were read before."""

from yuptime_exporter.core.model import Monitor
from yuptime_exporter.resource.shapes import Spec


class KnownSpecs:
    """Valid specs of monitors, so that the many equal ones of a file are read once.

    A spec is known by the identity of its plain value: equal parts of a file are one value. The
    monitors of one namespace with the same spec share all their parts in memory.
    """

    def __init__(self) -> None:
        """Know no spec."""
        self._shapes: dict[int, Spec] = {}
        self._monitors: dict[tuple[int, str], Monitor] = {}

    def shape(self, spec: object) -> object:
        """Return the spec in its shape if it is known; otherwise as it is."""
        return self._shapes.get(id(spec), spec)

    def monitor(self, spec: object, namespace: str) -> Monitor | None:
        """Return a monitor of this namespace with this spec; None if there was none yet."""
        return self._monitors.get((id(spec), namespace))

    def add(self, spec: object, shape: Spec, monitor: Monitor) -> None:
        """Add the spec of a valid monitor."""
        self._shapes[id(spec)] = shape
        self._monitors[id(spec), monitor.key.namespace] = monitor
