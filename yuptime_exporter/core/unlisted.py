"""Namespaces of which the monitors are not known, since the exporter may not list them.

Their stored pushes and armings stay as they are. No push to them can be accepted, so that their open
deadlines move by the time until they are listed.
"""

from collections.abc import Collection

from yuptime_exporter.core.arming import after_unlisted
from yuptime_exporter.core.model import MonitorKey, Outage, Row
from yuptime_exporter.core.outages import Outages


class UnlistedNamespaces:
    """Since when each of these namespaces is not listed."""

    def __init__(self) -> None:
        self._since_timestamps: dict[str, float] = {}

    def __contains__(self, namespace: str) -> bool:
        """Return whether the monitors of a namespace are not known."""
        return namespace in self._since_timestamps

    def __bool__(self) -> bool:
        """Return whether there is such a namespace."""
        return bool(self._since_timestamps)

    def add(self, namespaces: Collection[str], *, now_timestamp: float) -> None:
        """Note that these namespaces are not listed now."""
        for namespace in namespaces:
            self._since_timestamps.setdefault(namespace, now_timestamp)

    def keep_only(self, namespaces: Collection[str]) -> None:
        """Note that all other namespaces are listed."""
        for namespace in self._since_timestamps.keys() - set(namespaces):
            del self._since_timestamps[namespace]

    def credited(self, row: Row, outages: Outages, *, now_timestamp: float) -> Row:
        """Return the row of a monitor that becomes known now, with its deadline moved."""
        since = self._since_timestamps.get(row.monitor.key.namespace)
        if since is None:
            return row
        arming = after_unlisted(row, outages, Outage(since, now_timestamp))
        return Row(row.monitor, arming, row.last_push)

    def keys_outside(self, keys: Collection[MonitorKey]) -> set[MonitorKey]:
        """Return the keys of these that belong to other namespaces."""
        if not self._since_timestamps:
            return set(keys)
        return {key for key in keys if key.namespace not in self._since_timestamps}
