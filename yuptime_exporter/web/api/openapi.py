"""The description of the HTTP interface, as OpenAPI 3.1."""

import json
from pathlib import Path

from yuptime_exporter import __version__
from yuptime_exporter.web.api.caching import with_entity_tag
from yuptime_exporter.web.http import Answer, Request, json_answer
from yuptime_exporter.web.router import Handler

_DOCUMENT = Path(__file__).parent / "openapi.json"


def openapi_handler(*, prefix: str, external_url: str | None) -> Handler:
    """Return the handler of `GET /api/v1/openapi.json`.

    Args:
        prefix: the path above all routes; empty, or without a slash at its end.
        external_url: the address of the exporter for its users; None: that of the request.
    """
    document = json.loads(_DOCUMENT.read_text(encoding="utf-8"))
    document["info"]["version"] = __version__

    async def answer_openapi(request: Request) -> Answer:
        url = external_url or f"{request.origin}{prefix}"
        body = {**document, "servers": [{"url": url}]}
        return with_entity_tag(request, json_answer(body))

    return answer_openapi
