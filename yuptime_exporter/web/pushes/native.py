"""A push: bytes from strangers in, a receipt out. Nothing is read before the token is checked."""

import asyncio
import json
from typing import Literal
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, ValidationError

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import (
    BodyTimeout,
    BodyTooLarge,
    LengthRequired,
    MalformedPush,
    PushRejected,
    UnsupportedBody,
)
from yuptime_exporter.core.model import MonitorKey, Push, PushKind
from yuptime_exporter.engine.receiver import Receipt, Receiver
from yuptime_exporter.engine.renewal import TokenRenewal
from yuptime_exporter.moments import rfc3339

# A message of 1,024 characters is at most 12 KiB of escaped JSON; the rest is room for jobs that
# send their whole log by mistake and should be told so in words.
MAX_BODY_BYTES = 64 * 1024

# Long enough for the last lines of a failing job, short enough for an alert's annotation.
MAX_MESSAGE_CHARS = 1024

# 64 KiB need 6.5 s at 10 kB/s, slower than any link that a job would run behind.
BODY_TIMEOUT_SECONDS = 10.0

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_ALLOWED_STATUS = 'allowed is "up" or "down"'


class PushBody(BaseModel):
    """The JSON object, or the form, that a job sends; an empty one means up."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    status: Literal["up", "down"] = "up"
    message: str = ""


def push_handler(receiver: Receiver, *, renewal: TokenRenewal | None, clock: Clock) -> Handler:
    """Return the handler of `POST /api/push/{namespace}/{name}`.

    Args:
        receiver: takes what is pushed.
        renewal: looks again at a token that does not match; None: nothing could have changed.
        clock: gives the moment of receipt.
    """

    async def push(request: web.Request) -> web.Response:
        key = MonitorKey(request.match_info["namespace"], request.match_info["name"])
        token = _bearer_token(request)
        if renewal is None:
            receiver.admit(key, token)
        else:
            await renewal.authenticate(key, token)
        try:
            body = await _read_body(request)
            content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
            parsed = parse_push(body, content_type, received_timestamp=clock())
        except PushRejected:
            receiver.note_rejected(key)
            raise
        receipt = await receiver.accept(key, parsed)
        return web.json_response(_answer(receipt, parsed))

    return push


def parse_push(body: bytes, content_type: str, *, received_timestamp: float) -> Push:
    """Read a body: nothing, JSON, or a form; `curl -d '{…}'` sends JSON under a form's type.

    Raises:
        UnsupportedBody: another media type.
        MalformedPush: not what a push may be.
    """
    if not body.strip():
        return Push(PushKind.UP, received_timestamp)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ("", _JSON, _FORM):
        raise UnsupportedBody(
            f"Content-Type: found {media_type[:100]!r}, allowed are {_JSON} and {_FORM}"
        )
    looks_like_json = body.lstrip()[:1] in (b"{", b"[", b'"')
    fields = _form_as_json(body) if media_type == _FORM and not looks_like_json else body
    try:
        parsed = PushBody.model_validate_json(fields)
    except ValidationError as error:
        raise MalformedPush(_explain(error)) from None  # the cause would carry the client's bytes
    if parsed.model_fields_set and "status" not in parsed.model_fields_set:
        raise MalformedPush(f"status: missing; {_ALLOWED_STATUS}")
    message = parsed.message
    return Push(
        PushKind(parsed.status),
        received_timestamp,
        message[:MAX_MESSAGE_CHARS],
        message_truncated=len(message) > MAX_MESSAGE_CHARS,
    )


def _bearer_token(request: web.Request) -> bytes | None:
    """Return the token of `Authorization: Bearer TOKEN` (RFC 6750); None unless there is just one."""
    values = request.headers.getall(hdrs.AUTHORIZATION, ())
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return None
    return token.encode("utf-8", "surrogateescape")  # as the bytes arrived


async def _read_body(request: web.Request) -> bytes:
    if hdrs.TRANSFER_ENCODING in request.headers:
        raise LengthRequired("send the body with a Content-Length, not in chunks")
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "identity")
    if coding.strip().lower() != "identity":
        raise UnsupportedBody(f"Content-Encoding: found {coding[:100]!r}, allowed is none")
    length = request.content_length or 0
    if length > MAX_BODY_BYTES:
        raise BodyTooLarge(f"the body has {length} bytes, allowed are {MAX_BODY_BYTES}")
    if request.content.is_eof():  # all of it came with the head, as from curl
        return await request.read()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            return await request.read()
    except TimeoutError:
        raise BodyTimeout(
            f"the body of {length} bytes did not arrive within {BODY_TIMEOUT_SECONDS:g} s"
        ) from None


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
            "the body is neither JSON nor a form; send "
            '\'{"status": "up", "message": "…"}\' or \'status=up&message=…\''
        ) from None
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise MalformedPush("a field of the form is given twice; give each once")
    return json.dumps(dict(pairs)).encode()


def _explain(error: ValidationError) -> str:
    """Say which field is wrong and what is allowed, without repeating what the client sent."""
    return "; ".join(
        _explain_one(details["type"], details["loc"])
        for details in error.errors(include_url=False, include_context=False, include_input=False)[
            :5
        ]
    )


def _explain_one(kind: str, location: tuple[int | str, ...]) -> str:
    field = str(location[0])[:100] if location else ""
    match kind:
        case "literal_error":
            return f"{field}: {_ALLOWED_STATUS}"
        case "string_type":
            return f"{field}: must be a string"
        case "extra_forbidden":
            return f"{field!r}: unknown field; allowed are status and message"
        case "model_type":
            return 'the body must be a JSON object such as {"status": "up"}'
        case _:
            return "the body is not JSON in UTF-8"


def _answer(receipt: Receipt, push: Push) -> dict[str, str | bool]:
    verdict = receipt.verdict
    last_push = receipt.row.last_push
    received = last_push.received_timestamp if last_push else 0.0
    answer: dict[str, str | bool] = {
        "monitor": str(receipt.row.monitor.key),
        "state": verdict.state,
        "receivedAt": rfc3339(received),
        "expiresAt": rfc3339(verdict.expires_timestamp),
        "deadline": rfc3339(verdict.deadline_timestamp),
    }
    if push.message_truncated:
        answer["messageTruncated"] = True
    return answer
