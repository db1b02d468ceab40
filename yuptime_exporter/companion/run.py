"""`yuptime run`: start, run, and end of a job, reported without standing in its way.

The libraries for requests take longer to import than all else. So they are imported beside the job,
at its start, since a job may replace them, as an upgrade does.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from yuptime_exporter.companion import job
from yuptime_exporter.companion.access import Access, NotReported

RUN_ID_VARIABLE = "YUPTIME_RUN_ID"


class Plan(NamedTuple):
    """The reports about a job, and for how long each is tried.

    Attributes:
        monitor: `NAMESPACE/NAME`.
        sends_start: False with `--no-start`.
        sends_output: False with `--quiet-output`.
        timeout_seconds: after which the job is ended; None: never.
        give_up_seconds: how long after the end of the job its report may take.
    """

    monitor: str
    sends_start: bool = True
    sends_output: bool = True
    timeout_seconds: float | None = None
    give_up_seconds: float = 60.0


def run(access: Access, plan: Plan, command: Sequence[str]) -> int:
    """Run a command and report it; return the exit code of the command in every case."""
    run_id = os.urandom(16).hex()  # the module uuid takes 3 ms to import
    ended = threading.Event()
    start = threading.Thread(target=_report_start, args=(access, plan, run_id, ended), daemon=True)
    result = job.run(
        command,
        begun=start.start,
        environment={**os.environ, RUN_ID_VARIABLE: run_id},
        keeps_output=plan.sends_output,
        timeout_seconds=plan.timeout_seconds,
    )
    ended.set()
    until = time.monotonic() + plan.give_up_seconds
    start.join(plan.give_up_seconds)  # a start after the end would open the run again
    fields: dict[str, object] = {
        "status": "down" if result.exit_code else "up",
        "runId": run_id,
        "durationSeconds": round(result.duration_seconds, 3),
        "exitCode": result.exit_code,
    }
    if message := result.message() if plan.sends_output else result.remark:
        fields["message"] = message
    _report(access, plan.monitor, fields, until=until)
    return result.exit_code


def _report_start(access: Access, plan: Plan, run_id: str, ended: threading.Event) -> None:
    """Report the start; give up when the job has ended, since its end says more."""
    if not plan.sends_start:
        with suppress(Exception):  # the report of the end says what is wrong
            import yuptime_exporter.companion.push  # noqa: F401, PLC0415  for the end
        return
    fields: dict[str, object] = {"status": "start", "runId": run_id}
    until = time.monotonic() + plan.give_up_seconds
    _report(access, plan.monitor, fields, until=until, is_over=ended.wait)


def _report(
    access: Access,
    monitor: str,
    fields: dict[str, object],
    *,
    until: float,
    is_over: Callable[[float], bool] | None = None,
) -> None:
    try:
        from yuptime_exporter.companion.push import push  # noqa: PLC0415  beside the job

        push(access, monitor, fields, until_monotonic=until, is_over=is_over)
    except NotReported as error:
        sys.stderr.write(f"yuptime run: {monitor}: {fields['status']} not reported: {error}\n")
    except Exception as error:  # noqa: BLE001  the job's exit code counts, not ours
        sys.stderr.write(f"yuptime run: {monitor}: not reported: {type(error).__name__}\n")
