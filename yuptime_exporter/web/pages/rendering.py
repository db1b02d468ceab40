"""HTML from the templates, in which every text of others is escaped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, pass_context
from jinja2.runtime import Context

from yuptime_exporter import __version__
from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.cron_times import NEVER
from yuptime_exporter.moments import readable, rfc3339
from yuptime_exporter.web.api.representation import Visibility
from yuptime_exporter.web.http import HTML, Answer, Request
from yuptime_exporter.web.pages.relative import percent, relative, seconds_text
from yuptime_exporter.web.pages.static_files import StaticFiles

# How many problems of manifests a page lists; the log has all of them.
SHOWN_PROBLEMS = 20

_TEMPLATES = Path(__file__).parent / "templates"

# A page loads nothing from elsewhere and runs no script in its text, even if the message of a job
# asks for it; no other site may show it in a frame.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class ExporterFacts:
    """The facts about this exporter that every page may show.

    Attributes:
        prefix: the path above all routes; empty, or without a slash at its end.
        telemetry_path: of the metrics, below the prefix.
        external_url: the address of the exporter for its users; None: that of the request.
        push_port: of the listener that serves pushes; None: that of the pages.
        cluster: whether monitors come from Kubernetes.
        is_open: whether pages need neither a password nor a certificate of the client.
    """

    prefix: str
    telemetry_path: str
    external_url: str | None
    visibility: Visibility
    push_port: int | None = None
    cluster: bool = False
    is_open: Callable[[], bool] = lambda: True

    def url(self, request: Request) -> str:
        """Return the address of the exporter as its users know it, without a slash at its end."""
        return self.external_url or f"{request.origin}{self.prefix}"

    def push_base_url(self, request: Request) -> str:
        """Return the address to which jobs push; a proxy has one address for pages and pushes."""
        if self.external_url or self.push_port is None:
            return self.url(request)
        parts = urlsplit(request.origin)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}:{self.push_port}{self.prefix}"


class Pages:
    """Renders the templates."""

    def __init__(self, facts: ExporterFacts, static_files: StaticFiles) -> None:
        self.facts = facts
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "rfc3339": rfc3339,
            "readable": readable,
            "relative": _relative,
            "seconds": seconds_text,
            "percent": percent,
        }
        self._environment.globals |= {
            "version": __version__,
            "telemetry_path": facts.telemetry_path.lstrip("/"),
            "visibility": facts.visibility,
            "is_open": facts.is_open,
            "never": NEVER,
            "shown_problems": SHOWN_PROBLEMS,
        }
        self._static_files = static_files

    async def page(
        self,
        template: str,
        values: Mapping[str, object],
        *,
        root: str,
        now_timestamp: float,
        status: int = HTTPStatus.OK,
    ) -> Answer:
        """Return a page, rendered in short turns on the event loop.

        Args:
            template: the name of its file.
            values: of the template; texts are escaped there.
            root: the way from the page to the root, such as `../../`; empty for the root itself.
                Links are relative, so that they lead somewhere behind a proxy that removes a path.
            now_timestamp: the moment that the page shows.
            status: of the answer.
        """
        found: Template = self._environment.get_template(template)
        parts, turn = [], Turn()
        for part in found.generate(
            values,
            root=root,
            now=now_timestamp,
            asset=lambda name: f"{root}{self._static_files.path(name)}",
        ):
            parts.append(part)
            if turn.is_over():
                await turn.pass_on()
        return Answer(status, "".join(parts).encode(), HTML, _HEADERS)


@pass_context
def _relative(context: Context, timestamp: float) -> str:
    return relative(timestamp, now_timestamp=context["now"])
