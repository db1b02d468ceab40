"""`yuptime push`: one push, for scripts."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from yuptime_exporter.companion.access import Access, NotReported
from yuptime_exporter.companion.connection import Call, insist, request


def push(
    access: Access,
    monitor: str,
    fields: Mapping[str, object],
    *,
    until_monotonic: float,
    is_over: Callable[[float], bool] | None = None,
) -> Any:
    """Send one push, again and again until it is accepted; return the answer of the exporter.

    Args:
        access: the exporter.
        monitor: `NAMESPACE/NAME`.
        fields: of the body.
        until_monotonic: no attempt begins after this moment of `time.monotonic`.
        is_over: waits for these seconds; returns whether to give up. None: only waits.

    Raises:
        NotReported: the exporter did not accept the push.
    """
    path = "/api/push/" + "/".join(quote(part, safe="") for part in monitor.split("/"))
    call = Call(path, fields, access.bearer())
    return insist(
        lambda seconds: request(access, call, timeout_seconds=seconds),
        until_monotonic=until_monotonic,
        is_over=is_over,
    )


def push_and_say(
    access: Access, monitor: str, fields: Mapping[str, object], *, give_up_seconds: float
) -> int:
    """Push, and print the state and the next due time; return the exit code: 0 accepted, 1 not."""
    try:
        answer = push(access, monitor, fields, until_monotonic=time.monotonic() + give_up_seconds)
    except NotReported as error:
        sys.stderr.write(f"yuptime push: {monitor}: {error}\n")
        return 1
    sys.stdout.write(f"{answer['monitor']}: {answer['state']}, next due {answer['expiresAt']}\n")
    return 0
