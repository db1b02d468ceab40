"""The metrics of runs; only monitors that have runs, or a maximum runtime, have these series."""

from collections.abc import Callable

from yuptime_exporter.core.evaluation import last_event_timestamp, open_run
from yuptime_exporter.core.exposition import Family, Shown, has_runs
from yuptime_exporter.core.runs import NO_RUNS, Runs


def _of_runs(value: Callable[[Runs], float | None]) -> Callable[[Shown], float | None]:
    """Return a value of the runs of a monitor; None: its jobs tell nothing about runs."""

    def shown_value(shown: Shown) -> float | None:
        last = shown.row.last_push
        return value(last.runs if last else NO_RUNS) if has_runs(shown.row) else None

    return shown_value


def _run_start(shown: Shown) -> float | None:
    run = open_run(shown.row)
    return _of_runs(lambda _: run.started_timestamp if run else 0)(shown)


def _max_runtime(shown: Shown) -> float | None:
    return _of_runs(lambda _: shown.row.monitor.max_runtime_seconds or 0)(shown)


def _last_event(shown: Shown) -> float | None:
    return _of_runs(lambda _: last_event_timestamp(shown.row))(shown)


RUN_FAMILIES = (
    Family(
        "yuptime_monitor_last_event_timestamp_seconds",
        "Unix time of the last push, start or arming: of several replicas, the newest decides.",
        _last_event,
        of_runs=True,
    ),
    Family(
        "yuptime_monitor_last_start_timestamp_seconds",
        "Unix time of the last start of a run, 0 before the first.",
        _of_runs(lambda runs: runs.last_start_timestamp),
        of_runs=True,
    ),
    Family(
        "yuptime_monitor_run_start_timestamp_seconds",
        "Unix time of the start of the oldest open run, 0 while none is open.",
        _run_start,
        of_runs=True,
    ),
    Family(
        "yuptime_monitor_runs_open",
        "Runs that have started and have not ended, at most 16.",
        _of_runs(lambda runs: len(runs.open)),
        of_runs=True,
    ),
    Family(
        "yuptime_monitor_max_runtime_seconds",
        "Time after the start of a run at which the monitor is down, 0 without a limit.",
        _max_runtime,
        of_runs=True,
    ),
    Family(
        "yuptime_monitor_last_duration_seconds",
        "Duration of the run that the last push ended; absent where it is unknown.",
        _of_runs(lambda runs: runs.last_duration_seconds),
        of_runs=True,
    ),
    Family(
        "yuptime_monitor_last_exit_code",
        "Exit code that the last push reported; absent where it reported none.",
        _of_runs(lambda runs: runs.last_exit_code),
        of_runs=True,
    ),
    Family(
        "yuptime_monitor_starts",
        "Accepted starts of runs.",
        _of_runs(lambda runs: runs.starts_total),
        type="counter",
        of_runs=True,
    ),
    Family(
        "yuptime_monitor_runs_abandoned",
        "Runs that are no longer watched although their end was not reported.",
        _of_runs(lambda runs: runs.abandoned_total),
        type="counter",
        of_runs=True,
    ),
    Family(
        "yuptime_monitor_run_duration_seconds",
        "Durations of the runs that ended.",
        _of_runs(lambda runs: runs.durations_total),
        type="summary",
        sum=_of_runs(lambda runs: runs.durations_seconds),
        of_runs=True,
    ),
)
