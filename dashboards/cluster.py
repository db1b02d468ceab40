"""The row about Kubernetes: Monitors and Secrets that are followed, and statuses that are written.

Its metrics exist only with `--source.kubernetes`. Without them the panels are empty, since no query
has a default value.
"""

from dashboards.instances import increase, of, rate
from dashboards.panels import Json, lines, steps, target, targets
from dashboards.promql import VERMILION


def following() -> list[tuple[int, Json]]:
    """Return the panels about lists and watches."""
    silence = (
        f"{of('time_seconds')}\n"
        "- on (job, instance) group_right ()\n"
        f"({of('kubernetes_watch_last_event_timestamp_seconds')} > 0)"
    )
    return [
        (8, lines(
            "Silence of the API server",
            "Time since the API server last sent anything. It sends every minute, even without "
            "changes. After 2 minutes new monitors and tokens are not known.",
            [target(silence, "{{instance}} {{resource}}")],
            "s",
            thresholds=steps("transparent", (120, VERMILION)),
        )),
        (8, lines(
            "Changes received",
            "Events a second from the API server, including a bookmark every minute.",
            [target(rate("kubernetes_events_total", "instance, resource"),
                    "{{instance}} {{resource}}")],
            "ops",
        )),
        (8, lines(
            "Lists and errors",
            "New lists of all objects, and the errors before them; the log has details. expired "
            "is usual after a pause, forbidden means a missing Role.",
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
    """Return the panels about statuses and Events."""
    return [
        (6, lines(
            "Statuses written",
            "Status writes a second by cause, and the writes needed to keep every status current. "
            "If more than --status.max-qps are needed, statuses are late.",
            targets(
                (rate("status_writes_total", "cause"), "{{cause}}"),
                (f"max({of('status_needed_writes_per_second')})", "needed"),
            ),
            "wps",
        )),
        (6, lines(
            "Statuses not written",
            "Failed status writes by reason. conflict: another replica was faster, and the write is "
            "tried again. forbidden: a missing Role. pruned: an outdated definition.",
            [target(f"{increase('status_write_errors_total', 'reason')} > 0", "{{reason}}")],
            "short",
            bars=True,
        )),
        (6, lines(
            "Statuses that wait",
            "Monitors with a status that is to be written now.",
            [target(of("status_queue_length"), "{{instance}}")],
            "short",
        )),
        (6, lines(
            "Events written",
            "Kubernetes Events by outcome. duplicate: another replica wrote the Event first. No "
            "feature depends on Events.",
            [target(f"{increase('events_total', 'outcome')} > 0", "{{outcome}}")],
            "short",
            bars=True,
        )),
    ]  # fmt: skip
