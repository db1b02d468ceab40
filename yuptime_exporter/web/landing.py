"""The page at the root: what this is, and where to go from here."""

from html import escape

from aiohttp import web
from aiohttp.typedefs import Handler

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>yuptime-exporter</title>
<style>
body {{ font-family: system-ui, sans-serif; line-height: 1.5; margin: 3rem auto; max-width: 42rem;
  padding: 0 1rem; color: #1b1f24; background: #fff; }}
code, pre {{ background: #f2f4f6; border-radius: 4px; padding: .1rem .3rem; }}
pre {{ padding: .8rem 1rem; overflow-x: auto; }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e6e8ea; background: #15181c; }} a {{ color: #8ab4ff; }}
  code, pre {{ background: #22272e; }}
}}
</style>
</head>
<body>
<h1>yuptime-exporter</h1>
<p>Version {version}. It receives the pushes of jobs and tells Prometheus which did not come.</p>
<ul>
<li><a href="{prefix}{telemetry_path}">Metrics</a></li>
<li><a href="{prefix}/-/healthy">Health</a> and <a href="{prefix}/-/ready">readiness</a></li>
</ul>
<p>A job reports with</p>
<pre>curl -X POST {url}/api/push/NAMESPACE/NAME \\
  -H "Authorization: Bearer TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{{"status": "up", "message": "Backup completed"}}'</pre>
</body>
</html>
"""


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
        page = _PAGE.format(
            version=escape(version),
            prefix=escape(prefix),
            telemetry_path=escape(telemetry_path),
            url=escape(url),
        )
        return web.Response(text=page, content_type="text/html")

    return landing
