"""The page of one monitor, to which its alerts lead: what is known of it, and until when."""

from html import escape

from aiohttp import web
from aiohttp.typedefs import Handler

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.evaluation import judge
from yuptime_exporter.core.model import MonitorKey, Row, Verdict
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.moments import readable
from yuptime_exporter.web.pages.frame import page


def monitor_page_handler(table: MonitorTable, *, clock: Clock) -> Handler:
    """Return the handler of `GET /monitors/{namespace}/{name}`."""

    async def monitor_page(request: web.Request) -> web.Response:
        key = MonitorKey(request.match_info["namespace"], request.match_info["name"])
        row = table.row(key)
        if row is None:
            raise web.HTTPNotFound
        now_timestamp = clock()
        outages = table.outages(now_timestamp=now_timestamp)
        verdict = judge(row, outages, now_timestamp=now_timestamp)
        lines = "\n".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in _facts(row, verdict).items()
        )
        return page(str(key), f"<table>\n{lines}\n</table>")

    return monitor_page


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
        "Expires": readable(verdict.expires_timestamp),
        "Deadline": readable(verdict.deadline_timestamp),
        "Expire, grace": f"{monitor.expire_seconds} s, {monitor.grace_seconds} s",
        "Awaited from": readable(row.arming.armed_timestamp),
    }
    if last:
        facts["Pushes"] = f"{last.pushes_total}, of which {last.pushes_down_total} said down"
    if monitor.alert_labels:
        facts["Labels"] = ", ".join(f"{name}={value}" for name, value in monitor.alert_labels)
    return facts
