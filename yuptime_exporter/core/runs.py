"""Runs: the executions of a job, each from its start to its end.

A run with an id is ended by the push with the same id. A job that gives no ids has at most one open
run. All rules about opening and closing runs are in this file; `evaluation` derives deadlines.
"""

from collections.abc import Callable
from typing import NamedTuple

# The number of runs of one monitor that are watched at once. With more, each start of a job that never
# reports its end would take memory and storage for ever.
MAX_OPEN_RUNS = 16


class Run(NamedTuple):
    """A run that has started and has not ended.

    Attributes:
        run_id: the job's own name for it; empty where the job gives none.
        started_timestamp: the first start; the maximum runtime counts from here.
        restarted_timestamp: the newest start with this id; the duration counts from here.
    """

    run_id: str
    started_timestamp: float
    restarted_timestamp: float


class Runs(NamedTuple):
    """The open runs of a monitor, with a summary of those before. A tuple, for speed.

    Attributes:
        open: in the order of their first starts; at most `MAX_OPEN_RUNS`.
        last_start_timestamp: the newest start; 0 before the first.
        starts_total: number of accepted starts.
        abandoned_total: number of runs that are no longer watched although their end was not
            reported: more than `MAX_OPEN_RUNS` were open, another run succeeded after their maximum
            runtime, or the job reported down without an id.
        durations_total: number of runs with a known duration.
        durations_seconds: sum of these durations.
        last_duration_seconds: of the run that the last push ended; None where it is unknown.
        last_exit_code: as the last push reported it; None where it reported none.
    """

    open: tuple[Run, ...] = ()
    last_start_timestamp: float = 0.0
    starts_total: int = 0
    abandoned_total: int = 0
    durations_total: int = 0
    durations_seconds: float = 0.0
    last_duration_seconds: float | None = None
    last_exit_code: int | None = None


NO_RUNS = Runs()


class End(NamedTuple):
    """The part of a push of an ended run that concerns runs.

    Attributes:
        run_id: empty where the job gave none.
        ended_timestamp: when the push was received.
        failed: whether it reported down.
        duration_seconds: as the job measured it; None where it did not.
        exit_code: None where the job reported none.
    """

    run_id: str
    ended_timestamp: float
    failed: bool
    duration_seconds: float | None
    exit_code: int | None


def after_start(runs: Runs, run_id: str, started_timestamp: float) -> Runs:
    """Return the runs after a start.

    A second start of an open run keeps its first start: a job that crashes each hour before its
    end must reach its maximum runtime.
    """
    known = _open_run(runs, run_id)
    if known is not None:
        newest = known._replace(restarted_timestamp=started_timestamp)
        opened, abandoned = tuple(newest if run is known else run for run in runs.open), 0
    else:
        run = Run(run_id, started_timestamp, started_timestamp)
        opened, abandoned = _limited((*runs.open, run))
    return runs._replace(
        open=opened,
        last_start_timestamp=started_timestamp,
        starts_total=runs.starts_total + 1,
        abandoned_total=runs.abandoned_total + abandoned,
    )


def after_end(runs: Runs, end: End, *, is_overrun: Callable[[Run], bool]) -> Runs:
    """Return the runs after a push that said up or down.

    Args:
        runs: the runs before.
        end: the push.
        is_overrun: whether a run had passed its maximum runtime when the push was received.
    """
    duration = end.duration_seconds
    still_open, abandoned_total = runs.open, runs.abandoned_total
    if runs.open:  # seldom: most jobs report their end only
        ended = _open_run(runs, end.run_id)
        if duration is None and ended is not None:
            duration = max(0.0, end.ended_timestamp - ended.restarted_timestamp)
        others = tuple(run for run in runs.open if run is not ended)
        still_open = _watched_after(others, end, is_overrun)
        abandoned_total += len(others) - len(still_open)
    if duration is None and end.exit_code is None and runs is NO_RUNS:
        return runs
    return Runs(
        still_open,
        runs.last_start_timestamp,
        runs.starts_total,
        abandoned_total,
        runs.durations_total + (duration is not None),
        runs.durations_seconds + (duration or 0.0),
        duration,
        end.exit_code,
    )


def merged(runs: Runs, base: Runs, found: Runs, *, newest: Runs) -> Runs:
    """Return the runs to store where another replica stored `found` after `base`, as these do.

    Each side contributes its changes since `base`: the runs that it opened and closed, and its
    counts.

    Args:
        runs: the runs to store, which continue `base`.
        base: the runs that both sides continue.
        found: the runs that are stored.
        newest: of `runs` and `found`, those with the newer end; its duration and exit code count.
    """
    before = {run.run_id: run for run in base.open}
    ours, theirs = ({run.run_id: run for run in side.open} for side in (runs, found))
    opened: list[Run] = []
    for run_id in {**before, **theirs, **ours}:
        held = [side[run_id] for side in (theirs, ours) if run_id in side]
        changed = [run for run in held if run != before.get(run_id)]
        if changed or len(held) == 2:  # otherwise the other side has ended it
            opened.append(_earliest(changed or held))
    still_open, abandoned = _limited(tuple(sorted(opened, key=lambda run: run.started_timestamp)))
    return Runs(
        open=still_open,
        last_start_timestamp=max(runs.last_start_timestamp, found.last_start_timestamp),
        starts_total=found.starts_total + runs.starts_total - base.starts_total,
        abandoned_total=found.abandoned_total
        + runs.abandoned_total
        - base.abandoned_total
        + abandoned,
        durations_total=found.durations_total + runs.durations_total - base.durations_total,
        durations_seconds=found.durations_seconds + runs.durations_seconds - base.durations_seconds,
        last_duration_seconds=newest.last_duration_seconds,
        last_exit_code=newest.last_exit_code,
    )


def moved(runs: Runs, move: Callable[[float], float]) -> Runs:
    """Return the runs with each of their moments changed by `move`."""
    if runs == NO_RUNS:
        return runs
    opened = (
        Run(run.run_id, move(run.started_timestamp), move(run.restarted_timestamp))
        for run in runs.open
    )
    return runs._replace(open=tuple(opened), last_start_timestamp=move(runs.last_start_timestamp))


def _open_run(runs: Runs, run_id: str) -> Run | None:
    """Return the open run with an id; None: there is none."""
    return next((run for run in runs.open if run.run_id == run_id), None)


def _watched_after(
    others: tuple[Run, ...], end: End, is_overrun: Callable[[Run], bool]
) -> tuple[Run, ...]:
    """Return which of the other runs are still watched after the end of one."""
    if not end.failed:
        return tuple(run for run in others if not is_overrun(run))
    return others if end.run_id else ()


def _limited(runs: tuple[Run, ...]) -> tuple[tuple[Run, ...], int]:
    """Return at most `MAX_OPEN_RUNS` and the number of the others: the oldest and the newest stay."""
    excess = max(0, len(runs) - MAX_OPEN_RUNS)
    return (*runs[: len(runs) - excess - 1], *runs[-1:]) if excess else runs, excess


def _earliest(runs: list[Run]) -> Run:
    """Return one run as several replicas know it."""
    return Run(
        runs[0].run_id,
        min(run.started_timestamp for run in runs),
        max(run.restarted_timestamp for run in runs),
    )
