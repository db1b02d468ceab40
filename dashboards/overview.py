"""yuptime / Overview: all jobs, and details of the jobs that are late or down."""

from dashboards.grafana import KEEP, dashboard, heading, link_to, placed, query_variable
from dashboards.panels import Json, lines, link, override, stat, steps, table, target, timeline
from dashboards.promql import (
    AT_THE_END,
    BLUE,
    DOWN,
    GREY,
    LATE,
    MANY,
    STATES,
    VERMILION,
    YELLOW,
    indented,
    newest,
    open_deadline,
    paused,
    state,
    unhealthy,
    worst,
)

UID = "yuptime-overview"

_NOW = f"({indented(state(MANY))})"
_BAD_AT_THE_END = unhealthy(MANY, AT_THE_END)
_OF_A_ROW = "var-namespace=${__data.fields.namespace}&var-monitor=${__data.fields.monitor}"
_OF_A_SERIES = "var-namespace=${__field.labels.namespace}&var-monitor=${__field.labels.monitor}"
_MONITOR = "/d/yuptime-monitor?"
_TO_A_MONITOR = link("This monitor", f"{_MONITOR}{_OF_A_SERIES}&{KEEP}")
_TO_ITS_PAGE = link(
    "Its page at the exporter, with the message of the last push",
    "${exporter}/monitors/${__field.labels.namespace}/${__field.labels.monitor}",
)

_ROWS: Json = {
    "type": "custom",
    "name": "rows",
    "label": "Show at most",
    "query": "20,50,100,1000",
    "current": {"selected": True, "text": "20", "value": "20"},
    "options": [
        {"selected": value == "20", "text": value, "value": value}
        for value in ("20", "50", "100", "1000")
    ],
    "multi": False,
    "includeAll": False,
}


def variables() -> list[Json]:
    """Return the variables at the top of the dashboard."""
    metric = "yuptime_monitor_expire_seconds"
    return [
        query_variable("job", "Job", metric, ""),
        query_variable("namespace", "Namespace", metric, 'job=~"$job"'),
        query_variable("monitor", "Monitor", metric, 'job=~"$job", namespace=~"$namespace"'),
        _ROWS,
        link_to(),
    ]


def _numbers() -> list[tuple[int, Json]]:
    last = newest("last_push_timestamp_seconds", MANY)
    declared = newest("info", MANY)
    return [
        (4, stat(
            "Down",
            "Number of jobs that are down now: silent past the deadline, reported down, or never "
            "pushed before their first deadline. The list below names them.",
            f"sum({_NOW} >= bool {DOWN})",
            thresholds=steps(BLUE, (1, VERMILION)),
        )),
        (4, stat(
            "Late",
            "Number of jobs in the grace period. They will be down at their deadline.",
            f"sum({_NOW} == bool {LATE})",
            thresholds=steps(BLUE, (1, YELLOW)),
        )),
        (4, stat(
            "Never pushed",
            "Number of jobs without a push since they were declared, except paused jobs. After "
            "their first deadline they are also down.",
            f"sum(({last} == bool 0)\nunless on (namespace, monitor) {paused(MANY)})",
            thresholds=steps(BLUE, (1, YELLOW)),
        )),
        (3, stat(
            "Paused",
            "Number of monitors with enabled: false. They are never late or down.",
            f"count({paused(MANY)})\nor 0 * count({declared})",
            thresholds=steps(GREY),
        )),
        (3, stat(
            "Declared",
            "Number of monitors, in any state.",
            f"count({declared})",
        )),
        (3, stat(
            "Not shown",
            "Number of late or down jobs that the two panels below leave out. Select fewer jobs "
            "at the top, or show more.",
            f"clamp_min(sum({_NOW} >= bool {LATE}) - $rows, 0)",
            thresholds=steps(BLUE, (1, YELLOW)),
        )),
        (3, stat(
            "Exporters ready",
            "Number of exporters that are scraped and ready. Without one, no state is known, and "
            "Prometheus does not notice failed jobs.",
            'sum(yuptime_ready{job=~"$job"}) or vector(0)',
            thresholds=steps(VERMILION, (1, BLUE)),
        )),
    ]  # fmt: skip


def _table() -> Json:
    alert_labels = f'yuptime_monitor_alert_labels{{{MANY}, severity!=""}}'
    columns = (
        worst(unhealthy(MANY)),
        f"1000 * ({newest('last_push_timestamp_seconds', MANY)} > 0)",
        f"1000 * ({open_deadline(MANY)})",
        newest("grace_seconds", MANY),
        f"1000 * ({newest('last_success_timestamp_seconds', MANY)} > 0)",
        f"max by (namespace, monitor, severity) ({alert_labels})",
        (
            "max by (namespace, monitor, schedule, time_zone) "
            f"(yuptime_monitor_schedule_info{{{MANY}}})"
        ),
    )
    state_field = stat("", "", "", codes=STATES)["fieldConfig"]["defaults"]["mappings"]
    page = "${exporter}/monitors/${__data.fields.namespace}/${__data.fields.monitor}"
    return table(
        "Not healthy now",
        "Jobs that are late or down, the worst first, with schedule, last push, last success and "
        "deadline. A name links to the history of the job, and to its page with the last message.",
        [
            target(promql, instant=True, table=True, ref=chr(ord("A") + n))
            for n, promql in enumerate(columns)
        ],
        sort="State",
        transformations=[
            {"id": "merge", "options": {}},
            {
                "id": "filterByValue",
                "options": {
                    "type": "include",
                    "match": "all",
                    "filters": [
                        {"fieldName": "Value #A", "config": {"id": "isNotNull", "options": {}}}
                    ],
                },
            },
            {
                "id": "organize",
                "options": {
                    "excludeByName": {"Time": True, "Value #F": True, "Value #G": True},
                    "indexByName": {
                        "namespace": 0, "monitor": 1, "Value #A": 2, "severity": 3,
                        "schedule": 4, "time_zone": 5,
                        "Value #B": 6, "Value #E": 7, "Value #C": 8, "Value #D": 9,
                    },
                    "renameByName": {},
                },
            },
        ],
        overrides=[
            override("Value #A", displayName="State", mappings=state_field,
                     custom__cellOptions={"type": "color-background", "mode": "basic"}),
            override("Value #B", displayName="Last push", unit="dateTimeFromNow", noValue="never"),
            override("Value #C", displayName="Deadline", unit="dateTimeFromNow", noValue="-"),
            override("Value #D", displayName="Grace", unit="dtdurations"),
            override("Value #E", displayName="Last success", unit="dateTimeFromNow",
                     noValue="never"),
            override("monitor", displayName="Monitor", links=[
                link("This monitor", f"{_MONITOR}{_OF_A_ROW}&{KEEP}"),
                link("Its page at the exporter, with the message of the last push", page),
            ]),
            override("namespace", displayName="Namespace"),
            override("severity", displayName="Severity"),
            override("schedule", displayName="Schedule"),
            override("time_zone", displayName="Time zone"),
        ],
    )  # fmt: skip


def _timelines() -> tuple[Json, Json]:
    ever_bad = (
        f"max_over_time({indented(f'({indented(state(MANY))})[$__range:$__interval]{AT_THE_END}')})"
    )
    recovered = f"{ever_bad} >= {LATE}\nunless {_BAD_AT_THE_END}"
    of_those = "and on (namespace, monitor)"
    links = [_TO_A_MONITOR, _TO_ITS_PAGE]
    name = "{{namespace}}/{{monitor}}"
    return (
        timeline(
            "Since when: jobs that are late or down",
            "States over time of the jobs that are late or down at the end of the range. No "
            "colour: no exporter was scraped, so the state is not known.",
            target(f"{_NOW}\n{of_those} {worst(_BAD_AT_THE_END)}", name),
            STATES,
            links=links,
        ),
        timeline(
            "Recovered: jobs that are no longer late or down",
            "Jobs that recovered or were paused within the range, and for how long they were late "
            "or down.",
            target(f"{_NOW}\n{of_those} {worst(recovered)}", name),
            STATES,
            links=links,
        ),
    )


def _over_time() -> Json:
    return lines(
        "All jobs, by state",
        "Number of jobs in each state. The sum is the number of declared monitors.",
        [target(f'count_values("state", {_NOW})', "{{state}}")],
        "short",
        stacked=True,
        overrides=[
            override(
                str(code.value),
                displayName=code.text,
                color={"fixedColor": code.colour, "mode": "fixed"},
            )
            for code in STATES
        ],
    )


def overview() -> Json:
    """Return the dashboard."""
    bad, recovered = _timelines()
    return dashboard(
        UID,
        "yuptime / Overview",
        "Jobs that are down, late, never pushed or paused, and since when.",
        variables=variables(),
        panels=placed(
            (4, _numbers()),
            (10, [(24, _table())]),
            (9, [(24, bad)]),
            heading("The range"),
            (8, [(24, recovered)]),
            (8, [(24, _over_time())]),
        ),
        alerts={
            "Jobs down": "max by (alertname, namespace, monitor, severity) "
            '(ALERTS{alertname="YuptimeMonitorDown", alertstate="firing", '
            'namespace=~"$namespace", monitor=~"$monitor"})',
            "Alerts of the exporter": "max by (alertname, severity, instance) "
            '(ALERTS{alertname=~"Yuptime.*", alertstate="firing", monitor=""})',
        },
    )
