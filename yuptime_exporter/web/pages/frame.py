"""The frame of every page: one style for light and dark, and no script."""

from html import escape

from yuptime_exporter.web.http import HTML, Answer

_FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: system-ui, sans-serif; line-height: 1.5; margin: 3rem auto; max-width: 42rem;
  padding: 0 1rem; color: #1b1f24; background: #fff; }}
code, pre {{ background: #f2f4f6; border-radius: 4px; padding: .1rem .3rem; }}
pre {{ padding: .8rem 1rem; overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .35rem 1rem .35rem 0;
  border-bottom: 1px solid #d8dde3; }}
td {{ overflow-wrap: anywhere; white-space: pre-wrap; }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e6e8ea; background: #15181c; }} a {{ color: #8ab4ff; }}
  code, pre {{ background: #22272e; }} th, td {{ border-color: #353c45; }}
}}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""

# These pages run no script and load nothing, even if the message of a job asks for it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(title: str, body: str) -> Answer:
    """Return a page.

    Args:
        title: plain text.
        body: HTML, in which every text of others is escaped.
    """
    html = _FRAME.format(title=escape(title), body=body)
    return Answer(
        body=html.encode(), content_type=HTML, headers={"Content-Security-Policy": _POLICY}
    )
