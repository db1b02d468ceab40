"""The page at the root: what this is, and where to go from here."""

from html import escape

from aiohttp import web
from aiohttp.typedefs import Handler

from yuptime_exporter.web.pages.frame import page

_BODY = """<p>Version {version}. It receives the pushes of jobs and tells Prometheus which did not come.</p>
<ul>
<li><a href="{prefix}{telemetry_path}">Metrics</a></li>
<li><a href="{prefix}/-/healthy">Health</a> and <a href="{prefix}/-/ready">readiness</a></li>
</ul>
<p>A job reports with</p>
<pre>curl -X POST {url}/api/push/NAMESPACE/NAME \\
  -H "Authorization: Bearer TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{{"status": "up", "message": "Backup completed"}}'</pre>"""


def landing_handler(
    *, version: str, prefix: str, telemetry_path: str, external_url: str | None
) -> Handler:
    """Return the handler of the page at the root.

    Args:
        version: of the program.
        prefix: the path below which everything is served; empty, or without a slash at its end.
        telemetry_path: where the metrics are, below the prefix.
        external_url: how the exporter is reached from outside; None: as the page was asked for.
    """

    async def landing(request: web.Request) -> web.Response:
        url = external_url or f"{request.scheme}://{request.host}{prefix}"
        body = _BODY.format(
            version=escape(version),
            prefix=escape(prefix),
            telemetry_path=escape(telemetry_path),
            url=escape(url),
        )
        return page("yuptime-exporter", body)

    return landing
