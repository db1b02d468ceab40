"""The route of test alerts, for `yuptime test-alert`; a part of the admin API."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from yuptime_exporter.core.model import MonitorKey, Row
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.web.failures import problem
from yuptime_exporter.web.http import Answer, Request, json_answer
from yuptime_exporter.web.router import Handler

log = logging.getLogger(__name__)

MAX_HOLD_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class TestAlerts:
    """Sends and ends the test alert of a monitor.

    Attributes:
        send: is given the monitor and for how many seconds the alert fires; returns the answer.
        end: resolves it; returns the answer.
        urls: the Alertmanagers of a monitor.
    """

    send: Callable[[Row, float], Awaitable[Mapping[str, object]]]
    end: Callable[[Row], Awaitable[Mapping[str, object]]]
    urls: Callable[[Row], Sequence[str]]


def test_alert_handler(table: MonitorTable, alerts: TestAlerts, *, enabled: bool) -> Handler:
    """Return the handler: POST sends the test alert of a monitor, DELETE resolves it.

    Args:
        table: the monitors.
        alerts: sends and ends test alerts.
        enabled: whether `--web.enable-admin-api` was given.
    """

    async def answer_test_alert(request: Request) -> Answer:
        if not enabled:
            return problem(
                HTTPStatus.FORBIDDEN,
                "the admin API is not enabled; start with --web.enable-admin-api",
            )
        key = MonitorKey(request.parameters["namespace"], request.parameters["name"])
        row = table.row(key)
        if row is None:
            return problem(HTTPStatus.NOT_FOUND, f"there is no monitor {key}")
        if not alerts.urls(row):
            return problem(
                HTTPStatus.CONFLICT,
                "no Alertmanager is configured: give --alertmanager.url, alertmanagers in "
                "--config.file, or spec.alerting.alertmanagerUrl of the monitor",
            )
        if request.method == "DELETE":
            log.info("test alert ended", extra={"monitor": str(key)})
            return json_answer(await alerts.end(row))
        hold_seconds = _hold_seconds(request)
        if hold_seconds is None:
            return problem(
                HTTPStatus.BAD_REQUEST,
                f"holdSeconds: expected a number from 0 to {MAX_HOLD_SECONDS:g}",
            )
        log.info("test alert sent", extra={"monitor": str(key), "hold_seconds": hold_seconds})
        return json_answer(await alerts.send(row, hold_seconds))

    return answer_test_alert


def _hold_seconds(request: Request) -> float | None:
    """Return for how long the alert is to fire; None if the query cannot be read."""
    values = request.query_values("holdSeconds") or ["0"]
    try:
        (hold_seconds,) = map(float, values)
    except ValueError:
        return None
    return hold_seconds if 0 <= hold_seconds <= MAX_HOLD_SECONDS else None
