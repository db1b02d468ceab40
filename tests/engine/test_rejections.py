"""Rejections: each is counted, logged within limits, and kept for the page of its monitor."""

import logging
import re
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from tests.core.examples import KEY, monitor
from tests.engine.parts import table_of
from tests.exporters import StandingClock
from tests.waiting import eventually
from yuptime_exporter.core.errors import (
    MalformedPush,
    NotAuthenticated,
    NotReady,
    Rejection,
    RejectionReason,
    RequestUnreadable,
)
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.engine.rejections import KEPT_REJECTIONS, LogLimits, Rejections, remedy
from yuptime_exporter.metrics.pushes import PushMetrics
from yuptime_exporter.settings.shapes import LimitsSection

START = 1000.0
QUICK = LogLimits(quiet_seconds=0.1, write_seconds=0.01)


class Desk:
    """Rejections with the counters and the log behind them."""

    def __init__(
        self, caplog: pytest.LogCaptureFixture, *names: str, limits: LogLimits = QUICK
    ) -> None:
        caplog.set_level(logging.INFO)
        self._caplog = caplog
        self.registry = CollectorRegistry()
        self.table = table_of(*(monitor(name) for name in names or ("backup",)), at=START)
        self.rejections = Rejections(
            self.table,
            metrics=PushMetrics(self.registry),
            clock=StandingClock(START),
            limits=limits,
        )

    def record(
        self,
        rejection: Rejection | None = None,
        key: MonitorKey = KEY,
        *,
        token_sent: bool = True,
        times: int = 1,
    ) -> None:
        for _ in range(times):
            self.rejections.record(key, rejection or NotAuthenticated(), token_sent=token_sent)

    def counted(self, reason: RejectionReason) -> float | None:
        return self.registry.get_sample_value("yuptime_pushes_rejected_total", {"reason": reason})

    def lines(self) -> Sequence[logging.LogRecord]:
        return self._caplog.records

    async def written(self, count: int) -> Sequence[logging.LogRecord]:
        """Return the lines of the log once there are so many."""

        async def found() -> Sequence[logging.LogRecord]:
            return self.lines()

        return await eventually(found, lambda lines: len(lines) >= count)


async def test_a_rejection_is_logged_with_its_monitor_reason_and_remedy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(caplog)
    desk.record(MalformedPush("status: expected up or down, got another value"))
    (line,) = await desk.written(1)

    assert (line.levelname, line.getMessage()) == ("WARNING", "push rejected")
    fields = line.__dict__
    assert (fields["monitor"], fields["reason"]) == ("prod/backup", "malformed")
    assert fields["err"] == "status: expected up or down, got another value"
    assert "docs/push.md" in fields["remedy"]
    assert desk.counted(RejectionReason.MALFORMED) == 1
    assert desk.table.rejected_total(KEY) == 1


@pytest.mark.parametrize(
    ("token_sent", "says"),
    [(True, "the token is none of the monitor's"), (False, "no token was sent")],
)
async def test_the_log_says_of_a_known_monitor_what_is_wrong_with_the_token(
    token_sent: bool, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(caplog)
    desk.record(token_sent=token_sent)
    (line,) = await desk.written(1)

    assert line.__dict__["err"] == says
    assert "Secret" in line.__dict__["remedy"]
    assert desk.table.rejected_total(KEY) == 0  # a stranger must not alarm the job's owner


async def test_many_rejections_of_a_kind_are_counted_in_one_line_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(caplog)
    desk.record()
    await desk.written(1)
    desk.record(times=41)
    lines = await desk.written(2)

    assert lines[1].getMessage() == "push rejected: 41 more like this in the last minute"
    assert desk.counted(RejectionReason.UNAUTHORIZED) == 42


async def test_every_reason_of_a_monitor_has_lines_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(caplog)
    desk.record()
    desk.record(MalformedPush("no JSON"))
    lines = await desk.written(2)

    assert {line.__dict__["reason"] for line in lines} == {"unauthorized", "malformed"}


async def test_strangers_share_lines_that_name_only_harmless_names(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(caplog)
    for number in range(1000):
        desk.record(key=MonitorKey("jobs", f"guess{number}"))
    desk.record(key=MonitorKey("x\nlevel=ERROR", "y" * 9000))
    desk.rejections.write_all()
    (line,) = desk.lines()

    assert (line.levelname, line.__dict__["count"]) == ("INFO", 1001)
    assert "jobs/guess0" in line.__dict__["monitors"]
    assert len(line.__dict__["monitors"]) < 200


@pytest.mark.parametrize("name", ["a\nb", "a b", "", "\x1b[2J", "x" * 300, "größe", "a%0ab"])
async def test_a_name_that_no_monitor_can_have_is_not_repeated(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(caplog)
    desk.record(key=MonitorKey("jobs", name))
    desk.rejections.write_all()

    assert desk.lines()[0].__dict__["monitors"] == "(no valid name)"


async def test_lines_are_few_a_second_and_those_of_jobs_with_a_token_come_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = [f"m{number}" for number in range(20)]
    limits = LogLimits(write_seconds=0.01, lines_at_once=3)
    desk = Desk(caplog, *names, limits=limits)
    for name in names:
        desk.record(key=MonitorKey("prod", name))
    desk.record(MalformedPush("no JSON"), key=MonitorKey("prod", "m19"))
    first = [line.__dict__["reason"] for line in (await desk.written(3))[:3]]
    lines = await desk.written(21)

    assert first == ["malformed", "unauthorized", "unauthorized"]
    assert {line.__dict__["monitor"] for line in lines} == {f"prod/{name}" for name in names}


async def test_a_request_that_is_no_http_is_counted_and_logged_once_a_second(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(caplog)
    for _ in range(500):
        desk.rejections.record_unreadable(RequestUnreadable("expected HTTP, got TLS"))

    assert desk.counted(RejectionReason.MALFORMED_HTTP) == 500
    assert [line.levelname for line in desk.lines()] == ["INFO"]


async def test_the_last_rejections_of_a_monitor_are_kept_until_it_is_removed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(caplog)
    desk.record(MalformedPush("no JSON"))
    desk.record(times=KEPT_REJECTIONS - 1)
    full = desk.rejections.recent(KEY)
    desk.record()
    after = desk.rejections.recent(KEY)
    desk.rejections.forget_unless(lambda _: False)

    assert (full[0].reason, full[0].detail, full[0].timestamp) == ("malformed", "no JSON", START)
    assert len(after) == KEPT_REJECTIONS
    assert {one.reason for one in after} == {RejectionReason.UNAUTHORIZED}
    assert desk.rejections.recent(KEY) == ()


async def test_nothing_is_kept_for_monitors_that_do_not_exist(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(caplog)
    unknown = MonitorKey("jobs", "guess")
    desk.record(key=unknown)

    assert desk.rejections.recent(unknown) == ()


async def test_a_push_before_monitors_are_known_is_not_said_to_name_an_unknown_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(caplog)
    desk.record(NotReady("not ready: monitors are being listed"), MonitorKey("prod", "other"))
    (line,) = await desk.written(1)

    assert line.getMessage() == "push rejected before its monitor is known"
    assert line.__dict__["monitors"] == "prod/other"


def test_the_remedy_for_too_many_pushes_names_the_key_of_the_configuration() -> None:
    named = re.search(r"limits\.(\w+) in --config.file", remedy(RejectionReason.RATE_LIMITED))

    assert named is not None
    assert named[1] in LimitsSection.model_fields
