"""The page of one monitor, which its alerts link to: state, last push, deadline, rejections."""

from collections.abc import Iterable
from html import escape

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import MonitorKey, Row, Verdict
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.rejections import RecordedRejection, Rejections
from yuptime_exporter.moments import readable
from yuptime_exporter.web.failures import not_found
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.pages.frame import page
from yuptime_exporter.web.router import Handler


def monitor_page_handler(table: MonitorTable, rejections: Rejections, *, clock: Clock) -> Handler:
    """Return the handler of `GET /monitors/{namespace}/{name}`."""

    async def monitor_page(request: Request) -> Answer:
        key = MonitorKey(request.parameters["namespace"], request.parameters["name"])
        row = table.row(key)
        if row is None:
            return not_found()
        verdict = table.verdict(row, now_timestamp=clock())
        lines = "\n".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in _facts(row, verdict).items()
        )
        rejected = _rejection_table(rejections.recent(key))
        return page(str(key), f"<table>\n{lines}\n</table>{rejected}")

    return monitor_page


def _rejection_table(recent: Iterable[RecordedRejection]) -> str:
    """Return the last rejections, the newest first; nothing if there was none."""
    lines = "\n".join(
        f"<tr><td>{readable(one.timestamp)}</td><td>{one.reason}</td>"
        f"<td>{escape(one.detail)}</td></tr>"
        for one in reversed(tuple(recent))
    )
    if not lines:
        return ""
    return (
        "\n<h2>Rejected pushes since the start of the exporter</h2>\n<table>\n"
        f"<tr><th>Time</th><th>Reason</th><th>Detail</th></tr>\n{lines}\n</table>"
    )


def _facts(row: Row, verdict: Verdict) -> dict[str, str]:
    monitor, last = row.monitor, row.last_push
    facts = {
        "State": f"{verdict.state} ({verdict.reason})",
        "Since": readable(verdict.since_timestamp),
        "Last push": readable(last.received_timestamp) if last else "never",
    }
    if last and last.message:
        facts["Message"] = last.message
    facts |= {
        "Expires": readable(verdict.due_timestamp),
        "Deadline": readable(verdict.deadline_timestamp),
        "Schedule, grace": f"{monitor.schedule}, {monitor.grace_seconds} s",
        "Awaited from": readable(row.arming.armed_timestamp),
    }
    if last:
        facts["Pushes"] = f"{last.pushes_total}, of which {last.pushes_down_total} said down"
    if monitor.alert_labels:
        facts["Labels"] = ", ".join(f"{name}={value}" for name, value in monitor.alert_labels)
    return facts
