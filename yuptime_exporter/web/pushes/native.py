"""The native push: `POST /api/push/{namespace}/{name}` with a bearer token, JSON or a form."""

import json
from typing import Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError

from yuptime_exporter.core.errors import MalformedPush, UnsupportedBody
from yuptime_exporter.core.model import Push, PushKind
from yuptime_exporter.engine.receiver import Receipt
from yuptime_exporter.moments import rfc3339
from yuptime_exporter.web.http import Answer, Request, json_answer
from yuptime_exporter.web.pushes.exchange import Dialect

# Long enough for the last lines of a failing job, short enough for an alert's annotation.
MAX_MESSAGE_CHARS = 1024

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_EXPECTED_STATUS = 'status: expected "up" or "down"'


class PushBody(BaseModel):
    """The JSON object, or the form, that a job sends; an empty one means up."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    status: Literal["up", "down"] = "up"
    message: str = ""


def bearer_token(request: Request) -> bytes | None:
    """Return the token of `Authorization: Bearer TOKEN` (RFC 6750); None unless there is just one."""
    values = request.headers.getall("Authorization", ())
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return None
    return token.encode("utf-8", "surrogateescape")  # as the bytes arrived


def parse_push(body: bytes, content_type: str, *, received_timestamp: float) -> Push:
    """Read a body: nothing, JSON, or a form; `curl -d '{…}'` sends JSON under a form's type.

    Raises:
        UnsupportedBody: another media type.
        MalformedPush: the body is not a valid push.
    """
    if not body.strip():
        return Push(PushKind.UP, received_timestamp)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ("", _JSON, _FORM):
        raise UnsupportedBody(f"Content-Type: expected {_JSON} or {_FORM}, got another")
    looks_like_json = body.lstrip()[:1] in (b"{", b"[", b'"')
    fields = _form_as_json(body) if media_type == _FORM and not looks_like_json else body
    try:
        parsed = PushBody.model_validate_json(fields)
    except ValidationError as error:
        raise MalformedPush(_explain(error)) from None  # the cause would carry the client's bytes
    if parsed.model_fields_set and "status" not in parsed.model_fields_set:
        raise MalformedPush(f"{_EXPECTED_STATUS}, got no status")
    message = parsed.message
    return Push(
        PushKind(parsed.status),
        received_timestamp,
        message[:MAX_MESSAGE_CHARS],
        message_truncated=len(message) > MAX_MESSAGE_CHARS,
    )


def _parse(request: Request, body: bytes, received_timestamp: float) -> Push:
    content_type = request.headers.get("Content-Type", "")
    return parse_push(body, content_type, received_timestamp=received_timestamp)


def _form_as_json(body: bytes) -> bytes:
    """Return the fields of a form as a JSON object, so that one model reads both."""
    try:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=10,
            errors="strict",
        )
    except ValueError:
        raise MalformedPush(
            'body: expected JSON such as {"status": "up", "message": "…"} or a form such as '
            "status=up&message=…, got neither"
        ) from None
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise MalformedPush("form: expected each field once, got a field twice")
    return json.dumps(dict(pairs)).encode()


def _explain(error: ValidationError) -> str:
    """Name each wrong field and its expected value, without repeating a value of the client."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(_explain_one(details["type"], details["loc"]) for details in errors[:5])


def _explain_one(kind: str, location: tuple[int | str, ...]) -> str:
    field = str(location[0])[:100] if location else ""
    match kind:
        case "literal_error":
            return f"{_EXPECTED_STATUS}, got another value"
        case "string_type":
            return f"{field}: expected a string, got another type"
        case "extra_forbidden":
            return f"field: expected status or message, got {field!r}"
        case "model_type":
            return 'body: expected a JSON object such as {"status": "up"}'
        case _:
            return "body: expected JSON in UTF-8"


def _answer(receipt: Receipt, push: Push) -> Answer:
    verdict = receipt.verdict
    last_push = receipt.row.last_push
    received = last_push.received_timestamp if last_push else 0.0
    answer: dict[str, str | bool] = {
        "monitor": str(receipt.row.monitor.key),
        "state": verdict.state,
        "receivedAt": rfc3339(received),
        "expiresAt": rfc3339(verdict.due_timestamp),
        "deadline": rfc3339(verdict.deadline_timestamp),
    }
    if push.message_truncated:
        answer["messageTruncated"] = True
    return json_answer(answer)


NATIVE = Dialect(
    routes=(("POST", "/api/push/{namespace}/{name}"),),
    token=bearer_token,
    parse=_parse,
    answer=_answer,
)
