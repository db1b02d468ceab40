"""Alerts as Alertmanager's API takes them (api/v2/openapi.yaml, postableAlert)."""

from urllib.parse import quote

from yuptime_exporter.core.alerting import Alert, OutgoingAlert
from yuptime_exporter.core.model import LastPush, Reason
from yuptime_exporter.moments import readable, rfc3339

# The same sentence as in alert-rules/: it heads a group of alerts, so it names no monitor.
SUMMARY = "A monitored job is down."


def alert_body(outgoing: OutgoingAlert, *, external_url: str) -> dict[str, object]:
    """Return one alert, ready for JSON; Alertmanager refuses one that ends before it starts."""
    alert = outgoing.alert
    key = alert.row.monitor.key
    starts = alert.verdict.since_timestamp
    return {
        "labels": dict(alert.labels),
        "annotations": {"summary": SUMMARY, "description": description(alert)},
        "startsAt": rfc3339(starts),
        "endsAt": rfc3339(max(outgoing.ends_timestamp, starts)),
        "generatorURL": f"{external_url}/monitors/{quote(key.namespace)}/{quote(key.name)}",
    }


def description(alert: Alert) -> str:
    """Say since when the job is down, what it said last, and what its deadline was."""
    row, verdict = alert.row, alert.verdict
    key, last = row.monitor.key, row.last_push
    since, deadline = readable(verdict.since_timestamp), readable(verdict.deadline_timestamp)
    match verdict.reason:
        case Reason.REPORTED_DOWN:
            told = f"{key} reported down; it is down since {since}."
        case Reason.NEVER_PUSHED:
            armed = readable(row.arming.armed_timestamp)
            told = f"{key} has never reported; it was awaited from {armed} until {deadline}."
        case _:
            reported = readable(last.received_timestamp if last else 0.0)
            told = f"{key} has not reported since {reported}; its deadline was {deadline}."
    return told + _last_words(last)


def _last_words(last: LastPush | None) -> str:
    return f" Its last message: {last.message}" if last and last.message else ""
