"""`yuptime push`: one push, for scripts."""

import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from yuptime_exporter.companion.connection import (
    ATTEMPT_SECONDS,
    Access,
    Call,
    NotReported,
    insist,
    request,
)


def push(
    access: Access,
    monitor: str,
    fields: Mapping[str, object],
    *,
    headers: Mapping[str, str],
    timeout_seconds: float = ATTEMPT_SECONDS,
) -> Any:
    """Send one push; return the answer of the exporter.

    Args:
        access: the exporter.
        monitor: `NAMESPACE/NAME`.
        fields: of the body.
        headers: with the token.
        timeout_seconds: for the whole request.

    Raises:
        NotReported: the exporter did not accept it.
    """
    path = "/api/push/" + "/".join(quote(part, safe="") for part in monitor.split("/"))
    return request(access, Call(path, fields, headers), timeout_seconds=timeout_seconds)


def push_and_say(
    access: Access, monitor: str, fields: Mapping[str, object], *, give_up_seconds: float
) -> int:
    """Push, and print the state and the next due time; return the exit code: 0 accepted, 1 not."""
    try:
        headers = access.bearer()
        answer = insist(
            lambda seconds: push(access, monitor, fields, headers=headers, timeout_seconds=seconds),
            until_monotonic=time.monotonic() + give_up_seconds,
        )
    except NotReported as error:
        sys.stderr.write(f"yuptime push: {monitor}: {error}\n")
        return 1
    sys.stdout.write(f"{answer['monitor']}: {answer['state']}, next due {answer['expiresAt']}\n")
    return 0
