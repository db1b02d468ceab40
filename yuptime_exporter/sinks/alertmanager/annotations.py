"""The texts of an alert. The rules in alert-rules/ write the same texts for the same facts.

Alertmanager shows the texts of the sender that came last, so both senders must agree. All moments
and lengths of time are data: a text stays the same while its alert fires.
"""

import re
from urllib.parse import quote

from yuptime_exporter.core.alerting import Alert
from yuptime_exporter.core.cron_times import NEVER
from yuptime_exporter.core.messages import shown_message
from yuptime_exporter.core.model import MonitorKey, Reason
from yuptime_exporter.moments import readable

_ADVICE_AFTER_SILENCE = "Check that the job ran and that its push was accepted."
_ADVICE = {
    Reason.REPORTED_DOWN: "Read the log of the job, correct the cause, and run the job again.",
    Reason.OVERRAN: "Check whether the run hangs, or ended without a push.",
}

_TRAILING_ZEROS = re.compile("( 0[hms])+$")


def annotations(alert: Alert, *, page_base_url: str | None) -> dict[str, str]:
    """Return the annotations of an alert.

    Args:
        alert: the monitor that is down.
        page_base_url: the URL of this exporter as seen from outside; None where it is not
            configured, and then no page is named.
    """
    texts = {
        "summary": summary(alert),
        "description": description(alert),
        "runbook_url": alert.runbook_url,
    }
    if page_base_url is not None:
        texts["page"] = page_url(alert.row.monitor.key, page_base_url)
    last = alert.row.last_push
    # After silence, the last message is that of a success: it would mislead.
    if alert.verdict.reason is Reason.REPORTED_DOWN and last is not None and last.message:
        texts["message"] = shown_message(last.message)
    return texts


def summary(alert: Alert) -> str:
    """Return the monitor and the reason, such as `prod/backup has not reported for more than 1d`."""
    key, last = alert.row.monitor.key, alert.row.last_push
    match alert.verdict.reason:
        case Reason.REPORTED_DOWN:
            return f"{key} reported down"
        case Reason.NEVER_PUSHED:
            return f"{key} has never reported"
        case Reason.OVERRAN:
            limit_seconds = alert.row.monitor.max_runtime_seconds or 0
            return f"{key} has been running for more than {duration(limit_seconds)}"
        case _:
            received = last.received_timestamp if last else 0.0
            silent_seconds = alert.verdict.deadline_timestamp - received
            return f"{key} has not reported for more than {duration(silent_seconds)}"


def description(alert: Alert) -> str:
    """Return the team's own text, the last success, the deadline, and what to do next."""
    last, verdict = alert.row.last_push, alert.verdict
    success = last.last_success_timestamp if last else 0.0
    deadline = verdict.deadline_timestamp
    sentences = [
        alert.row.monitor.alert_description,
        f"Last success: {readable(success) if success else 'never'}.",
        f"Deadline: {readable(deadline)}." if deadline != NEVER else "",
        _ADVICE.get(verdict.reason, _ADVICE_AFTER_SILENCE),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def page_url(key: MonitorKey, base_url: str) -> str:
    """Return the address of a monitor's page."""
    return f"{base_url}/monitors/{quote(key.namespace)}/{quote(key.name)}"


def duration(seconds: float) -> str:
    """Return whole seconds as Prometheus' `humanizeDuration` does, without zeros at the end."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    parts = [(days, "d"), (hour, "h"), (minute, "m"), (second, "s")]
    first = next((index for index, (amount, _) in enumerate(parts) if amount), 3)
    text = " ".join(f"{amount}{unit}" for amount, unit in parts[first:])
    return _TRAILING_ZEROS.sub("", text)
