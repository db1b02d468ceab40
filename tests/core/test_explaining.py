"""The sentence that explains a state, and the next change."""

import pytest

from yuptime_exporter.core.evaluation import judge
from yuptime_exporter.core.explaining import Change, explanation, next_change
from yuptime_exporter.core.model import (
    Arming,
    Judged,
    LastPush,
    Monitor,
    MonitorKey,
    PushKind,
    Row,
    State,
    TokenRef,
)
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.runs import Run, Runs
from yuptime_exporter.core.schedules import Every

MONITOR = Monitor(
    MonitorKey("jobs", "backup"), TokenRef("s", "k"), schedule=Every(100), grace_seconds=10
)
UP = LastPush(PushKind.UP, received_timestamp=50, since_timestamp=50, last_success_timestamp=50)
DOWN = UP.replace(status=PushKind.DOWN)
RUNNING = UP.replace(runs=Runs(open=(Run("", 60, 60),), last_start_timestamp=60))


def judged(last: LastPush | None, now: float, monitor: Monitor = MONITOR) -> Judged:
    row = Row(monitor, Arming(0), last)
    return Judged(row, judge(row, Outages(), now_timestamp=now))


def told(seconds: float) -> str:
    return f"t{seconds:g}"


@pytest.mark.parametrize(
    ("one", "sentence", "change"),
    [
        (
            judged(UP, 60),
            (
                "The last push, at t50, said up. The next push is due at t150; without one the monitor "
                "is late then, and down at t160."
            ),
            Change(State.LATE, 150),
        ),
        (
            judged(UP, 60, MONITOR._replace(grace_seconds=0)),
            (
                "The last push, at t50, said up. The next push is due at t150; without one the monitor "
                "is down then."
            ),
            Change(State.DOWN, 150),
        ),
        (
            judged(UP, 155),
            (
                "The last push came at t50; the next was due at t150. Without a push the monitor is "
                "down at t160, and its alert fires."
            ),
            Change(State.DOWN, 160),
        ),
        (
            judged(UP, 170),
            (
                "The last push came at t50; the next was due at t150, and the deadline passed at t160. "
                "The monitor stays down, and its alert fires, until a push says up."
            ),
            None,
        ),
        (
            judged(DOWN, 60),
            (
                "The last push, at t50, said down. The monitor stays down, and its alert fires, until a push "
                "says up."
            ),
            None,
        ),
        (
            judged(None, 5),
            (
                "No push has come yet; the first is awaited since t0. Without a push the monitor is "
                "down at t110, and its alert fires."
            ),
            Change(State.DOWN, 110),
        ),
        (
            judged(None, 200),
            (
                "No push has ever come, and the deadline of the first passed at t110. The monitor stays down, "
                "and its alert fires, until a push says up."
            ),
            None,
        ),
        (
            judged(RUNNING, 65, MONITOR._replace(max_runtime_seconds=20)),
            (
                "The last push, at t50, said up. A run is under way; without its end the monitor is "
                "down at t80."
            ),
            Change(State.DOWN, 80),
        ),
        (
            judged(RUNNING, 90, MONITOR._replace(max_runtime_seconds=20)),
            (
                "The run that started at t60 has not ended, and its maximum runtime passed at t80. The "
                "monitor stays down, and its alert fires, until a push says up."
            ),
            None,
        ),
        (
            judged(UP, 60, MONITOR._replace(enabled=False)),
            (
                "The monitor is paused: its manifest says enabled: false. Pushes are accepted, and no "
                "alert is raised until the monitor is enabled again."
            ),
            None,
        ),
    ],
)
def test_the_sentence_says_why_and_what_happens_next(
    one: Judged, sentence: str, change: Change | None
) -> None:
    assert explanation(one, told) == sentence
    assert next_change(one) == change
