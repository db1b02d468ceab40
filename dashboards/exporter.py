"""yuptime / Exporter: the health of the exporter itself."""

from dashboards.cluster import following, writing
from dashboards.grafana import dashboard, heading, placed, query_variable
from dashboards.instances import WHERE, increase, of, quantiles, rate
from dashboards.panels import Json, lines, override, stat, steps, table, target, targets
from dashboards.promql import BLUE, VERMILION, YELLOW, Code

UID = "yuptime-exporter"

_SUCCESS = (Code(0, "refused", VERMILION), Code(1, "active", BLUE))


def variables() -> list[Json]:
    """Return the variables at the top of the dashboard."""
    return [
        query_variable("job", "Job", "yuptime_build_info", ""),
        query_variable("instance", "Instance", "yuptime_build_info", 'job=~"$job"'),
    ]


def _health() -> list[tuple[int, Json]]:
    return [
        (4, stat(
            "Ready",
            "Number of exporters that are scraped and ready: state restored and all monitors "
            "listed. Without one, Prometheus does not notice failed jobs.",
            f"sum({of('ready')}) or vector(0)",
            thresholds=steps(VERMILION, (1, BLUE)),
        )),
        (4, stat(
            "Invalid objects",
            "Number of invalid objects and files. The log of the exporter and yuptime check "
            "explain each.",
            f"max({of('monitors_invalid')})",
            thresholds=steps(BLUE, (1, YELLOW)),
        )),
        (4, stat(
            "Configuration",
            "Result of the last reload. refused: the previous configuration is active, and the "
            "exporter would not start with the new one.",
            f"min({of('config_last_reload_successful')})",
            codes=_SUCCESS,
        )),
        (4, stat(
            "Last good reload",
            "Time since which the configuration is active.",
            f"1000 * max({of('config_last_reload_success_timestamp_seconds')})",
            "dateTimeFromNow",
        )),
        (4, stat(
            "Outage credit in the range",
            "Time in which no push could be received, credited to the open deadlines.",
            f"sum(increase({of('outage_credit_seconds_total')}[$__range]))\n"
            f"or 0 * sum({of('ready')})",
            "s",
            thresholds=steps(BLUE, (60, YELLOW)),
        )),
        (4, stat(
            "Documents ignored",
            "Number of documents of other kinds in the manifests, which is often intended.",
            f"max({of('documents_ignored')})",
        )),
    ]  # fmt: skip


def _versions() -> Json:
    return table(
        "Versions",
        "Version and start time of each instance.",
        [
            target(
                f"1000 * process_start_time_seconds{{{WHERE}}}\n"
                "* on (job, instance) group_left (version, revision, pythonversion)\n"
                f"{of('build_info')}",
                instant=True,
                table=True,
            )
        ],
        transformations=[
            {
                "id": "organize",
                "options": {
                    "excludeByName": {"Time": True, "job": True},
                    "indexByName": {},
                    "renameByName": {"Value": "Started", "pythonversion": "Python"},
                },
            }
        ],
        overrides=[override("Started", unit="dateTimeFromNow")],
    )


def _requests() -> list[tuple[int, Json]]:
    return [
        (8, lines(
            "Requests",
            "Requests a second by route and status. 5xx: a failure of the exporter or its store.",
            [target(rate("http_request_duration_seconds_count", "handler, method, code"),
                    "{{method}} {{handler}} {{code}}")],
            "reqps",
        )),
        (8, lines(
            "Time of a request",
            "Time from the end of a request's headers to the answer. A push includes the time to "
            "store it durably.",
            quantiles("http_request_duration_seconds", "handler"),
            "s",
        )),
        (8, lines(
            "Connections",
            "Open connections and their limit. waiting: how often a minute new connections had to "
            "wait. closed: idle ones a minute that were closed for new ones.",
            targets(
                (of("http_connections"), "{{instance}} open"),
                (of("http_connections_limit"), "{{instance}} at most"),
                (f"60 * {rate('http_accept_pauses_total', 'instance')}", "{{instance}} waiting"),
                (f"60 * {_for_room()}", "{{instance}} closed"),
            ),
            "short",
        )),
    ]  # fmt: skip


def _for_room() -> str:
    """Return the connections a second that were closed to make room for others."""
    closed = of("http_connections_closed_total").replace("}", ', reason="limit"}')
    return f"sum by (instance) (rate({closed}[$__rate_interval]))"


def _pushes() -> list[tuple[int, Json]]:
    each = f"rate({of('monitor_pushes_total')}[$__rate_interval])"
    accepted = f"max by (namespace, monitor) ({each})"
    return [
        (8, lines(
            "Accepted pushes",
            "Accepted pushes a second, over all jobs.",
            [target(f"sum({accepted})", "accepted")],
            "reqps",
        )),
        (8, lines(
            "Rejected pushes",
            "Rejected pushes by reason. unauthorized: strangers, or a job with an old token. "
            "token_missing: a missing Secret. store_unavailable: see the store below.",
            [target(increase("pushes_rejected_total", "reason"), "{{reason}}")],
            "short",
            bars=True,
        )),
        (8, lines(
            "Declared monitors",
            "Number of monitors by type. The exporter judges only the type push.",
            [target(f"max by (type) ({of('monitors')})", "{{type}}")],
            "short",
        )),
    ]  # fmt: skip


def _store() -> list[tuple[int, Json]]:
    age = f"{of('time_seconds')}\n- {of('store_last_commit_timestamp_seconds')}"
    queues = targets(
        (of("store_queue_length"), "{{instance}} waiting"),
        (of("store_queue_capacity"), "{{instance}} capacity"),
    )
    return [
        (6, lines(
            "Time of a commit",
            "Time to store a group of writes durably. Each push waits for a commit.",
            quantiles("store_commit_duration_seconds", "instance"),
            "s",
        )),
        (6, lines(
            "Writes and errors",
            "Writes and errors a second. While writes fail, no push is accepted. Stored moments "
            "in the future mean that a clock was set back.",
            targets(
                (rate("store_writes_total", "instance"), "{{instance}} written"),
                (rate("store_errors_total", "instance"), "{{instance}} failed"),
                (rate("store_future_timestamps_total", "instance"), "{{instance}} from the future"),
            ),
            "wps",
        )),
        (6, lines(
            "Age of the last commit",
            "Time since the last commit. The store commits every 5 seconds, even without pushes. "
            "After 2 minutes the store hangs.",
            [target(age, "{{instance}}")],
            "s",
            thresholds=steps("transparent", (120, VERMILION)),
        )),
        (6, lines(
            "Writes that wait",
            "Writes that wait for the store. At capacity, further pushes are refused.",
            queues,
            "short",
        )),
    ]  # fmt: skip


def _notifications() -> list[tuple[int, Json]]:
    by = "alertmanager"
    return [
        (8, lines(
            "Alerts sent",
            "Alerts that each Alertmanager accepted, alerts that failed and are sent again, and "
            "dropped alerts. Empty: no Alertmanager is configured.",
            targets(
                (increase("notifications_sent_total", by), "{{alertmanager}} accepted"),
                (increase("notifications_errors_total", by), "{{alertmanager}} failed"),
                (increase("notifications_dropped_total", by), "{{alertmanager}} dropped"),
            ),
            "short",
        )),
        (8, lines(
            "Time of a request to Alertmanager",
            "Time of one request to each Alertmanager.",
            quantiles("notifications_latency_seconds", by),
            "s",
        )),
        (8, lines(
            "Alerts that wait",
            "Alerts in the queue. At capacity, the oldest are dropped.",
            targets(
                (f"max by ({by}) ({of('notifications_queue_length')})", "{{alertmanager}}"),
                (f"max({of('notifications_queue_capacity')})", "capacity"),
            ),
            "short",
        )),
    ]  # fmt: skip


def _process() -> list[tuple[int, Json]]:
    skew = f"timestamp({of('time_seconds')})\n- {of('time_seconds')}"
    cpu = f"rate(process_cpu_seconds_total{{{WHERE}}}[$__rate_interval])"
    credit = increase("outage_credit_seconds_total", "instance", "1h")
    return [
        (6, lines(
            "Outage credit of the last hour",
            "Time in which no push could be received: restarts, crashes, a failing store.",
            [target(credit, "{{instance}}")],
            "s",
            bars=True,
        )),
        (6, lines(
            "Clock against Prometheus",
            "Difference between the clocks of Prometheus and the exporter. Deadlines are judged "
            "wrongly by this time; above 30 seconds an alert fires.",
            [target(skew, "{{instance}}")],
            "s",
        )),
        (4, lines(
            "Processor",
            "CPU time of the exporter, in parts of one processor.", [target(cpu, "{{instance}}")],
            "percentunit",
        )),
        (4, lines(
            "Memory",
            "Memory of the exporter.",
            [target(f"process_resident_memory_bytes{{{WHERE}}}", "{{instance}}")],
            "bytes",
        )),
        (4, lines(
            "Open files",
            "Open files and connections, and the limit.",
            targets(
                (f"process_open_fds{{{WHERE}}}", "{{instance}}"),
                (f"process_max_fds{{{WHERE}}}", "{{instance}} at most"),
            ),
            "short",
        )),
    ]  # fmt: skip


def exporter() -> Json:
    """Return the dashboard."""
    return dashboard(
        UID,
        "yuptime / Exporter",
        "Health of the exporter: requests, store, notifications, cluster, process.",
        variables=variables(),
        panels=placed(
            (4, _health()),
            (5, [(24, _versions())]),
            heading("Pushes and requests"),
            (8, _pushes()),
            (8, _requests()),
            heading("Store"),
            (8, _store()),
            heading("Alerts sent to Alertmanager"),
            (8, _notifications()),
            heading("Kubernetes"),
            (8, following()),
            (8, writing()),
            heading("Clock and process"),
            (8, _process()),
        ),
        alerts={
            "Alerts of the exporter": "max by (alertname, severity, instance) "
            '(ALERTS{alertname=~"Yuptime.*", alertstate="firing", monitor=""})'
        },
    )
