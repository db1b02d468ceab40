"""Alerts in the format of Alertmanager's API (api/v2/openapi.yaml, postableAlert)."""

from urllib.parse import quote

from yuptime_exporter.core.alerting import Alert, OutgoingAlert
from yuptime_exporter.core.model import LastPush, Reason
from yuptime_exporter.moments import readable, rfc3339

# The same sentence as in alert-rules/. It is the heading of a group of alerts, so it names no monitor.
SUMMARY = "A monitored job is down."


def alert_body(outgoing: OutgoingAlert, *, external_url: str) -> dict[str, object]:
    """Return one alert, ready for JSON; it never ends before it starts, which is invalid."""
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
    """Return since when the job is down, its deadline, and its last message."""
    row, verdict = alert.row, alert.verdict
    key, last = row.monitor.key, row.last_push
    since, deadline = readable(verdict.since_timestamp), readable(verdict.deadline_timestamp)
    match verdict.reason:
        case Reason.REPORTED_DOWN:
            text = f"{key} reported down; it is down since {since}."
        case Reason.NEVER_PUSHED:
            armed = readable(row.arming.armed_timestamp)
            text = f"{key} has never reported; it was awaited from {armed} until {deadline}."
        case _:
            reported = readable(last.received_timestamp if last else 0.0)
            text = f"{key} has not reported since {reported}; its deadline was {deadline}."
    return text + _last_message(last)


def _last_message(last: LastPush | None) -> str:
    return f" Its last message: {last.message}" if last and last.message else ""
