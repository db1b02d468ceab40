"""yuptime / Monitor: one job, its reports, its silence, its alerts."""

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
    """Return what the reader can choose."""
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
        newest(f"{what}_timestamp_seconds", ONE) for what in ("last_push", "last_success")
    )
    return [
        (4, stat(
            "State",
            "What the exporter makes of this job now. Click for its page, which has the message "
            "of the last push.",
            state(ONE),
            codes=STATES,
            links=[_PAGE],
        )),
        (4, stat(
            "Last push", "When the job last reported, up or down.", f"1000 * ({last} > 0)",
            "dateTimeFromNow",
        )),
        (4, stat(
            "Last success", "When the job last reported up.", f"1000 * ({success} > 0)",
            "dateTimeFromNow",
        )),
        (4, stat(
            "Due in",
            "How long until silence makes it down, grace included; negative: for how long that "
            "has been so.",
            f"{newest('deadline_timestamp_seconds', ONE)}\n- {now(ONE)}",
            "s",
            thresholds=steps(VERMILION, (0, BLUE)),
        )),
        (4, stat(
            "Expires after", "How long one report stays good.", newest("expire_seconds", ONE), "s",
        )),
        (4, stat(
            "Grace",
            "How long after that it is late and not yet down.",
            newest("grace_seconds", ONE),
            "s",
        )),
    ]  # fmt: skip


def _silence() -> Json:
    last = newest("last_push_timestamp_seconds", ONE)
    expire = newest("expire_seconds", ONE)
    return lines(
        "Silence between pushes",
        "How long the job was silent: each peak is the interval between two pushes. Above the "
        "first line it is late, above the second it is down; time in which nobody could push is "
        "credited, so a deadline may be later than the second line.",
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
        "How many reports arrived, how many of them said down, and how many had a valid token and "
        "were refused: malformed, too large, or too many at once. Each bar counts what came in "
        "the few scrapes before it.",
        targets(*((promql, name) for name, promql in counted.items())),
        "short",
        bars=True,
        overrides=[
            override(name, color={"fixedColor": colour, "mode": "fixed"})
            for name, colour in colours.items()
        ],
    )


def _labels() -> Json:
    return table(
        "Labels of its alerts",
        "Which labels its alerts have, by which Alertmanager routes them. Several rows: replicas "
        "disagree. None: it is paused.",
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
        "One job: is it late, when did it report, and whom did its silence wake.",
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
            (6, [
                (16, timeline(
                    "Alerts",
                    "Which alerts about this job Prometheus raised, and when. It needs the alert "
                    "rules to be loaded. Empty: none.",
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
