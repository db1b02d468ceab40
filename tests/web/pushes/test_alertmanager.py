"""Notifications of Alertmanager: firing is a heartbeat, resolved changes nothing."""

import json
from typing import Any

import pytest

from tests.web.requests import request
from yuptime_exporter.core.errors import (
    MalformedPush,
    NotAuthenticated,
    RateLimited,
    StoreUnavailable,
)
from yuptime_exporter.core.model import PushKind
from yuptime_exporter.web.pushes.alertmanager import ALERTMANAGER
from yuptime_exporter.web.pushes.exchange import Report


def parsed(**fields: Any) -> Report:
    body = {"version": "4", "status": "firing", "alerts": [], **fields}
    return ALERTMANAGER.parse(request("POST"), json.dumps(body).encode())


def test_a_firing_alert_is_up_with_its_summary_or_its_name() -> None:
    annotations, labels = {"summary": "The chain works"}, {"alertname": "Watchdog"}
    assert parsed(commonAnnotations=annotations, commonLabels=labels).message == "The chain works"
    assert parsed(commonAnnotations={}, commonLabels=labels).message == "Watchdog"
    assert parsed(commonAnnotations=None, commonLabels=[]) == Report(PushKind.UP)


def test_a_resolved_alert_is_kept_in_the_history_and_changes_nothing() -> None:
    assert parsed(status="resolved").kind is PushKind.LOG


@pytest.mark.parametrize("status", ["", "up", "Firing", None, True, ["firing"]])
def test_every_other_status_is_refused(status: object) -> None:
    with pytest.raises(MalformedPush, match=r"^status: expected"):
        parsed(status=status)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b'{"version":"3"}', b"\xff", b"[" * 100_000, b"9" * 5000]
)
def test_another_body_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedPush, match=r"^body: expected"):
        ALERTMANAGER.parse(request("POST"), body)


def test_whatever_may_succeed_later_is_answered_so_that_alertmanager_repeats_it() -> None:
    limited = ALERTMANAGER.rejected(RateLimited("slower", retry_after_seconds=3))

    assert (limited.status, limited.headers["Retry-After"]) == (503, "3")
    assert ALERTMANAGER.rejected(StoreUnavailable("disk full")).status == 503
    assert ALERTMANAGER.rejected(NotAuthenticated()).status == 401
    assert ALERTMANAGER.rejected(MalformedPush("what")).status == 400
