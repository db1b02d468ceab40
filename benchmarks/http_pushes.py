"""Pushes as bytes, as clients send them."""

import json
from collections.abc import Callable, Sequence

from benchmarks.targets import NAMESPACE, name_of, names
from tests.manifests import TOKEN

_TOKEN = f"Authorization: Bearer {TOKEN}\r\n"


def exporter_requests(
    monitors: int,
    *,
    first: int = 0,
    body: bytes = b'{"status": "up"}',
    headers: Callable[[], str] = str,
    close: bool = False,
) -> tuple[bytes, ...]:
    """Return an authenticated push to each monitor from the first on, with the headers of curl.

    Args:
        monitors: number of monitors.
        first: number of the first.
        body: of each push.
        headers: returns the lines that a proxy adds to one push.
        close: whether each push ends its connection.
    """
    lines = f"{_TOKEN}Content-Type: application/json\r\n"
    paths = [f"/api/push/{NAMESPACE}/{name_of(first + number)}" for number in range(monitors)]
    return tuple(_request(path, headers() + lines, body, close=close) for path in paths)


def different_requests(monitors: int, *, each: int, run_fields: Sequence[str]) -> tuple[bytes, ...]:
    """Return this number of pushes to each monitor, of which no two say the same.

    Args:
        monitors: number of monitors.
        each: number of pushes to a monitor.
        run_fields: of `runId`, `durationSeconds` and `exitCode`, those that each push has.
    """
    requests: list[bytes] = []
    for number in range(each * monitors):
        push: dict[str, object] = {"status": "up", "message": f"{number} files copied"}
        run = {"runId": f"run-{number}", "durationSeconds": number / 8, "exitCode": 0}
        push |= {field: run[field] for field in run_fields}
        requests += exporter_requests(1, first=number % monitors, body=json.dumps(push).encode())
    return tuple(requests)


def empty_requests(monitors: int) -> tuple[bytes, ...]:
    """Return a push without a body to each monitor, as `curl -X POST` sends it."""
    paths = [f"/api/push/{NAMESPACE}/{name}" for name in names(monitors)]
    return tuple(_request(path, _TOKEN) for path in paths)


def ping_requests(monitors: int) -> tuple[bytes, ...]:
    """Return a ping of healthchecks for each monitor."""
    paths = [f"/ping/{TOKEN}/{name}" for name in names(monitors)]
    return tuple(_request(path, method="GET") for path in paths)


def pushgateway_requests(monitors: int, *, close: bool = False) -> tuple[bytes, ...]:
    """Return a push of three gauges to the group of each job: the closest to a push of ours."""
    body = (
        b"job_last_push_timestamp_seconds 1.7000000001234e+09\n"
        b"job_last_success_timestamp_seconds 1.7000000001234e+09\njob_up 1\n"
    )
    paths = [f"/metrics/job/{name}/namespace/{NAMESPACE}" for name in names(monitors)]
    return tuple(
        _request(path, "Content-Type: text/plain\r\n", body, close=close) for path in paths
    )


def _request(
    path: str,
    lines: str = "",
    body: bytes | None = None,
    *,
    close: bool = False,
    method: str = "POST",
) -> bytes:
    closing = "Connection: close\r\n" if close else ""
    length = "" if body is None else f"Content-Length: {len(body)}\r\n"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: benchmark\r\n"
        f"Accept: */*\r\n{lines}{closing}{length}\r\n"
    )
    return head.encode() + (body or b"")
