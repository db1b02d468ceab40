"""`yuptime status`: the states of monitors as a table or as JSON."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from yuptime_exporter.companion.access import Access, NotReported
from yuptime_exporter.companion.connection import Call, request
from yuptime_exporter.companion.terminal import printable

_PATH = "/api/v1/monitors"
_LIMIT = 1000
_HEADERS = ("STATE", "MONITOR", "SINCE", "LAST PUSH", "DUE", "EXPLANATION")

DOWN = 1
FAILED = 2


def status(access: Access, filters: Sequence[tuple[str, str]], *, output: str) -> int:
    """Print the monitors; return the exit code: 0 none is down, 1 some are, 2 not known.

    Args:
        access: the exporter, with the user of its web configuration.
        filters: names and values of the query, as in `("namespace", "jobs")`.
        output: `table` or `json`.
    """
    try:
        monitors = list(_monitors(access, filters))
    except NotReported as error:
        sys.stderr.write(f"yuptime status: {error}\n")
        return FAILED
    if output == "json":
        sys.stdout.write(json.dumps(monitors, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(_table(monitors))
    return DOWN if any(one["state"] == "down" for one in monitors) else 0


def _monitors(access: Access, filters: Sequence[tuple[str, str]]) -> Iterable[dict[str, Any]]:
    query = "?" + urlencode([*filters, ("limit", str(_LIMIT))])
    while query:
        page = request(access, Call(_PATH + query, headers=access.basic()))
        try:
            yield from page["monitors"]
            query = page["nextPage"]
        except (LookupError, TypeError):
            raise NotReported(
                f"expected the list of monitors, got other JSON: is {access.url} the exporter?"
            ) from None


def _table(monitors: Sequence[dict[str, Any]]) -> str:
    rows = [_HEADERS, *(_row(one) for one in monitors)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADERS))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(monitor: dict[str, Any]) -> tuple[str, ...]:
    last = monitor["lastPush"] or {}
    cells = (
        monitor["state"],
        f"{monitor['namespace']}/{monitor['name']}",
        monitor["since"],
        last.get("receivedAt", "never"),
        monitor["due"] or "never again",
        monitor["explanation"],
    )
    return tuple(printable(str(cell)) for cell in cells)
