"""Entity tags: a client that has the newest body gets 304 and no body (RFC 9110, section 13)."""

import hashlib
from http import HTTPStatus

from yuptime_exporter.web.http import Answer, Request

_TAG_CHARS = 22

# Every use asks whether the body is still the newest; no shared cache keeps what may be private.
REVALIDATED = "private, no-cache"


def with_entity_tag(request: Request, answer: Answer, *, cache: str = REVALIDATED) -> Answer:
    """Return the answer with the tag of its body, or 304 if the client has that body already."""
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:_TAG_CHARS]}"'
    headers = {**answer.headers, "ETag": tag, "Cache-Control": cache}
    if _has(request.header_list("If-None-Match"), tag):
        return answer.replace(status=HTTPStatus.NOT_MODIFIED, body=b"", headers=headers)
    return answer.replace(headers=headers)


def _has(known: str, tag: str) -> bool:
    """Return whether a list of entity tags contains this one, compared weakly."""
    tags = [one.strip().removeprefix("W/") for one in known.split(",")]
    return tag in tags or tags == ["*"]
