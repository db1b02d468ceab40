"""The description of the HTTP interface, as OpenAPI 3.1."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from yuptime_exporter import __version__
from yuptime_exporter.web.api.caching import with_entity_tag
from yuptime_exporter.web.http import Answer, Request, json_answer
from yuptime_exporter.web.router import Handler

_DOCUMENT = Path(__file__).parent / "openapi.json"


class PushRoute(NamedTuple):
    """A route of another program's push; `path` is a template."""

    dialect: str
    method: str
    path: str


def openapi_handler(
    *, prefix: str, external_url: str | None, push_routes: Iterable[PushRoute] = ()
) -> Handler:
    """Return the handler of `GET /api/v1/openapi.json`.

    Args:
        prefix: the path above all routes; empty, or without a slash at its end.
        external_url: the address of the exporter for its users; None: that of the request.
        push_routes: those that are served besides the native one.
    """
    document = json.loads(_DOCUMENT.read_text(encoding="utf-8"))
    document["info"]["version"] = __version__
    for route in push_routes:
        path = document["paths"].setdefault(route.path, {})
        path[route.method.lower()] = _operation(route)

    async def answer_openapi(request: Request) -> Answer:
        url = external_url or f"{request.origin}{prefix}"
        body = {**document, "servers": [{"url": url}]}
        return with_entity_tag(request, json_answer(body))

    return answer_openapi


def _operation(route: PushRoute) -> dict[str, object]:
    """Describe a push of another program; that program's documentation says the rest."""
    names = re.findall(r"{(\w+)}", route.path)
    words = re.sub(r"\W+", " ", f"{route.method.lower()} {route.dialect} {route.path} ").split()
    slash = ["slash"] if route.path.endswith("/") else []
    return {
        "operationId": "_".join([*words, *slash]),
        "tags": ["push"],
        "summary": f"Report a result of a job as to {route.dialect}.",
        "security": [] if "token" in names else [{"token": []}],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ],
        "responses": {
            "200": {"description": "Durable, and visible to the next scrape."},
            "default": {"description": "Not accepted; the answer has the form of the dialect."},
        },
    }
