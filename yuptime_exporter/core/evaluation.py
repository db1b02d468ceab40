"""The state machine: every rule that decides a state or a deadline is in this file.

base     = max(last push, armed)
due      = the next moment of the schedule after the base
deadline = due + grace, later by the time in which no push could be received (see `outages`)

With a maximum runtime, a run that started before this deadline replaces both while it is open:
due      = deadline = start of the oldest open run + maximum runtime, on the receiving clock

paused   the monitor is not enabled
down     the last push said down, or now >= deadline (overran if that is the deadline of a run)
late     due <= now < deadline, after a first push
up       now < due, after a first push
pending  now < deadline, before any push
"""

from yuptime_exporter.core.model import (
    NO_PUSH,
    LastPush,
    Push,
    PushKind,
    Reason,
    Row,
    State,
    Verdict,
)
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.runs import NO_RUNS, End, Run, Runs, after_end, after_start, moved

# A stored moment further ahead than this comes from a clock that was set back since. NTP slews
# smaller errors instead of stepping: the defaults of chrony and ntpd are below a second.
MAX_FUTURE_SECONDS = 5.0


def base_timestamp(row: Row) -> float:
    """Return the moment from which the next push is awaited: the last push, or the arming."""
    armed, last = row.arming.armed_timestamp, row.last_push
    return armed if last is None or last.received_timestamp < armed else last.received_timestamp


def due_timestamp(row: Row) -> float:
    """Return when the next push is due by the schedule: after the last push, and after the arming."""
    schedule, armed, last = row.monitor.schedule, row.arming.armed_timestamp, row.last_push
    received = last.received_timestamp if last else 0.0
    if received >= armed:
        after_run = _due_after_run(row) if schedule.is_calendar else None
        return after_run or schedule.due_after_push(received)
    due = schedule.due_after_arming(armed)
    return max(due, schedule.due_after_push(received)) if received else due


def _due_after_run(row: Row) -> float | None:
    """Return when the next push is due in a calendar after a run whose start is known; else None.

    The run counts for the scheduled time at which it started, even if it ended shortly before the
    next one.
    """
    schedule, last = row.monitor.schedule, row.last_push
    duration_seconds = last.runs.last_duration_seconds if last else None
    if last is None or duration_seconds is None:
        return None
    due = schedule.due_after_push(last.received_timestamp - duration_seconds)
    if due <= last.received_timestamp:  # the run took longer than the calendar plans
        return schedule.due_after_arming(last.received_timestamp)
    return due


def gap_seconds(row: Row) -> float:
    """Return the time from the base until the next push is due."""
    return row.monitor.schedule.gap_seconds(base_timestamp(row), due_timestamp(row))


def open_run(row: Row) -> Run | None:
    """Return the oldest open run since the monitor was armed; None: no run is open.

    A run from before a pause does not count, as nothing else from before it does.
    """
    if row.last_push is None or row.last_push.runs is NO_RUNS:  # the common case
        return None
    armed = row.arming.armed_timestamp
    runs = (run for run in row.last_push.runs.open if run.started_timestamp >= armed)
    return next(runs, None)


def last_event_timestamp(row: Row) -> float:
    """Return the newest moment that decides the deadline: the base, or a later start."""
    base = base_timestamp(row)
    return max(base, row.last_push.runs.last_start_timestamp) if row.last_push else base


def judge(row: Row, outages: Outages, *, now_timestamp: float) -> Verdict:
    """Judge one monitor at one moment; the deadline is computed for paused monitors, too."""
    due = due_timestamp(row)
    deadline = _deadline(row, outages, due)
    run = open_run(row)
    if run is None:
        state, reason, since = _state(row, due, deadline, now_timestamp)
        return Verdict(state, reason, since, due, deadline)
    limit = _run_deadline(row, run, outages)
    if limit is None or run.started_timestamp >= deadline:
        state, reason, since = _state(row, due, deadline, now_timestamp)
        return Verdict(state, reason, since, due, deadline, run.started_timestamp)
    state, reason, since = _state(row, limit, limit, now_timestamp)
    if state is State.DOWN and reason is not Reason.REPORTED_DOWN:
        reason = Reason.OVERRAN
    if state is State.UP and due <= run.started_timestamp:  # the start ended the lateness
        since = run.started_timestamp
    return Verdict(state, reason, since, limit, limit, run.started_timestamp)


def next_change_timestamp(verdict: Verdict, *, now_timestamp: float) -> float | None:
    """Return the next moment at which the verdict may change by itself; None: never."""
    if verdict.state is State.PAUSED or verdict.reason is Reason.REPORTED_DOWN:
        return None
    if verdict.due_timestamp > now_timestamp:  # the deadline is never earlier
        return verdict.due_timestamp
    return verdict.deadline_timestamp if verdict.deadline_timestamp > now_timestamp else None


def after_push(
    row: Row, outages: Outages, push: Push, *, before: Verdict | None = None
) -> LastPush:
    """Return the last push of a monitor once this push is accepted.

    A state that a result confirms keeps its beginning: down by silence and then down by report is
    one incident with one beginning. A start changes the runs only, and a message nothing.

    Args:
        row: the monitor before the push.
        outages: all of them.
        push: the accepted push.
        before: the verdict at the moment of the push, where the caller has judged already.
    """
    last, received = row.last_push or NO_PUSH, push.received_timestamp
    newest = last.received_timestamp
    if last.runs is not NO_RUNS:
        newest = max(newest, last.runs.last_start_timestamp)
    if received < newest <= _latest(received):
        received = newest  # the clock was slewed back; pushes stay in order
    if push.kind is PushKind.LOG:
        return last
    if push.kind is PushKind.START:
        return last.replace(runs=after_start(last.runs, push.run_id, received))
    if before is None or received != push.received_timestamp:
        before = judge(row, outages, now_timestamp=received)
    success = push.kind is PushKind.UP
    return LastPush(
        push.kind,
        push.message,
        received,
        _since_of_push(row, before, push.kind, received),
        received if success else min(last.last_success_timestamp, received),
        last.pushes_total + 1,
        last.pushes_down_total + (not success),
        _runs_after(row, outages, push, received),
    )


def lies_ahead(timestamp: float, now_timestamp: float) -> bool:
    """Return whether a stored moment is in the future, beyond `MAX_FUTURE_SECONDS`."""
    return timestamp > _latest(now_timestamp)


def in_the_present(timestamp: float, now_timestamp: float) -> float:
    """Return a stored moment; now instead of a moment in the future."""
    return now_timestamp if lies_ahead(timestamp, now_timestamp) else timestamp


def push_in_the_present(push: LastPush, *, now_timestamp: float) -> LastPush:
    """Return the push with future moments set to now: nearly always the identical push."""
    received = push.received_timestamp
    others = max(push.since_timestamp, push.last_success_timestamp)
    if others <= received <= now_timestamp and push.runs is NO_RUNS:
        return push
    received = in_the_present(received, now_timestamp)
    return push.replace(
        received_timestamp=received,
        since_timestamp=min(push.since_timestamp, received),
        last_success_timestamp=min(push.last_success_timestamp, received),
        runs=moved(push.runs, lambda timestamp: in_the_present(timestamp, now_timestamp)),
    )


def _deadline(row: Row, outages: Outages, due: float) -> float:
    monitor = row.monitor
    if monitor.schedule.is_calendar:
        return outages.deadline_of_calendar(due, monitor.grace_seconds)
    base = base_timestamp(row)
    return outages.deadline(base, monitor.schedule.gap_seconds(base, due) + monitor.grace_seconds)


def _state(
    row: Row, due: float, deadline: float, now_timestamp: float
) -> tuple[State, Reason, float]:
    arming, last = row.arming, row.last_push
    if not row.monitor.enabled:
        paused = arming.paused_timestamp
        since = arming.armed_timestamp if paused is None else paused
        return State.PAUSED, Reason.DISABLED, since
    if last is None or last.status is None:
        if now_timestamp < deadline:
            return State.PENDING, Reason.AWAITING_FIRST_PUSH, arming.armed_timestamp
        return State.DOWN, Reason.NEVER_PUSHED, deadline
    since = max(last.since_timestamp, arming.armed_timestamp)
    if last.status is PushKind.DOWN:
        return State.DOWN, Reason.REPORTED_DOWN, since
    if now_timestamp >= deadline:
        return State.DOWN, Reason.OVERDUE, deadline
    if now_timestamp >= due:
        return State.LATE, Reason.OVERDUE, due
    return State.UP, Reason.REPORTED_UP, since


def _run_deadline(row: Row, run: Run, outages: Outages) -> float | None:
    """Return when an open run has passed its maximum runtime; None: it may run for ever."""
    max_runtime_seconds = row.monitor.max_runtime_seconds
    if max_runtime_seconds is None:
        return None
    return outages.deadline(run.started_timestamp, max_runtime_seconds)


def _runs_after(row: Row, outages: Outages, push: Push, received: float) -> Runs:
    """Return the runs of a monitor after a result."""

    def is_overrun(run: Run) -> bool:
        deadline = _run_deadline(row, run, outages)
        return deadline is not None and deadline <= received

    runs = row.last_push.runs if row.last_push else NO_RUNS
    if runs is NO_RUNS and push.duration_seconds is None and push.exit_code is None:
        return runs
    failed = push.kind is PushKind.DOWN
    end = End(push.run_id, received, failed, push.duration_seconds, push.exit_code)
    return after_end(runs, end, is_overrun=is_overrun)


def _since_of_push(row: Row, before: Verdict, status: PushKind, received: float) -> float:
    """Return when the state began that this push confirms; the push itself may begin it."""
    confirmed = State.UP if status is PushKind.UP else State.DOWN
    if before.state is confirmed:
        return min(before.since_timestamp, received)
    if before.state is State.PAUSED and row.last_push and row.last_push.status is status:
        return row.last_push.since_timestamp
    return received


def _latest(now_timestamp: float) -> float:
    return now_timestamp + MAX_FUTURE_SECONDS
