"""yuptime / Monitor: pushes, silence and alerts of one job."""

from dashboards.grafana import dashboard, link_to, placed, query_variable
from dashboards.panels import (
    Json,
    lines,
    link,
    override,
    stat,
    steps,
    table,
    target,
    targets,
    timeline,
)
from dashboards.promql import (
    BLUE,
    GREY,
    ONE,
    SKY,
    STATES,
    VERMILION,
    YELLOW,
    Code,
    newest,
    now,
    open_deadline,
    overdue,
    state,
)

UID = "yuptime-monitor"

_PAGE = link(
    "Its page at the exporter, with the message of the last push",
    "${exporter}/monitors/${namespace}/${monitor}",
)
_ALERTS = 'ALERTS{alertname=~"Yuptime.*", namespace="$namespace", monitor="$monitor"}'


def variables() -> list[Json]:
    """Return the variables at the top of the dashboard."""
    metric = "yuptime_monitor_expire_seconds"
    return [
        query_variable("job", "Job", metric, ""),
        query_variable("namespace", "Namespace", metric, 'job=~"$job"', several=False),
        query_variable(
            "monitor", "Monitor", metric, 'job=~"$job", namespace="$namespace"', several=False
        ),
        link_to(),
    ]


def _numbers() -> list[tuple[int, Json]]:
    last, success = (
        newest(f"{push}_timestamp_seconds", ONE) for push in ("last_push", "last_success")
    )
    return [
        (4, stat(
            "State",
            "The state of this job now. It links to the page of the job, with the message of the "
            "last push.",
            state(ONE),
            codes=STATES,
            links=[_PAGE],
        )),
        (4, stat(
            "Last push", "Time of the last push, up or down.", f"1000 * ({last} > 0)",
            "dateTimeFromNow",
        )),
        (4, stat(
            "Last success", "Time of the last push that said up.", f"1000 * ({success} > 0)",
            "dateTimeFromNow",
        )),
        (4, stat(
            "Deadline",
            "When silence makes the job down, or did, grace period included. Empty while the job "
            "is down because it reported so.",
            f"1000 * ({open_deadline(ONE)})",
            "dateTimeFromNow",
        )),
        (4, stat(
            "Next push due",
            "When the next push is due, or was, and the schedule: an interval, or a cron expression "
            "and its time zone.",
            f"1000 * {newest('due_timestamp_seconds', ONE)}\n"
            "* on (namespace, monitor) group_left (schedule, time_zone)\n"
            "max by (namespace, monitor, schedule, time_zone) "
            f"(yuptime_monitor_schedule_info{{{ONE}}})",
            "dateTimeFromNow",
            legend="{{schedule}} {{time_zone}}",
        )),
        (4, stat(
            "Grace",
            "Time after that in which the job is late, before it is down.",
            newest("grace_seconds", ONE),
            "dtdurations",
        )),
    ]  # fmt: skip


def _silence() -> Json:
    last = newest("last_push_timestamp_seconds", ONE)
    expire = newest("expire_seconds", ONE)
    return lines(
        "Silence between pushes",
        "Time since the last push: each peak is the interval between two pushes. Above the first "
        "line the job is late, above the second line down. Time in which no push could be received "
        "is credited, so a deadline can be later than the second line.",
        targets(
            (f"{now(ONE)}\n- ({last} > 0)", "silence"),
            (expire, "expires after"),
            (f"{expire}\n+ {newest('grace_seconds', ONE)}", "down after"),
        ),
        "s",
        overrides=[
            override(name, color={"fixedColor": colour, "mode": "fixed"},
                     custom__fillOpacity=0, custom__lineStyle={"dash": dash, "fill": "dash"})
            for name, colour, dash in (
                ("expires after", YELLOW, [10, 6]), ("down after", VERMILION, [3, 5])
            )
        ],
    )  # fmt: skip


def _pushes() -> Json:
    counted = {
        "accepted": f"round(max by (namespace, monitor) "
        f"(increase(yuptime_monitor_pushes_total{{{ONE}}}[$__rate_interval])))",
        "said down": f"round(max by (namespace, monitor) "
        f"(increase(yuptime_monitor_pushes_down_total{{{ONE}}}[$__rate_interval])))",
        "rejected": f"round(sum by (namespace, monitor) "
        f"(increase(yuptime_monitor_pushes_rejected_total{{{ONE}}}[$__rate_interval])))",
    }
    colours = {"accepted": BLUE, "said down": VERMILION, "rejected": GREY}
    return lines(
        "Pushes",
        "Number of accepted pushes, of pushes that said down, and of rejected pushes with a valid "
        "token: malformed, too large, or too many at once. Each bar counts the pushes of the "
        "scrapes before it.",
        targets(*((promql, name) for name, promql in counted.items())),
        "short",
        bars=True,
        overrides=[
            override(name, color={"fixedColor": colour, "mode": "fixed"})
            for name, colour in colours.items()
        ],
    )


def _runs() -> list[tuple[int, Json]]:
    start = newest("run_start_timestamp_seconds", ONE)
    abandoned = f"increase(yuptime_monitor_runs_abandoned_total{{{ONE}}}[$__rate_interval])"
    return [
        (12, lines(
            "Duration of runs",
            "How long the last run took, and how long the oldest open run has been running. Above "
            "the limit, which is maxRuntimeSeconds, the job is down. Empty: the job reports no runs.",
            targets(
                (newest("last_duration_seconds", ONE), "last run"),
                (f"{now(ONE)}\n- ({start} > 0)", "running for"),
                (f"{newest('max_runtime_seconds', ONE)} > 0", "limit"),
            ),
            "s",
            overrides=[
                override("limit", color={"fixedColor": VERMILION, "mode": "fixed"},
                         custom__fillOpacity=0,
                         custom__lineStyle={"dash": [3, 5], "fill": "dash"}),
            ],
        )),
        (8, lines(
            "Open runs",
            "Number of runs that have started and not ended, and of runs that were given up "
            "without their end. More than one open run: runs overlap, or ends are missing.",
            targets(
                (newest("runs_open", ONE), "open"),
                (f"round(max by (namespace, monitor) ({abandoned}))", "given up"),
            ),
            "short",
        )),
        (4, stat(
            "Exit code",
            "The exit code of the last run, where the job reports it.",
            newest("last_exit_code", ONE),
            thresholds=steps(VERMILION, (0, BLUE), (1, VERMILION)),
        )),
    ]  # fmt: skip


def _labels() -> Json:
    return table(
        "Labels of its alerts",
        "Labels of the alerts about this job, by which Alertmanager routes them. Several rows: "
        "replicas disagree. No row: the job is paused.",
        [
            target(
                f"max without (instance, job) (yuptime_monitor_alert_labels{{{ONE}}})",
                instant=True,
                table=True,
            )
        ],
        transformations=[
            {
                "id": "organize",
                "options": {
                    "excludeByName": {"Time": True, "Value": True},
                    "indexByName": {},
                    "renameByName": {},
                },
            }
        ],
    )


def monitor() -> Json:
    """Return the dashboard."""
    return dashboard(
        UID,
        "yuptime / Monitor",
        "One job: its state, its pushes, its silence and its alerts.",
        variables=variables(),
        panels=placed(
            (4, _numbers()),
            (4, [(24, timeline(
                "State over the range", "In which state the job was, and when that changed.",
                target(state(ONE), "{{namespace}}/{{monitor}}"), STATES,
            ))]),
            (9, [
                (12, lines(
                    "Overdue",
                    "How far the job is past its deadline: below zero there is time left, from "
                    "zero on it is down by silence.",
                    [target(overdue(ONE), "overdue")],
                    "s",
                    thresholds=steps("transparent", (0, VERMILION)),
                )),
                (12, _silence()),
            ]),
            (8, [(24, _pushes())]),
            (8, _runs()),
            (6, [
                (16, timeline(
                    "Alerts",
                    "Alerts about this job that Prometheus raised. The panel needs the alert rules. "
                    "Empty: no alerts.",
                    target(
                        f"max by (alertname) (2 * {_firing()} or {_ALERTS})", "{{alertname}}"
                    ),
                    (Code(1, "pending", SKY), Code(2, "firing", VERMILION)),
                )),
                (8, _labels()),
            ]),
        ),
        alerts={
            "Alerts of the job": "max by (alertname, namespace, monitor, severity) "
            f"({_firing()})"
        },
    )  # fmt: skip


def _firing() -> str:
    return _ALERTS.replace("}", ', alertstate="firing"}')
