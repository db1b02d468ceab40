"""The page of one monitor, to which its alerts link: why it is in its state, and what to do."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from yuptime_exporter.core.alerting import AlertSettings, fingerprint, labels_of
from yuptime_exporter.core.cron_times import NEVER
from yuptime_exporter.core.explaining import explanation
from yuptime_exporter.core.model import Judged, Monitor
from yuptime_exporter.engine.rejections import RecordedRejection, Rejections, remedy
from yuptime_exporter.moments import readable
from yuptime_exporter.web.api.board import Board
from yuptime_exporter.web.api.monitors import requested_key
from yuptime_exporter.web.api.past import PastReader
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.pages.links import Links
from yuptime_exporter.web.pages.monitors import next_moment, reason_text
from yuptime_exporter.web.pages.rendering import Pages
from yuptime_exporter.web.pages.snippets import push_url, snippets
from yuptime_exporter.web.pages.strip import strip
from yuptime_exporter.web.router import Handler

_ROOT = "../../"


def monitor_page_handler(
    board: Board,
    pages: Pages,
    past: PastReader,
    rejections: Rejections,
    *,
    alerting: Callable[[], AlertSettings],
    links: Callable[[], Links],
) -> Handler:
    """Return the handler of `GET /monitors/{namespace}/{name}`.

    Args:
        board: all monitors.
        pages: renders the page.
        past: the history of each monitor.
        rejections: the last rejections of each monitor.
        alerting: returns the active settings of alerts.
        links: returns the addresses of the programs around.
    """
    return _MonitorPage(board, pages, past, rejections, alerting, links).answer


@dataclass(frozen=True, slots=True)
class RejectionLine:
    """A rejected push, with what to change."""

    rejection: RecordedRejection
    remedy: str


@dataclass(frozen=True, slots=True)
class _MonitorPage:
    board: Board
    pages: Pages
    past: PastReader
    rejections: Rejections
    alerting: Callable[[], AlertSettings]
    links: Callable[[], Links]

    async def answer(self, request: Request) -> Answer:
        """Answer a request for the page of a monitor."""
        now_timestamp = self.board.clock()
        overview = await self.board.overview()
        row = self.board.table.row(requested_key(request))
        if row is None:
            return await self._unknown(now_timestamp)
        past = await self.past.of(row)
        judged = Judged(row, self.board.table.verdict(row, now_timestamp=now_timestamp))
        values = {
            "exporter": self.board.exporter(),
            "event_id": self.board.event_id(overview),
            "past": past,
            "strip": strip(past.states, now_timestamp=now_timestamp),
            **self._facts(judged),
            **self._alert(row.monitor),
            **self._snippets(request, row.monitor),
            "rejections": [
                RejectionLine(one, remedy(one.reason))
                for one in reversed(self.rejections.recent(row.monitor.key))
            ],
        }
        return await self.pages.page(
            "monitor.html", values, root=_ROOT, now_timestamp=now_timestamp
        )

    def _facts(self, judged: Judged) -> dict[str, object]:
        row, verdict = judged
        return {
            "monitor": row.monitor,
            "arming": row.arming,
            "last": row.last_push,
            "verdict": verdict,
            "never": NEVER,
            "reason": reason_text(verdict.reason),
            "next": next_moment(judged),
            "explanation": explanation(judged, readable),
            "links": tuple(self.links().of(row.monitor.key)),
        }

    def _alert(self, monitor: Monitor) -> dict[str, object]:
        settings = self.alerting()
        labels = labels_of(monitor, settings)
        return {
            "alert_labels": labels,
            "fingerprint": fingerprint(labels),
            "runbook_url": monitor.alert_runbook_url or settings.runbook_url,
        }

    def _snippets(self, request: Request, monitor: Monitor) -> dict[str, object]:
        url = push_url(self.pages.facts.push_base_url(request), monitor.key)
        return {"push_url": url, "snippets": snippets(url, monitor.key)}

    async def _unknown(self, now_timestamp: float) -> Answer:
        values = {
            "exporter": self.board.exporter(),
            "heading": "No such monitor",
            "text": "No monitor of this namespace and name is declared. It may have been removed "
            "or renamed; its history is kept for a while, and comes back with it.",
        }
        return await self.pages.page(
            "failure.html",
            values,
            root=_ROOT,
            now_timestamp=now_timestamp,
            status=HTTPStatus.NOT_FOUND,
        )
