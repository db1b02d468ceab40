"""Wrong rules: each removes one thought from the right rules."""

# The mistake, a text that occurs once in the rules, and its wrong replacement.
Mutant = tuple[str, str, str]

# Parts of the right rules that several mistakes change.
_NEWEST_DEADLINE = """                - max by (namespace, monitor) (
                  yuptime_monitor_deadline_timestamp_seconds
                  unless
                  yuptime_monitor_last_event_timestamp_seconds
                  < on (namespace, monitor) group_left ()
                  max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
                )
"""
_PASSED = """                > 0
              )
            )
"""
_HELD = """            - max without (alertname, alertstate) (
              ALERTS{alertname="YuptimeMonitorDown", alertstate="firing"}
            )
"""
_UNREADY = """            unless on ()
            yuptime_ready == 1
"""

MONITOR_MUTANTS: list[Mutant] = [
    ("the clock is that of the evaluation",
     """              or
              (
                max by (namespace, monitor) (timestamp(yuptime_monitor_deadline_timestamp_seconds))
""",
     """              or
              (
                time()
"""),
    ("the clock is that of the replica scraped first",
     """              or
              (
                max by (namespace, monitor) (timestamp(yuptime_monitor_deadline_timestamp_seconds))
""",
     """              or
              (
                min by (namespace, monitor) (timestamp(yuptime_monitor_deadline_timestamp_seconds))
"""),
    ("the earliest deadline counts",
     _NEWEST_DEADLINE + _PASSED,
     _NEWEST_DEADLINE.replace("max by", "min by", 1) + _PASSED),
    ("the deadline is computed without the credit",
     _NEWEST_DEADLINE + _PASSED,
     """                - max by (namespace, monitor) (
                  yuptime_monitor_last_push_timestamp_seconds
                  + yuptime_monitor_expire_seconds + yuptime_monitor_grace_seconds
                )
""" + _PASSED),
    ("the deadline itself is down", _PASSED + "            and on ()", "                >= 0\n              )\n            )\n            and on ()"),
    ("late is down", _PASSED + "            and on ()", "                > -60\n              )\n            )\n            and on ()"),
    ("silence is not down",
     """              or
              (
                max by (namespace, monitor) (timestamp(yuptime_monitor_deadline_timestamp_seconds))
""" + _NEWEST_DEADLINE + _PASSED,
     "            )\n"),
    ("down counts only with silence",
     """              or
              (
                max by (namespace, monitor) (timestamp(yuptime_monitor_deadline""",
     """              and
              (
                max by (namespace, monitor) (timestamp(yuptime_monitor_deadline"""),
    ("silence is told before the report",
     """              max by (namespace, monitor) (
                yuptime_monitor_up == 0""",
     """              namespace_monitor:yuptime_monitor_overdue_seconds:max > 0
              or
              max by (namespace, monitor) (
                yuptime_monitor_up == 0"""),
    ("never pushed is reported down",
     "                (max by (namespace, monitor) (yuptime_monitor_last_push_timestamp_seconds) > 0)",
     "                (max by (namespace, monitor) (yuptime_monitor_last_push_timestamp_seconds) >= 0)"),
    ("the replica with the oldest push decides",
     "                (max by (namespace, monitor) (yuptime_monitor_last_push_timestamp_seconds) > 0)",
     "                (min by (namespace, monitor) (yuptime_monitor_last_push_timestamp_seconds) > 0)"),
    ("any replica that says down decides",
     """                == on (namespace, monitor) group_left ()
                (max by (namespace, monitor) (yuptime_monitor_last_push_timestamp_seconds) > 0)
""", "                > 0\n"),
    ("all replicas must say down",
     "                yuptime_monitor_up == 0",
     """                yuptime_monitor_up == on (namespace, monitor) group_left ()
                (max by (namespace, monitor) (yuptime_monitor_up) == 0)"""),
    ("the instance is kept",
     """          (
            max without (instance, job) (yuptime_monitor_alert_labels)
            * on (namespace, monitor) group_left ()
            (
              max""",
     """          (
            max without (job) (yuptime_monitor_alert_labels)
            * on (namespace, monitor) group_left ()
            (
              max"""),
    ("only the names of the monitor are kept",
     """          (
            max without (instance, job) (yuptime_monitor_alert_labels)""",
     """          (
            max by (namespace, monitor) (yuptime_monitor_alert_labels)"""),
    ("monitors are told apart by name alone",
     """            * on (namespace, monitor) group_left ()
            (
              max by (namespace, monitor) (""",
     """            * on (monitor) group_left ()
            max by (monitor) (
              max by (namespace, monitor) ("""),
    ("a paused monitor is judged",
     """            max without (instance, job) (yuptime_monitor_alert_labels)
            * on (namespace, monitor) group_left ()
            (
              max by""",
     """            (
              max by"""),
    ("something new fires without a ready exporter",
     """            and on ()
            yuptime_ready == 1
""", ""),
    ("nothing is held",
     _HELD + _UNREADY, "            vector(0) < 0\n"),
    ("alerts of an unlisted namespace are not held",
     "            min by (namespace) (yuptime_kubernetes_namespace_unlisted) == 1\n",
     "            min by (namespace) (yuptime_kubernetes_namespace_unlisted) == 2\n"),
    ("one replica that may not list a namespace holds its alerts",
     "min by (namespace) (yuptime_kubernetes_namespace_unlisted)",
     "max by (namespace) (yuptime_kubernetes_namespace_unlisted)"),
    ("an unlisted namespace holds the alerts of all",
     """            and on (namespace)
            min by (namespace) (yuptime_kubernetes_namespace_unlisted) == 1
""",
     """            and on ()
            min by (namespace) (yuptime_kubernetes_namespace_unlisted) == 1
"""),
    ("an alert is held although the namespace is listed",
     """            and on (namespace)
            min by (namespace) (yuptime_kubernetes_namespace_unlisted) == 1
""",
     """            and on (namespace)
            min by (namespace) (yuptime_kubernetes_namespace_unlisted)
"""),
    ("it is held forever",
     _UNREADY, ""),
    ("it is held while any replica is not ready",
     _UNREADY + """          )
          or""",
     """            and on ()
            yuptime_ready == 0
          )
          or"""),
    ("it is held until all replicas are ready",
     _UNREADY,
     """            unless on ()
            min(yuptime_ready) == 1
"""),
    ("it is held only until the exporter can be scraped",
     _UNREADY + """          )
          or""",
     """            unless on ()
            yuptime_ready
          )
          or"""),
    ("all replicas must be ready",
     """            and on ()
            yuptime_ready == 1
""",
     """            and on ()
            min(yuptime_ready) == 1
"""),
    ("the held alert keeps the labels of ALERTS",
     _HELD + "            unless on ()\n",
     """            - max without (alertname) (
              ALERTS{alertname="YuptimeMonitorDown", alertstate="firing"}
            )
            unless on ()
"""),
    ("the alert of an unlisted namespace keeps the labels of ALERTS",
     _HELD + "            and on (namespace)\n",
     """            - max without (alertname) (
              ALERTS{alertname="YuptimeMonitorDown", alertstate="firing"}
            )
            and on (namespace)
"""),
    ("it fires only after a while",
     "      - alert: YuptimeMonitorDown\n", "      - alert: YuptimeMonitorDown\n        for: 1m\n"),
    ("the rule has labels of its own",
     "      - alert: YuptimeMonitorDown\n",
     "      - alert: YuptimeMonitorDown\n        labels: {severity: critical}\n"),
    ("the state of a paused monitor is that of its silence",
     """          0 * max by (namespace, monitor) (yuptime_monitor_info{paused="true"})
          or
""", ""),
    ("every monitor is paused", '(yuptime_monitor_info{paused="true"})', "(yuptime_monitor_info)"),
    ("a report of down is a silence", "          5 + max by", "          4 + max by"),
    ("a deadline that is reached is not passed",
     "            >= 0\n          )\n          + 2 *", "            > 0\n          )\n          + 2 *"),
    ("a monitor that never pushed is silent", "          + 2 * (max by", "          + 0 * (max by"),
    ("a monitor that never pushed is up",
     """          2 + (max by (namespace, monitor) (yuptime_monitor_last_push_timestamp_seconds) == 0)
          or
""", ""),
    ("a push is late only at the deadline",
     """(timestamp(yuptime_monitor_due_timestamp_seconds))
            - max by (namespace, monitor) (
              yuptime_monitor_due_timestamp_seconds
              unless
              yuptime_monitor_last_event_timestamp_seconds
              < on (namespace, monitor) group_left ()
              max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
            )
""",
     """(timestamp(yuptime_monitor_due_timestamp_seconds))
            - max by (namespace, monitor) (
              yuptime_monitor_deadline_timestamp_seconds
              unless
              yuptime_monitor_last_event_timestamp_seconds
              < on (namespace, monitor) group_left ()
              max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
            )
"""),
    ("the silence is told since the deadline",
     " - (max(yuptime_monitor_last_push_timestamp_seconds{namespace=%q,monitor=%q}) > 0))",
     " - 0 * (max(yuptime_monitor_last_push_timestamp_seconds{namespace=%q,monitor=%q}) > 0))"),
    ("a length of time ends in zeros",
     'has not reported for more than {{ . | first | value | humanizeDuration | reReplaceAll "( 0[hms])+$" ""',
     "has not reported for more than {{ . | first | value | humanizeDuration"),
    ("the message is that of any monitor", "(yuptime_monitor_message_info{namespace=%q,monitor=%q})", '(yuptime_monitor_message_info{namespace=%q,monitor!=%q})'),
    ("the page is that of any exporter", "yuptime_external_url_info and on (instance, job) yuptime", "yuptime_external_url_info or yuptime"),
    ("the team's runbook is that of any monitor", "max by (runbook_url) (yuptime_monitor_annotations_info{namespace=%q,monitor=%q,", "max by (runbook_url) (yuptime_monitor_annotations_info{namespace=%q,monitor!=%q,"),
    ("the last success is the last push", "floor(max(yuptime_monitor_last_success_timestamp_seconds", "floor(max(yuptime_monitor_last_push_timestamp_seconds"),
    ("what is held looks like a report",
     _HELD + "            unless on ()\n",
     """            0 * max without (alertname, alertstate) (
              ALERTS{alertname="YuptimeMonitorDown", alertstate="firing"}
            )
            unless on ()
"""),
    ("what is held for an unlisted namespace looks like a report",
     _HELD + "            and on (namespace)\n",
     """            0 * max without (alertname, alertstate) (
              ALERTS{alertname="YuptimeMonitorDown", alertstate="firing"}
            )
            and on (namespace)
"""),
    ("overdue: a replica without the newest start counts",
     """(timestamp(yuptime_monitor_deadline_timestamp_seconds))
          - max by (namespace, monitor) (
            yuptime_monitor_deadline_timestamp_seconds
            unless
            yuptime_monitor_last_event_timestamp_seconds
            < on (namespace, monitor) group_left ()
            max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
          )
""",
     """(timestamp(yuptime_monitor_deadline_timestamp_seconds))
          - max by (namespace, monitor) (
            yuptime_monitor_deadline_timestamp_seconds
          )
"""),
    ("overdue: the replica with the oldest start decides",
     """          - max by (namespace, monitor) (
            yuptime_monitor_deadline_timestamp_seconds
            unless
            yuptime_monitor_last_event_timestamp_seconds
            < on (namespace, monitor) group_left ()
            max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
          )
""",
     """          - max by (namespace, monitor) (
            yuptime_monitor_deadline_timestamp_seconds
            unless
            yuptime_monitor_last_event_timestamp_seconds
            > on (namespace, monitor) group_left ()
            max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
          )
"""),
    ("silence: a replica without the newest push counts",
     _NEWEST_DEADLINE + _PASSED,
     """                - max by (namespace, monitor) (
                  yuptime_monitor_deadline_timestamp_seconds
                )
""" + _PASSED),
    ("silence: the replica with the oldest push decides",
     _NEWEST_DEADLINE + _PASSED,
     """                - max by (namespace, monitor) (
                  yuptime_monitor_deadline_timestamp_seconds
                  unless
                  yuptime_monitor_last_event_timestamp_seconds
                  > on (namespace, monitor) group_left ()
                  max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
                )
""" + _PASSED),
    ("a run: a replica without its start hides that it hangs",
     _NEWEST_DEADLINE + """                > 0
                and on""",
     """                - max by (namespace, monitor) (
                  yuptime_monitor_deadline_timestamp_seconds
                )
                > 0
                and on"""),
    ("a run: a replica without its end says that it hangs",
     """                  unless
                  yuptime_monitor_last_event_timestamp_seconds
                  < on (namespace, monitor) group_left ()
                  max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
                )
              )
              or""",
     """                )
              )
              or"""),
    ("a run: a start after the deadline counts",
     """                  yuptime_monitor_deadline_timestamp_seconds
                  > (yuptime_monitor_run_start""",
     "                  (yuptime_monitor_run_start"),
    ("a run: one without a limit counts",
     """                  yuptime_monitor_max_runtime_seconds > 0
                  and
""",
     ""),
    ("a run: none is needed",
     "                  > (yuptime_monitor_run_start_timestamp_seconds > 0)",
     "                  > yuptime_monitor_run_start_timestamp_seconds"),
    ("a run: it hangs before its deadline",
     _NEWEST_DEADLINE + """                > 0
                and on""",
     _NEWEST_DEADLINE + """                > -60
                and on"""),
    ("a run: that it hangs is told as a report",
     "              -2\n",
     "              0\n"),
    ("state of a run: a replica without its start hides that it hangs",
     """            - max by (namespace, monitor) (
              yuptime_monitor_deadline_timestamp_seconds
              unless
              yuptime_monitor_last_event_timestamp_seconds
              < on (namespace, monitor) group_left ()
              max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
            )
            >= 0
            and on""",
     """            - max by (namespace, monitor) (
              yuptime_monitor_deadline_timestamp_seconds
            )
            >= 0
            and on"""),
    ("state of a run: a replica without its end says that it hangs",
     """              > (yuptime_monitor_run_start_timestamp_seconds > 0)
              unless
              yuptime_monitor_last_event_timestamp_seconds
              < on (namespace, monitor) group_left ()
              max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
""",
     "              > (yuptime_monitor_run_start_timestamp_seconds > 0)\n"),
    ("state of a run: a start after the deadline counts",
     """              yuptime_monitor_deadline_timestamp_seconds
              > (yuptime_monitor_run_start""",
     "              (yuptime_monitor_run_start"),
    ("state of a run: one without a limit counts",
     """            (
              yuptime_monitor_max_runtime_seconds > 0
              and
""",
     "            (\n"),
    ("state of a run: it hangs after its deadline only",
     """            - max by (namespace, monitor) (
              yuptime_monitor_deadline_timestamp_seconds
              unless
              yuptime_monitor_last_event_timestamp_seconds
              < on (namespace, monitor) group_left ()
              max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
            )
            >= 0
            and on""",
     """            - max by (namespace, monitor) (
              yuptime_monitor_deadline_timestamp_seconds
              unless
              yuptime_monitor_last_event_timestamp_seconds
              < on (namespace, monitor) group_left ()
              max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
            )
            > 0
            and on"""),
    ("state of a run: that it hangs is a silence",
     """          7
          + 0""",
     """          4
          + 0"""),
    ("state: a replica without the newest push counts",
     """            - max by (namespace, monitor) (
              yuptime_monitor_deadline_timestamp_seconds
              unless
              yuptime_monitor_last_event_timestamp_seconds
              < on (namespace, monitor) group_left ()
              max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
            )
            >= 0
          )
          + 2""",
     """            - max by (namespace, monitor) (
              yuptime_monitor_deadline_timestamp_seconds
            )
            >= 0
          )
          + 2"""),
    ("state: a replica without the newest push hides that a push is late",
     """            - max by (namespace, monitor) (
              yuptime_monitor_due_timestamp_seconds
              unless
              yuptime_monitor_last_event_timestamp_seconds
              < on (namespace, monitor) group_left ()
              max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds)
            )
""",
     """            - max by (namespace, monitor) (
              yuptime_monitor_due_timestamp_seconds
            )
"""),
    ("the limit of a run is that of any monitor",
     "max(yuptime_monitor_max_runtime_seconds{namespace=%q,monitor=%q})",
     "max(yuptime_monitor_max_runtime_seconds{namespace=%q,monitor!=%q})"),
    ("the silence is that of a replica without the newest push",
     '"floor(max(yuptime_monitor_deadline_timestamp_seconds{namespace=%q,monitor=%q} unless yuptime_monitor_last_event_timestamp_seconds{namespace=%q,monitor=%q} < on (namespace, monitor) group_left () max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds{namespace=%q,monitor=%q})) - (max',
     '"floor(max(yuptime_monitor_deadline_timestamp_seconds{namespace=%q,monitor=%q} unless yuptime_monitor_last_event_timestamp_seconds{namespace=%q,monitor=%q} > on (namespace, monitor) group_left () max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds{namespace=%q,monitor=%q})) - (max'),
    ("the deadline is that of a replica without the newest push",
     '"floor(max(yuptime_monitor_deadline_timestamp_seconds{namespace=%q,monitor=%q} unless yuptime_monitor_last_event_timestamp_seconds{namespace=%q,monitor=%q} < on (namespace, monitor) group_left () max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds{namespace=%q,monitor=%q})) < Inf)"',
     '"floor(max(yuptime_monitor_deadline_timestamp_seconds{namespace=%q,monitor=%q} unless yuptime_monitor_last_event_timestamp_seconds{namespace=%q,monitor=%q} > on (namespace, monitor) group_left () max by (namespace, monitor) (yuptime_monitor_last_event_timestamp_seconds{namespace=%q,monitor=%q})) < Inf)"'),
    ("a deadline that never comes is written as a moment", ')) < Inf)"', ')))"'),
    ("state of a run: none is needed",
     "\n              > (yuptime_monitor_run_start_timestamp_seconds > 0)",
     "\n              > yuptime_monitor_run_start_timestamp_seconds"),
]  # fmt: skip
EXPORTER_MUTANTS: list[Mutant] = [
    ("YuptimeAbsent: an exporter that is not ready is there", "          (yuptime_ready == 1)\n        for: 5m",
     "          (yuptime_ready)\n        for: 5m"),
    ("YuptimeAbsent: a restart is an absence", "          (yuptime_ready == 1)\n        for: 5m",
     "          (yuptime_ready == 1)\n        for: 3m"),
    ("YuptimeAbsent: an exporter that was never scraped is not missed",
     "            or on ()\n            absent(yuptime_ready)\n", ""),
    ("YuptimeAbsent: nobody is paged for the namespace of the exporter",
     "group by (namespace) (last_over_time(yuptime_ready[1d]))",
     "group by () (last_over_time(yuptime_ready[1d]))"),
    ("YuptimeHonorLabelsMissing: the namespace of the exporter is not named",
     "group by (namespace, job) (yuptime_ready)", "group by (job) (yuptime_ready)"),
    ("YuptimeHonorLabelsMissing: only the namespace shows that labels are not honoured",
     '            or yuptime_monitor_alert_labels{exported_service!=""}\n', ""),
    ("YuptimeAlertLabelsDiffer: one set of labels is one too many", ") > 1\n", ") > 0\n"),
    ("YuptimeAlertLabelsDiffer: replicas differ because of their addresses",
     """            max without (instance, job) (yuptime_monitor_alert_labels)
          ) > 1""",
     """            max without (job) (yuptime_monitor_alert_labels)
          ) > 1"""),
    ("YuptimeAlertLabelsDiffer: a rollout is a difference", ") > 1\n        for: 15m", ") > 1\n        for: 5m"),
    ("YuptimeNotificationsFailing: one failed alert is a failing Alertmanager", "> 0.01", "> 0"),
    ("YuptimeNotificationsFailing: only a dead Alertmanager is a failing one", "> 0.01", "> 0.5"),
    ("YuptimeNotificationsFailing: a short failure is a failing Alertmanager", "> 0.01\n        for: 15m",
     "> 0.01\n        for: 5m"),
    ("YuptimeNotificationQueueRunningFull: half a queue is a full one", "> on (instance, job)", ">= on (instance, job)"),
    ("YuptimeNotificationQueueRunningFull: only a full queue is running full", "0.5 * yuptime", "1 * yuptime"),
    ("YuptimeNotificationQueueRunningFull: a burst fills the queue", "queue_capacity\n        for: 15m", "queue_capacity\n        for: 5m"),
    ("YuptimeConfigReloadFailed: every reload has failed", "reload_successful[5m]) == 0", "reload_successful[5m]) >= 0"),
    ("YuptimeMonitorsDropped: half of them are too few", "          < 0.5 *\n", "          <= 0.5 *\n"),
    ("YuptimeMonitorsDropped: other types count", "(max without (instance, pod) (yuptime_monitors{type=\"push\"}))\n          < 0.5", "(max without (instance, pod) (yuptime_monitors))\n          < 0.5"),
    ("YuptimeMonitorsDropped: an exporter that starts has lost all", "[1h:1m])\n          and on () yuptime_ready == 1\n", "[1h:1m])\n"),
    ("YuptimeMonitorsDropped: a short drop counts", "and on () yuptime_ready == 1\n        for: 5m\n        labels:\n          severity: warning\n        annotations:\n          summary: More", "and on () yuptime_ready == 1\n        for: 3m\n        labels:\n          severity: warning\n        annotations:\n          summary: More"),
    ("YuptimeMonitorsInvalid: each replica counts its invalid monitors", "max without (instance, pod) (yuptime_monitors_invalid",
     "max without (pod) (yuptime_monitors_invalid"),
    ("YuptimeMonitorsInvalid: all monitors are invalid", "(yuptime_monitors_invalid) > 0", "(yuptime_monitors_invalid) >= 0"),
    ("YuptimeStoreFailing: one error is a failing store", "rate(yuptime_store_errors_total[3m])",
     "rate(yuptime_store_errors_total[10m])"),
    ("YuptimeStoreFailing: a store that hangs is sound",
     """          or
          yuptime_time_seconds - yuptime_store_last_commit_timestamp_seconds > 120
""", ""),
    ("YuptimeStoreFailing: a slow store is a failing one", "_last_commit_timestamp_seconds > 120",
     "_last_commit_timestamp_seconds >= 120"),
    ("YuptimeStoreFailing: errors of the store do not count",
     "rate(yuptime_store_errors_total[3m]) > 0", "rate(yuptime_store_errors_total[3m]) > 1"),
    ("YuptimeClockSkew: a clock may go fast", "abs(timestamp(yuptime_time_seconds) - yuptime_time_seconds) > 30",
     "timestamp(yuptime_time_seconds) - yuptime_time_seconds > 30"),
    ("YuptimeClockSkew: any skew is too much", "- yuptime_time_seconds) > 30", "- yuptime_time_seconds) >= 30"),
    ("YuptimeClockSkew: a short skew is too long", "> 30\n        for: 5m", "> 30\n        for: 3m"),
    ("YuptimeConnectionsExhausted: a burst is a lack of room",
     "          > 0\n        for: 10m\n        labels:\n          severity: warning\n        annotations:\n          summary: yuptime-exporter has no room",
     "          > 0\n        for: 3m\n        labels:\n          severity: warning\n        annotations:\n          summary: yuptime-exporter has no room"),
    ("YuptimeConnectionsExhausted: each reason is an alert of its own", "sum without (reason) (rate(yuptime_http_accept", "(rate(yuptime_http_accept"),
    ("YuptimeConnectionsExhausted: a client that sends nothing takes the room",
     'connections_closed_total{reason="limit"}[5m]', "connections_closed_total[5m]"),
    ("YuptimeConnectionsExhausted: idle connections may be closed for ever",
     """          + sum without (reason) (rate(yuptime_http_connections_closed_total{reason="limit"}[5m]))
""", ""),
    ("YuptimeConnectionsExhausted: a lack of room is remembered for long", "accept_pauses_total[5m]", "accept_pauses_total[15m]"),
    ("YuptimePushesRejected: rejected pushes of old count", "rate(yuptime_monitor_pushes_rejected_total[15m])",
     "(yuptime_monitor_pushes_rejected_total)"),
    ("YuptimePushesRejected: one replica's rejections count", "sum by (namespace, monitor) (rate",
     "max by (namespace, monitor) (increase"),
    ("YuptimePushesRejected: rejections are forgotten soon", "pushes_rejected_total[15m]", "pushes_rejected_total[10m]"),
]  # fmt: skip
KUBERNETES_MUTANTS: list[Mutant] = [
    ("YuptimeWatchStale: two minutes are too long", "> 120\n        for: 5m\n        labels:\n          severity: warning",
     ">= 120\n        for: 5m\n        labels:\n          severity: warning"),
    ("YuptimeWatchStale: a short silence is too long", "> 120\n        for: 5m\n        labels:\n          severity: warning",
     "> 120\n        for: 3m\n        labels:\n          severity: warning"),
    ("YuptimeWatchStale: only Monitors are heard of", "yuptime_kubernetes_watch_last_event_timestamp_seconds",
     'yuptime_kubernetes_watch_last_event_timestamp_seconds{resource="monitors"}'),
    ("YuptimeWatchStale: what was never heard of is no matter", "yuptime_kubernetes_watch_last_event_timestamp_seconds",
     "(yuptime_kubernetes_watch_last_event_timestamp_seconds > 0)"),
    ("YuptimeWatchStale: the clock is that of Prometheus",
     """          yuptime_time_seconds
          - on (instance, job) group_right ()
""", "          time() -\n"),
    ("YuptimeStatusNotWritten: what may be written is written", "yuptime_status_writable == 0", "yuptime_status_writable < 0"),
    ("YuptimeStatusNotWritten: errors are no matter",
     """              rate(yuptime_status_write_errors_total{reason="unavailable"}[5m])
            ) > 0""",
     """              rate(yuptime_status_write_errors_total{reason="unavailable"}[5m])
            ) < 0"""),
    ("YuptimeStatusNotWritten: all errors matter", '{reason="unavailable"}', ""),
    ("YuptimeStatusNotWritten: any error is too many",
     """            unless
            sum without (cause) (rate(yuptime_status_writes_total[5m])) > 0
""", ""),
    ("YuptimeStatusNotWritten: more than may be written can be",
     "yuptime_status_needed_writes_per_second > yuptime_status_max_writes_per_second",
     "yuptime_status_needed_writes_per_second > 2 * yuptime_status_max_writes_per_second"),
    ("YuptimeStatusNotWritten: as much as may be written is too much",
     "yuptime_status_needed_writes_per_second > yuptime_status_max_writes_per_second",
     "yuptime_status_needed_writes_per_second >= yuptime_status_max_writes_per_second"),
    ("YuptimeStatusNotWritten: a queue is no matter", "> 60 * sum", "> 3600 * sum"),
    ("YuptimeStatusNotWritten: any queue is too long", "> 60 * sum", "> 30 * sum"),
    ("YuptimeStatusNotWritten: what pushes wait for is not written", "> 60 * sum without (cause)", "> 60 * max without (cause)"),
    ("YuptimeStatusNotWritten: a moment is a queue", "quantile_over_time(0.5, yuptime_status_queue_length[5m])",
     "avg_over_time(yuptime_status_queue_length[5m])"),
    ("YuptimeStatusNotWritten: a short failure is too long", "for: 10m\n        labels:\n          severity: warning\n        annotations:\n          summary: yuptime-exporter does not keep",
     "for: 5m\n        labels:\n          severity: warning\n        annotations:\n          summary: yuptime-exporter does not keep"),
    ("YuptimeCrdOutdated: each replica has a definition", "max without (instance, pod) (yuptime_kubernetes", "max without (pod) (yuptime_kubernetes"),
    ("YuptimeCrdOutdated: every definition is outdated", "crd_outdated) == 1", "crd_outdated) >= 0"),
    ("YuptimeCrdOutdated: a moment is too long", "crd_outdated) == 1\n        for: 5m", "crd_outdated) == 1\n        for: 3m"),
    ("YuptimeReplicasDisagree: a push is known everywhere at once",
     "min_over_time(yuptime_monitor_last_push_timestamp_seconds[5m])", "yuptime_monitor_last_push_timestamp_seconds"),
    ("YuptimeReplicasDisagree: a push is known everywhere soon",
     "min_over_time(yuptime_monitor_last_push_timestamp_seconds[5m])", "min_over_time(yuptime_monitor_last_push_timestamp_seconds[2m])"),
    ("YuptimeReplicasDisagree: the oldest push is the newest",
     "max by (namespace, monitor) (\n              min_over_time", "min by (namespace, monitor) (\n              min_over_time"),
    ("YuptimeReplicasDisagree: a replica that is not ready is behind",
     """            and on (instance, job)
            yuptime_ready == 1
          )
        for: 5m""",
     """          )
        for: 5m"""),
    ("YuptimeReplicasDisagree: a replica that is not ready knows better",
     """              and on (instance, job)
              yuptime_ready == 1
            )
            and""",
     """            )
            and"""),
    ("YuptimeReplicasDisagree: what reads files is behind",
     """            and on (instance, job, namespace, monitor)
            yuptime_monitor_info{source="kubernetes"}
            and on (instance, job)
            yuptime_ready == 1
          )
""",
     """            and on (instance, job)
            yuptime_ready == 1
          )
"""),
    ("YuptimeReplicasDisagree: what reads files knows better",
     """              and on (instance, job, namespace, monitor)
              yuptime_monitor_info{source="kubernetes"}
              and""",
     """              and"""),
    ("YuptimeReplicasDisagree: each monitor is an alert", "count by (instance, job) (", "count by (instance, job, monitor) ("),
    ("YuptimeReplicasDisagree: a short difference is too long", "            yuptime_ready == 1\n          )\n        for: 5m",
     "            yuptime_ready == 1\n          )\n        for: 3m"),
]  # fmt: skip
