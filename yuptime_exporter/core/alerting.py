"""The alerts that each Alertmanager should hold, and when they are sent again.

Alerts are level-triggered: all of them are sent again and again, as Prometheus does (rules/alerting.go,
notifier/manager.go). So a lost request is repaired by the next one, and a restart needs no memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from yuptime_exporter.core.identity import ALERT_NAME, AlertDefaults, alert_labels
from yuptime_exporter.core.model import Judged, Monitor, Row, State, Verdict
from yuptime_exporter.core.urls import base_url

Labels = tuple[tuple[str, str], ...]
"""The identity of an alert: its labels, sorted by name."""

# The runbook of the alert, as in alert-rules/.
RUNBOOK_URL = (
    "https://github.com/yuptime/yuptime-exporter/blob/main/docs/runbooks/YuptimeMonitorDown.md"
)

# Prometheus, rules/alerting.go: a firing alert outlives two lost requests and a delay.
ENDS_AFTER_RESENDS = 4

# Prometheus, rules/alerting.go, resolvedRetention.
RESOLVED_RETENTION_SECONDS = 15 * 60.0

# Times after a change. Until Prometheus has noticed the change too, its own repetition may overwrite
# this alert with the older state: within a scrape and an evaluation interval, 30 s each by default.
RESEND_AFTER_CHANGE_SECONDS = (0.0, 15.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How alerts are made and repeated, and which Alertmanagers receive them.

    Attributes:
        runbook_url: the runbook of alerts whose monitor names none.
        alertmanager_urls: base URLs of the Alertmanagers for all monitors.
        allowed_urls: the base URLs that monitors may name; None: any.
    """

    defaults: AlertDefaults = field(default_factory=AlertDefaults)
    runbook_url: str = RUNBOOK_URL
    resend_seconds: float = 60.0
    resolve_delay_seconds: float = 90.0
    alertmanager_urls: tuple[str, ...] = ()
    allowed_urls: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A monitor that is down, with the identity of its alert and the URL of its runbook."""

    labels: Labels
    row: Row
    verdict: Verdict
    runbook_url: str = RUNBOOK_URL


@dataclass(frozen=True, slots=True)
class OutgoingAlert:
    """An alert to send: firing until `ends_timestamp`, or resolved at that moment if it has passed."""

    alert: Alert
    ends_timestamp: float


def alert_of(row: Row, verdict: Verdict, settings: AlertSettings) -> Alert | None:
    """Return the alert of a monitor; None unless the monitor is down."""
    if verdict.state is not State.DOWN:
        return None
    runbook_url = row.monitor.alert_runbook_url or settings.runbook_url
    return Alert(labels_of(row.monitor, settings), row, verdict, runbook_url)


def labels_of(monitor: Monitor, settings: AlertSettings) -> Labels:
    """Return the labels of a monitor's alert, sorted by name."""
    labels = alert_labels(monitor.key, monitor.alert_labels, settings.defaults)
    return tuple(sorted({**labels, "alertname": ALERT_NAME}.items()))


def urls_of(monitor: Monitor, settings: AlertSettings) -> frozenset[str]:
    """Return the base URLs of the Alertmanagers for a monitor, each once."""
    if monitor.alertmanager_url is None or not may_name_its_alertmanager(monitor, settings):
        return frozenset(settings.alertmanager_urls)
    return frozenset((*settings.alertmanager_urls, base_url(monitor.alertmanager_url)))


def may_name_its_alertmanager(monitor: Monitor, settings: AlertSettings) -> bool:
    """Return whether the operator allows the Alertmanager of a monitor; True if it names none."""
    if monitor.alertmanager_url is None or settings.allowed_urls is None:
        return True
    return base_url(monitor.alertmanager_url) in settings.allowed_urls


def firing_by_url(
    judged: Iterable[Judged], settings: AlertSettings
) -> dict[str, dict[Labels, Alert]]:
    """Return the alerts that each Alertmanager should hold now, by base URL."""
    firing: dict[str, dict[Labels, Alert]] = {}
    for row, verdict in judged:
        alert = alert_of(row, verdict, settings)
        if alert is not None:
            for url in urls_of(row.monitor, settings):
                firing.setdefault(url, {})[alert.labels] = alert
    return firing


def fingerprint(labels: Iterable[tuple[str, str]]) -> str:
    """Return Alertmanager's name of the alert: FNV-1a over its labels, as 16 hex digits.

    Each name and each value is followed by 0xff (prometheus/common, model/signature.go).
    """
    digest = 0xCBF29CE484222325
    for name, value in sorted(labels):
        for byte in b"%b\xff%b\xff" % (name.encode(), value.encode()):
            digest = (digest ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


@dataclass(slots=True)
class _Sent:
    """One alert as it was last sent to one Alertmanager.

    Attributes:
        changed_timestamp: when the alert began to fire.
        next_timestamp: when it is sent next.
        resolved_timestamp: when it ended; None while it fires.
    """

    alert: Alert
    changed_timestamp: float
    next_timestamp: float
    resolved_timestamp: float | None = None


class AlertFeed:
    """The alerts that were sent to one Alertmanager, and when each is sent next.

    Two senders feed one Alertmanager: this feed and Prometheus. A firing alert is sent at once. A
    recovery is sent after a delay, in which Prometheus notices it as well. Without the delay, a
    late "firing" of Prometheus after this feed's "resolved" would page again.
    """

    def __init__(self) -> None:
        self._sent: dict[Labels, _Sent] = {}

    def due(
        self, firing: Mapping[Labels, Alert], settings: AlertSettings, *, now_timestamp: float
    ) -> list[OutgoingAlert]:
        """Note the alerts that fire now, and return the alerts to send now.

        An alert that no longer fires is resolved under the labels that it was sent with, whether
        its monitor recovered, was paused, was removed, or has other labels now.
        """
        self._note_firing(firing, now_timestamp)
        self._note_resolved(firing, settings, now_timestamp)
        self._bring_times_forward(settings, now_timestamp)
        due = [sent for sent in self._sent.values() if sent.next_timestamp <= now_timestamp]
        outgoing = [_outgoing(sent, settings, now_timestamp) for sent in due]
        for sent in due:
            _schedule(sent, settings, now_timestamp)
        return outgoing

    def next_timestamp(self) -> float | None:
        """Return when the next alert is sent if no monitor changes; None: never."""
        return min((sent.next_timestamp for sent in self._sent.values()), default=None)

    def _note_firing(self, firing: Mapping[Labels, Alert], now_timestamp: float) -> None:
        for labels, alert in firing.items():
            sent = self._sent.get(labels)
            if sent is None or sent.resolved_timestamp is not None:
                self._sent[labels] = _Sent(alert, now_timestamp, now_timestamp)
            else:
                sent.alert = alert

    def _note_resolved(
        self, firing: Mapping[Labels, Alert], settings: AlertSettings, now_timestamp: float
    ) -> None:
        for labels, sent in list(self._sent.items()):
            if labels in firing:
                continue
            if sent.resolved_timestamp is None:
                sent.resolved_timestamp = max(now_timestamp, sent.alert.verdict.since_timestamp)
                sent.next_timestamp = now_timestamp + settings.resolve_delay_seconds
            elif now_timestamp > sent.resolved_timestamp + RESOLVED_RETENTION_SECONDS:
                del self._sent[labels]

    def _bring_times_forward(self, settings: AlertSettings, now_timestamp: float) -> None:
        """Bring times forward that are too late: the clock was set back, or a delay is shorter."""
        longest = max(settings.resend_seconds, settings.resolve_delay_seconds)
        for sent in self._sent.values():
            sent.next_timestamp = min(sent.next_timestamp, now_timestamp + longest)


def _outgoing(sent: _Sent, settings: AlertSettings, now_timestamp: float) -> OutgoingAlert:
    if sent.resolved_timestamp is not None:
        return OutgoingAlert(sent.alert, sent.resolved_timestamp)
    return OutgoingAlert(sent.alert, now_timestamp + ENDS_AFTER_RESENDS * settings.resend_seconds)


def _schedule(sent: _Sent, settings: AlertSettings, now_timestamp: float) -> None:
    moments = [now_timestamp + settings.resend_seconds]
    if sent.resolved_timestamp is None:
        moments += [sent.changed_timestamp + after for after in RESEND_AFTER_CHANGE_SECONDS]
    sent.next_timestamp = min(moment for moment in moments if moment > now_timestamp)
