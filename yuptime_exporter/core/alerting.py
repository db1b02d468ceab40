"""Which alerts Alertmanager should hold, and when it is told so again.

Level-triggered: the whole picture is sent again and again, as Prometheus does it (rules/alerting.go,
notifier/manager.go), so that a lost request repairs itself and a restart needs no memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from yuptime_exporter.core.identity import ALERT_NAME, AlertDefaults, alert_labels
from yuptime_exporter.core.model import Judged, Monitor, Row, State, Verdict
from yuptime_exporter.core.urls import base_url

Labels = tuple[tuple[str, str], ...]
"""The identity of an alert: its labels in the order of their names."""

# Prometheus, rules/alerting.go: a firing alert outlives two lost requests and some delay.
ENDS_AFTER_RESENDS = 4

# Prometheus, rules/alerting.go, resolvedRetention.
RESOLVED_RETENTION_SECONDS = 15 * 60.0

# After a change Prometheus' own repetition of an older picture may still overwrite ours until it
# has noticed, too: within a scrape and an evaluation interval, 30 s each by default.
RESEND_AFTER_CHANGE_SECONDS = (0.0, 15.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How alerts are made and repeated, and who is told.

    Attributes:
        alertmanager_urls: base URLs of those that are told of every monitor.
        allowed_urls: which base URLs monitors may name; None: any.
    """

    defaults: AlertDefaults = field(default_factory=AlertDefaults)
    resend_seconds: float = 60.0
    resolve_delay_seconds: float = 90.0
    alertmanager_urls: tuple[str, ...] = ()
    allowed_urls: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A monitor that is down: its identity, and what is known of it."""

    labels: Labels
    row: Row
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class OutgoingAlert:
    """An alert to be sent: firing until `ends_timestamp`, or resolved at it if that has passed."""

    alert: Alert
    ends_timestamp: float


def alert_of(row: Row, verdict: Verdict, settings: AlertSettings) -> Alert | None:
    """Return the alert that a monitor raises; None unless it is down."""
    if verdict.state is not State.DOWN:
        return None
    key, own = row.monitor.key, row.monitor.alert_labels
    labels = {**alert_labels(key, own, settings.defaults), "alertname": ALERT_NAME}
    return Alert(tuple(sorted(labels.items())), row, verdict)


def urls_of(monitor: Monitor, settings: AlertSettings) -> frozenset[str]:
    """Return the Alertmanagers that are told of a monitor, each once."""
    if monitor.alertmanager_url is None or not may_name_its_alertmanager(monitor, settings):
        return frozenset(settings.alertmanager_urls)
    return frozenset((*settings.alertmanager_urls, base_url(monitor.alertmanager_url)))


def may_name_its_alertmanager(monitor: Monitor, settings: AlertSettings) -> bool:
    """Tell whether the Alertmanager that a monitor names is one that the operator allows."""
    if monitor.alertmanager_url is None or settings.allowed_urls is None:
        return True
    return base_url(monitor.alertmanager_url) in settings.allowed_urls


def firing_by_url(
    judged: Iterable[Judged], settings: AlertSettings
) -> dict[str, dict[Labels, Alert]]:
    """Return the alerts that each Alertmanager should hold now."""
    firing: dict[str, dict[Labels, Alert]] = {}
    for row, verdict in judged:
        alert = alert_of(row, verdict, settings)
        if alert is not None:
            for url in urls_of(row.monitor, settings):
                firing.setdefault(url, {})[alert.labels] = alert
    return firing


def fingerprint(labels: Iterable[tuple[str, str]]) -> str:
    """Return what Alertmanager calls the alert: FNV-1a over its labels, as 16 hex digits.

    prometheus/common, model/signature.go: each name and each value is followed by 0xff.
    """
    digest = 0xCBF29CE484222325
    for name, value in sorted(labels):
        for byte in b"%b\xff%b\xff" % (name.encode(), value.encode()):
            digest = (digest ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


@dataclass(slots=True)
class _Told:
    """What one Alertmanager was told of one alert."""

    alert: Alert
    changed_timestamp: float
    next_timestamp: float
    resolved_timestamp: float | None = None


class AlertFeed:
    """What one Alertmanager has been told, and what it is to be told next.

    Two senders feed one Alertmanager: this one and Prometheus. Firing is told at once. Recovery
    is told after a quiet delay, in which Prometheus notices it as well: silence contradicts
    nobody, while a stale "firing" of the other sender after a "resolved" of ours would page.
    """

    def __init__(self) -> None:
        self._told: dict[Labels, _Told] = {}

    def due(
        self, firing: Mapping[Labels, Alert], settings: AlertSettings, *, now_timestamp: float
    ) -> list[OutgoingAlert]:
        """Take note of what fires now; return what is to be sent now.

        An alert that no longer fires, whether its monitor recovered, was paused, was removed or
        has other labels now, is resolved under the labels that it was told with.
        """
        self._note_firing(firing, now_timestamp)
        self._note_resolved(firing, settings, now_timestamp)
        self._forget_later_times(settings, now_timestamp)
        due = [told for told in self._told.values() if told.next_timestamp <= now_timestamp]
        outgoing = [_outgoing(told, settings, now_timestamp) for told in due]
        for told in due:
            _schedule(told, settings, now_timestamp)
        return outgoing

    def next_timestamp(self) -> float | None:
        """Return when something is to be sent even if nothing changes; None: never."""
        return min((told.next_timestamp for told in self._told.values()), default=None)

    def _note_firing(self, firing: Mapping[Labels, Alert], now_timestamp: float) -> None:
        for labels, alert in firing.items():
            told = self._told.get(labels)
            if told is None or told.resolved_timestamp is not None:
                self._told[labels] = _Told(alert, now_timestamp, now_timestamp)
            else:
                told.alert = alert

    def _note_resolved(
        self, firing: Mapping[Labels, Alert], settings: AlertSettings, now_timestamp: float
    ) -> None:
        for labels, told in list(self._told.items()):
            if labels in firing:
                continue
            if told.resolved_timestamp is None:
                told.resolved_timestamp = max(now_timestamp, told.alert.verdict.since_timestamp)
                told.next_timestamp = now_timestamp + settings.resolve_delay_seconds
            elif now_timestamp > told.resolved_timestamp + RESOLVED_RETENTION_SECONDS:
                del self._told[labels]

    def _forget_later_times(self, settings: AlertSettings, now_timestamp: float) -> None:
        """Wait no longer than from now: the clock was set back, or a delay was made shorter."""
        longest = max(settings.resend_seconds, settings.resolve_delay_seconds)
        for told in self._told.values():
            told.next_timestamp = min(told.next_timestamp, now_timestamp + longest)


def _outgoing(told: _Told, settings: AlertSettings, now_timestamp: float) -> OutgoingAlert:
    if told.resolved_timestamp is not None:
        return OutgoingAlert(told.alert, told.resolved_timestamp)
    return OutgoingAlert(told.alert, now_timestamp + ENDS_AFTER_RESENDS * settings.resend_seconds)


def _schedule(told: _Told, settings: AlertSettings, now_timestamp: float) -> None:
    moments = [now_timestamp + settings.resend_seconds]
    if told.resolved_timestamp is None:
        moments += [told.changed_timestamp + after for after in RESEND_AFTER_CHANGE_SECONDS]
    told.next_timestamp = min(moment for moment in moments if moment > now_timestamp)
