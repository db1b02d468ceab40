"""The runs of a monitor in the status of its object, written and read."""

from collections.abc import Iterator, Mapping
from typing import Any

from yuptime_exporter.core.runs import MAX_OPEN_RUNS, NO_RUNS, Run, Runs
from yuptime_exporter.moments import exact_rfc3339, timestamp_of

_FIELDS = (
    "lastStartTime",
    "startCount",
    "openRuns",
    "abandonedRunCount",
    "lastDurationSeconds",
    "lastExitCode",
    "durationCount",
    "durationSecondsSum",
)


def runs_body(runs: Runs) -> dict[str, Any]:
    """Return the fields of `status.push` about runs; without runs each is None, which removes it."""
    if runs == NO_RUNS:
        return dict.fromkeys(_FIELDS)
    start = runs.last_start_timestamp
    values = (
        exact_rfc3339(start) if start else None,
        runs.starts_total,
        [_run_body(run) for run in runs.open],
        runs.abandoned_total,
        runs.last_duration_seconds,
        runs.last_exit_code,
        runs.durations_total,
        runs.durations_seconds,
    )
    return dict(zip(_FIELDS, values, strict=True))


def runs_in(push: Mapping[str, Any]) -> Runs:
    """Return the runs in `status.push`; malformed fields count as missing."""
    if all(push.get(name) is None for name in _FIELDS):
        return NO_RUNS
    return Runs(
        open=tuple(sorted(_open_runs(push), key=lambda run: run.started_timestamp)),
        last_start_timestamp=timestamp_of(push.get("lastStartTime")) or 0.0,
        starts_total=_count(push.get("startCount")),
        abandoned_total=_count(push.get("abandonedRunCount")),
        durations_total=_count(push.get("durationCount")),
        durations_seconds=_number(push.get("durationSecondsSum")) or 0.0,
        last_duration_seconds=_number(push.get("lastDurationSeconds")),
        last_exit_code=_whole(push.get("lastExitCode")),
    )


def _run_body(run: Run) -> dict[str, str]:
    body = {"startTime": exact_rfc3339(run.started_timestamp)}
    if run.run_id:
        body["id"] = run.run_id
    if run.restarted_timestamp != run.started_timestamp:
        body["restartTime"] = exact_rfc3339(run.restarted_timestamp)
    return body


def _open_runs(push: Mapping[str, Any]) -> Iterator[Run]:
    found = push.get("openRuns")
    for one in found[:MAX_OPEN_RUNS] if isinstance(found, list) else ():
        started = timestamp_of(one.get("startTime")) if isinstance(one, Mapping) else None
        if started is not None:
            restarted = timestamp_of(one.get("restartTime"))
            yield Run(
                str(one.get("id") or ""), started, started if restarted is None else restarted
            )


def _count(value: object) -> int:
    return max(_whole(value) or 0, 0)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number else None  # type: ignore[arg-type]
