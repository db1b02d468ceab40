"""The row about Kubernetes: whether Monitors and Secrets are followed, and status is written.

Its metrics are there only with `--source.kubernetes`. No query makes up a value where they are
not, so that the panels stay empty then.
"""

from dashboards.instances import increase, of, rate
from dashboards.panels import Json, lines, steps, target, targets
from dashboards.promql import VERMILION


def following() -> list[tuple[int, Json]]:
    """Return the panels about what is read."""
    silence = (
        f"{of('time_seconds')}\n"
        "- on (job, instance) group_right ()\n"
        f"({of('kubernetes_watch_last_event_timestamp_seconds')} > 0)"
    )
    return [
        (8, lines(
            "Silence of the API server",
            "How long ago the API server last said anything: each minute, change or none. Beyond "
            "two minutes new monitors and tokens are not known.",
            [target(silence, "{{instance}} {{resource}}")],
            "s",
            thresholds=steps("transparent", (120, VERMILION)),
        )),
        (8, lines(
            "Changes heard",
            "How much the API server tells, which includes a sign of life each minute.",
            [target(rate("kubernetes_events_total", "instance, resource"),
                    "{{instance}} {{resource}}")],
            "ops",
        )),
        (8, lines(
            "Lists and errors",
            "When everything was listed anew, and why: the log of the exporter says more. expired "
            "is usual after an absence; forbidden is a missing Role.",
            targets(
                (f"{increase('kubernetes_lists_total', 'resource')} > 0", "{{resource}} listed"),
                (f"{increase('kubernetes_errors_total', 'resource, reason')} > 0",
                 "{{resource}} {{reason}}"),
            ),
            "short",
            bars=True,
        )),
    ]  # fmt: skip


def writing() -> list[tuple[int, Json]]:
    """Return the panels about what is written."""
    return [
        (6, lines(
            "Statuses written",
            "How much is written to Monitors, and for what, against what keeps every status from "
            "expiring. If that is more than --status.max-qps, statuses lag behind.",
            targets(
                (rate("status_writes_total", "cause"), "{{cause}}"),
                (f"max({of('status_needed_writes_per_second')})", "needed"),
            ),
            "wps",
        )),
        (6, lines(
            "Statuses not written",
            "What became of writes that did not succeed. conflict: another replica was faster, and "
            "it is tried again; forbidden: a missing Role; pruned: an outdated definition.",
            [target(f"{increase('status_write_errors_total', 'reason')} > 0", "{{reason}}")],
            "short",
            bars=True,
        )),
        (6, lines(
            "Statuses that wait",
            "Whether writing keeps up: how many Monitors have a status that is to be written now.",
            [target(of("status_queue_length"), "{{instance}}")],
            "short",
        )),
        (6, lines(
            "Events told",
            "What became of Kubernetes Events. duplicate: another replica told it first; nothing "
            "depends on any of them.",
            [target(f"{increase('events_total', 'outcome')} > 0", "{{outcome}}")],
            "short",
            bars=True,
        )),
    ]  # fmt: skip
