"""The sentence that says why a monitor is in its state, and what happens next and when."""

from collections.abc import Callable
from dataclasses import dataclass

from yuptime_exporter.core.cron_times import NEVER
from yuptime_exporter.core.model import Judged, Reason, Row, State

Readable = Callable[[float], str]
"""Returns a moment for a sentence, such as `2026-01-31 08:00:00 UTC`."""


@dataclass(frozen=True, slots=True)
class Change:
    """The next change of a monitor's state if no push comes and nothing is declared anew."""

    state: State
    timestamp: float


def next_change(judged: Judged) -> Change | None:
    """Return the next change by the passing of time; None: only a push or a declaration changes it."""
    verdict = judged.verdict
    if verdict.deadline_timestamp == NEVER:
        return None
    match verdict.state:
        case State.UP if verdict.due_timestamp < verdict.deadline_timestamp:
            return Change(State.LATE, verdict.due_timestamp)
        case State.UP | State.LATE | State.PENDING:
            return Change(State.DOWN, verdict.deadline_timestamp)
        case State.DOWN | State.PAUSED:
            return None


def explanation(judged: Judged, readable: Readable) -> str:
    """Return why a monitor is in its state, and what happens next and when.

    The text depends on stored moments only, so that it stays the same while nothing changes.
    """
    return f"{_cause(judged, readable)} {_outlook(judged, readable)}"


def is_running(judged: Judged) -> bool:
    """Return whether the end of a run is awaited instead of the next push of the schedule.

    The deadline of a run is later than its start; a deadline before the start is that of silence.
    """
    since = judged.verdict.running_since_timestamp
    return (
        since is not None
        and judged.row.monitor.max_runtime_seconds is not None
        and since < judged.verdict.deadline_timestamp
    )


def _cause(judged: Judged, readable: Readable) -> str:
    row, verdict = judged
    due, deadline = readable(verdict.due_timestamp), readable(verdict.deadline_timestamp)
    match verdict.reason:
        case Reason.DISABLED:
            return "The monitor is paused: its manifest says enabled: false."
        case Reason.AWAITING_FIRST_PUSH:
            armed = readable(row.arming.armed_timestamp)
            return f"No push has come yet; the first is awaited since {armed}."
        case Reason.NEVER_PUSHED:
            return f"No push has ever come, and the deadline of the first passed at {deadline}."
        case Reason.REPORTED_DOWN:
            return f"The last push, at {_last(row, readable)}, said down."
        case Reason.OVERDUE:
            passed = (
                f", and the deadline passed at {deadline}" if verdict.state is State.DOWN else ""
            )
            return (
                f"The last push came at {_last(row, readable)}; the next was due at {due}{passed}."
            )
        case Reason.OVERRAN:
            since = readable(verdict.running_since_timestamp or 0.0)
            return f"The run that started at {since} has not ended, and its maximum runtime passed at {deadline}."
        case Reason.REPORTED_UP:
            return f"The last push, at {_last(row, readable)}, said up."


def _last(row: Row, readable: Readable) -> str:
    return readable(row.last_push.received_timestamp if row.last_push else 0.0)


def _outlook(judged: Judged, readable: Readable) -> str:
    verdict = judged.verdict
    deadline = readable(verdict.deadline_timestamp)
    match verdict.state:
        case State.PAUSED:
            return "Pushes are accepted, and no alert is raised until the monitor is enabled again."
        case State.DOWN:
            return "The monitor stays down, and its alert fires, until a push says up."
        case State.UP | State.PENDING if verdict.deadline_timestamp == NEVER:
            return "No push is due any more: the schedule does not come again."
        case State.UP | State.PENDING if is_running(judged):
            return f"A run is under way; without its end the monitor is down at {deadline}."
        case State.LATE | State.PENDING:
            return f"Without a push the monitor is down at {deadline}, and its alert fires."
        case State.UP if verdict.due_timestamp < verdict.deadline_timestamp:
            due = readable(verdict.due_timestamp)
            return f"The next push is due at {due}; without one the monitor is late then, and down at {deadline}."
        case State.UP:
            return f"The next push is due at {deadline}; without one the monitor is down then."
