"""yuptime / Exporter: whether the exporter itself can be trusted."""

from dashboards.cluster import following, writing
from dashboards.grafana import dashboard, heading, placed, query_variable
from dashboards.instances import WHERE, increase, of, quantiles, rate
from dashboards.panels import Json, lines, override, stat, steps, table, target, targets
from dashboards.promql import BLUE, VERMILION, YELLOW, Code

UID = "yuptime-exporter"

_SUCCESS = (Code(0, "refused", VERMILION), Code(1, "in force", BLUE))


def variables() -> list[Json]:
    """Return what the reader can choose."""
    return [
        query_variable("job", "Job", "yuptime_build_info", ""),
        query_variable("instance", "Instance", "yuptime_build_info", 'job=~"$job"'),
    ]


def _health() -> list[tuple[int, Json]]:
    return [
        (4, stat(
            "Ready",
            "How many exporters are scraped and ready: state restored and all monitors listed. "
            "With none, no failure of a job is noticed by Prometheus.",
            f"sum({of('ready')}) or vector(0)",
            thresholds=steps(VERMILION, (1, BLUE)),
        )),
        (4, stat(
            "Cannot be used",
            "How many objects and files cannot be used as they are. The log of the exporter says "
            "why, and so does yuptime check.",
            f"max({of('monitors_invalid')})",
            thresholds=steps(BLUE, (1, YELLOW)),
        )),
        (4, stat(
            "Configuration",
            "Whether the last reload was in order; refused: the configuration before it is in "
            "force, and the exporter would not start with the new one.",
            f"min({of('config_last_reload_successful')})",
            codes=_SUCCESS,
        )),
        (4, stat(
            "Last good reload",
            "Since when the configuration is in force.",
            f"1000 * max({of('config_last_reload_success_timestamp_seconds')})",
            "dateTimeFromNow",
        )),
        (4, stat(
            "Outage credit in the range",
            "For how long nobody could push, which deadlines got back.",
            f"sum(increase({of('outage_credit_seconds_total')}[$__range]))\n"
            f"or 0 * sum({of('ready')})",
            "s",
            thresholds=steps(BLUE, (60, YELLOW)),
        )),
        (4, stat(
            "Documents ignored",
            "How many documents of other kinds the manifests hold; often that is meant so.",
            f"max({of('documents_ignored')})",
        )),
    ]  # fmt: skip


def _versions() -> Json:
    return table(
        "Versions",
        "Which version runs where, and since when.",
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
        (12, lines(
            "Requests",
            "How many requests a second, by route and answer. 5xx: the exporter could not do what "
            "it should.",
            [target(rate("http_request_duration_seconds_count", "handler, method, code"),
                    "{{method}} {{handler}} {{code}}")],
            "reqps",
        )),
        (12, lines(
            "Time of a request",
            "How long answers take, from the end of a request's headers on; a push includes "
            "making it durable.",
            quantiles("http_request_duration_seconds", "handler"),
            "s",
        )),
    ]  # fmt: skip


def _pushes() -> list[tuple[int, Json]]:
    each = f"rate({of('monitor_pushes_total')}[$__rate_interval])"
    accepted = f"max by (namespace, monitor) ({each})"
    return [
        (8, lines(
            "Accepted pushes",
            "How many reports arrive a second, over all jobs.",
            [target(f"sum({accepted})", "accepted")],
            "reqps",
        )),
        (8, lines(
            "Rejected pushes",
            "Who is turned away, and why. unauthorized: strangers, or a job with an old token. "
            "token_missing: a Secret that is not there. store_unavailable: see the store below.",
            [target(increase("pushes_rejected_total", "reason"), "{{reason}}")],
            "short",
            bars=True,
        )),
        (8, lines(
            "Declared monitors",
            "How many monitors there are, by type; only those of type push are judged.",
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
            "How long the disk takes to make a group of writes durable; each push waits for one.",
            quantiles("store_commit_duration_seconds", "instance"),
            "s",
        )),
        (6, lines(
            "Writes and errors",
            "How much is written, and whether writes fail: then no push is accepted. Stored "
            "moments in the future tell of a clock that was set back.",
            targets(
                (rate("store_writes_total", "instance"), "{{instance}} written"),
                (rate("store_errors_total", "instance"), "{{instance}} failed"),
                (rate("store_future_timestamps_total", "instance"), "{{instance}} from the future"),
            ),
            "wps",
        )),
        (6, lines(
            "Age of the last commit",
            "Whether the store still answers: something is committed each five seconds, push or "
            "none. Beyond two minutes it hangs.",
            [target(age, "{{instance}}")],
            "s",
            thresholds=steps("transparent", (120, VERMILION)),
        )),
        (6, lines(
            "Writes that wait",
            "Whether the disk keeps up. At capacity further pushes are refused.",
            queues,
            "short",
        )),
    ]  # fmt: skip


def _notifications() -> list[tuple[int, Json]]:
    by = "alertmanager"
    return [
        (8, lines(
            "Alerts told",
            "Whether each Alertmanager is told directly: what it accepted, what failed and is sent "
            "again, and what was dropped. Empty: none is configured.",
            targets(
                (increase("notifications_sent_total", by), "{{alertmanager}} accepted"),
                (increase("notifications_errors_total", by), "{{alertmanager}} failed"),
                (increase("notifications_dropped_total", by), "{{alertmanager}} dropped"),
            ),
            "short",
        )),
        (8, lines(
            "Time to tell an Alertmanager",
            "How long one request to an Alertmanager takes.",
            quantiles("notifications_latency_seconds", by),
            "s",
        )),
        (8, lines(
            "Alerts that wait",
            "Whether alerts pile up. At capacity the oldest are dropped.",
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
            "When nobody could push, and for how long: restarts, crashes, a store that refused.",
            [target(credit, "{{instance}}")],
            "s",
            bars=True,
        )),
        (6, lines(
            "Clock against Prometheus",
            "How far the clock that judges is off. Beyond 30 seconds deadlines are judged wrongly "
            "by as much.",
            [target(skew, "{{instance}}")],
            "s",
        )),
        (4, lines(
            "Processor",
            "How much of one processor it uses.", [target(cpu, "{{instance}}")],
            "percentunit",
        )),
        (4, lines(
            "Memory",
            "How much memory it holds.",
            [target(f"process_resident_memory_bytes{{{WHERE}}}", "{{instance}}")],
            "bytes",
        )),
        (4, lines(
            "Open files",
            "How many files and connections are open, and how many may be.",
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
        "Whether the exporter itself can be trusted: requests, store, notifications, cluster, process.",
        variables=variables(),
        panels=placed(
            (4, _health()),
            (5, [(24, _versions())]),
            heading("Pushes and requests"),
            (8, _pushes()),
            (8, _requests()),
            heading("Store"),
            (8, _store()),
            heading("Alertmanagers told directly"),
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
