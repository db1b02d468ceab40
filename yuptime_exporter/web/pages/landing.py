"""The page at the root: links, and the command that pushes.

The links are relative, so that they lead somewhere behind a proxy that removes a prefix.
"""

from html import escape

from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.pages.frame import page
from yuptime_exporter.web.router import Handler

_BODY = """<p>Version {version}. It receives the pushes of jobs and tells Prometheus which did not come.</p>
<ul>
<li><a href="{telemetry_path}">Metrics</a></li>
<li><a href="-/healthy">Health</a> and <a href="-/ready">readiness</a></li>
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
        prefix: the path above all routes; empty, or without a slash at its end.
        telemetry_path: the path of the metrics, below the prefix.
        external_url: the address of the exporter for its users; None: the page shows the address
            of its own request.
    """

    async def landing(request: Request) -> Answer:
        url = external_url or f"{request.origin}{prefix}"
        body = _BODY.format(
            version=escape(version),
            telemetry_path=escape(telemetry_path.lstrip("/")),
            url=escape(url),
        )
        return page("yuptime-exporter", body)

    return landing
