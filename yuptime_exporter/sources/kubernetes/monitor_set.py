"""The monitor set of the Kubernetes source, updated monitor by monitor."""

from collections import Counter

from yuptime_exporter.core.declared import MonitorSet, Problem
from yuptime_exporter.core.model import Monitor, MonitorKey
from yuptime_exporter.resource.monitor_object import MonitorObject


class ActiveMonitors:
    """The active monitors with their tokens, and the objects that are no usable push monitors."""

    def __init__(self) -> None:
        self._monitors: dict[MonitorKey, Monitor] = {}
        self._order: list[MonitorKey] = []  # empty: to be sorted again
        self._other_types: dict[MonitorKey, str] = {}
        self._problems: dict[MonitorKey, tuple[Problem, ...]] = {}
        self._warnings: dict[MonitorKey, tuple[Problem, ...]] = {}

    def get(self, key: MonitorKey) -> Monitor | None:
        """Return an active monitor; None: there is none."""
        return self._monitors.get(key)

    def put(self, monitor: Monitor) -> None:
        """Add or replace a monitor; one that is equal stays the same object."""
        key = monitor.key
        if key not in self._monitors:
            self._order = []
        if self._monitors.get(key) != monitor:
            self._monitors[key] = monitor

    def remove(self, key: MonitorKey) -> None:
        """Remove a monitor, if there is one."""
        if self._monitors.pop(key, None) is not None:
            self._order = []

    def note_unusable(self, key: MonitorKey, found: MonitorObject | None) -> None:
        """Remember why an object is not a usable push monitor, and what it warns of.

        Most objects are usable and warn of nothing.
        """
        self._other_types.pop(key, None)
        self._problems.pop(key, None)
        self._warnings.pop(key, None)
        if found is not None and found.other_type is not None:
            self._other_types[key] = found.other_type
        if found is not None and found.problems:
            self._problems[key] = found.problems
        if found is not None and found.warnings:
            self._warnings[key] = found.warnings

    def as_set(self, *, unlisted: frozenset[str]) -> MonitorSet:
        """Return the complete set, in the order of the keys; `unlisted` as in `MonitorSet`."""
        if not self._order:
            self._order = sorted(self._monitors)
        types = Counter(self._other_types.values())
        problems = [problem for problems in self._problems.values() for problem in problems]
        warnings = [warning for warnings in self._warnings.values() for warning in warnings]
        return MonitorSet(
            monitors=tuple(self._monitors[key] for key in self._order),
            ignored_types=dict(sorted(types.items())),
            problems=tuple(sorted(problems, key=str)),
            warnings=tuple(sorted(warnings, key=str)),
            notice=_notice(unlisted),
            unlisted=unlisted,
        )


def _notice(unlisted: frozenset[str]) -> str:
    if not unlisted:
        return ""
    many = "namespaces" if len(unlisted) > 1 else "namespace"
    return (
        f"the monitors of the {many} {', '.join(sorted(unlisted))} are not known, because the "
        "exporter may not list them; their pushes get 503"
    )
