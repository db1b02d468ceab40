"""The rules under the promtool of both ages: sound, tested, and tested well."""

import shutil
from operator import itemgetter
from pathlib import Path

import pytest

from tests.peers.programs import Generation, require
from tests.rules.files import ALERT_RULES, RULE_TESTS, RULES, run

pytestmark = pytest.mark.peer

Mutant = tuple[str, str, str]

EXPORTER_TESTS = ALERT_RULES / "tests" / "exporter_alerts_test.yml"

every_generation = pytest.mark.parametrize("generation", list(Generation))

# Each takes one thought out of the rules: (what, the text, what stands there instead).
MONITOR_MUTANTS: list[Mutant] = [
    ("the clock is that of the evaluation",
     "max by (namespace, monitor) (timestamp(yuptime_monitor_deadline_timestamp_seconds))",
     "time()"),
    ("the clock is that of the replica scraped first",
     "max by (namespace, monitor) (timestamp(",
     "min by (namespace, monitor) (timestamp("),
    ("the earliest deadline counts",
     "- max by (namespace, monitor) (yuptime_monitor_deadline",
     "- min by (namespace, monitor) (yuptime_monitor_deadline"),
    ("the deadline is computed without the credit",
     "- max by (namespace, monitor) (yuptime_monitor_deadline_timestamp_seconds)",
     """- max by (namespace, monitor) (
              yuptime_monitor_last_push_timestamp_seconds
              + yuptime_monitor_expire_seconds + yuptime_monitor_grace_seconds
            )"""),
    ("the deadline itself is down", "overdue_seconds:max > 0", "overdue_seconds:max >= 0"),
    ("late is down", "overdue_seconds:max > 0", "overdue_seconds:max > -60"),
    ("silence is not down",
     """              or
              namespace_monitor:yuptime_monitor_overdue_seconds:max > 0
""", ""),
    ("down counts only with silence",
     """              or
              namespace_monitor:""",
     """              and
              namespace_monitor:"""),
    ("silence is told before the report",
     """              max by (namespace, monitor) (
                yuptime_monitor_up == 0""",
     """              namespace_monitor:yuptime_monitor_overdue_seconds:max > 0
              or
              max by (namespace, monitor) (
                yuptime_monitor_up == 0"""),
    ("never pushed is reported down", "_last_push_timestamp_seconds) > 0)",
     "_last_push_timestamp_seconds) >= 0)"),
    ("the replica with the oldest push decides",
     "(max by (namespace, monitor) (yuptime_monitor_last_push_timestamp_seconds) > 0)",
     "(min by (namespace, monitor) (yuptime_monitor_last_push_timestamp_seconds) > 0)"),
    ("any replica that says down decides",
     """                == on (namespace, monitor) group_left ()
                (max by (namespace, monitor) (yuptime_monitor_last_push_timestamp_seconds) > 0)
""", "                > 0\n"),
    ("all replicas must say down",
     "yuptime_monitor_up == 0",
     """yuptime_monitor_up == on (namespace, monitor) group_left ()
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
     """            - max without (alertname, alertstate) (
              ALERTS{alertname="YuptimeMonitorDown", alertstate="firing"}
            )
            unless on ()
            yuptime_ready == 1
""", "            vector(0) < 0\n"),
    ("it is held forever",
     """            unless on ()
            yuptime_ready == 1
""", ""),
    ("it is held while any replica is not ready",
     """            unless on ()
            yuptime_ready == 1
          )
        annotations""",
     """            and on ()
            yuptime_ready == 0
          )
        annotations"""),
    ("it is held until all replicas are ready",
     """            unless on ()
            yuptime_ready == 1
""",
     """            unless on ()
            min(yuptime_ready) == 1
"""),
    ("it is held only until the exporter can be scraped",
     """            unless on ()
            yuptime_ready == 1
          )
        annotations""",
     """            unless on ()
            yuptime_ready
          )
        annotations"""),
    ("all replicas must be ready",
     """            and on ()
            yuptime_ready == 1
""",
     """            and on ()
            min(yuptime_ready) == 1
"""),
    ("the held alert keeps the labels of ALERTS",
     "- max without (alertname, alertstate) (", "- max without (alertname) ("),
    ("it fires only after a while",
     "      - alert: YuptimeMonitorDown\n", "      - alert: YuptimeMonitorDown\n        for: 1m\n"),
    ("the rule has labels of its own",
     "      - alert: YuptimeMonitorDown\n",
     "      - alert: YuptimeMonitorDown\n        labels: {severity: critical}\n"),
    ("what is held looks like a report", "            - max without (alertname",
     "            0 * max without (alertname"),
]  # fmt: skip
EXPORTER_MUTANTS: list[Mutant] = [
    ("YuptimeAbsent: an exporter that is not ready is there", "absent(yuptime_ready == 1)",
     "absent(yuptime_ready)"),
    ("YuptimeAbsent: a restart is an absence", "absent(yuptime_ready == 1)\n        for: 5m",
     "absent(yuptime_ready == 1)\n        for: 3m"),
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
    ("YuptimeMonitorsInvalid: each replica counts its invalid monitors", "max without (instance, pod) (yuptime_monitors",
     "max without (pod) (yuptime_monitors"),
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
    ("YuptimePushesRejected: rejected pushes of old count", "increase(yuptime_monitor_pushes_rejected_total[15m])",
     "(yuptime_monitor_pushes_rejected_total)"),
    ("YuptimePushesRejected: one replica's rejections count", "sum by (namespace, monitor) (increase",
     "max by (namespace, monitor) (increase"),
    ("YuptimePushesRejected: rejections are forgotten soon", "pushes_rejected_total[15m]", "pushes_rejected_total[10m]"),
]  # fmt: skip


@every_generation
def test_promtool_finds_nothing_wrong_with_the_rules(generation: Generation):
    checked = run(require("promtool", generation), "check", "rules", "--lint=all", RULES)

    assert checked.returncode == 0, checked.stdout


@every_generation
@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_the_rules_pass_their_tests(path: Path, generation: Generation):
    tested = run(require("promtool", generation), "test", "rules", path)

    assert tested.returncode == 0, tested.stdout


@pytest.mark.parametrize("mutant", MONITOR_MUTANTS, ids=itemgetter(0))
def test_the_tests_of_monitors_miss_every_thought(mutant: Mutant, tmp_path: Path):
    copy = mutated(mutant, tmp_path)
    paths = [copy / "tests" / path.name for path in RULE_TESTS if path != EXPORTER_TESTS]

    assert any(fails(path) for path in paths)


@pytest.mark.parametrize("mutant", EXPORTER_MUTANTS, ids=itemgetter(0))
def test_the_tests_of_the_exporter_miss_every_thought(mutant: Mutant, tmp_path: Path):
    copy = mutated(mutant, tmp_path)
    alert = mutant[0].partition(":")[0]

    assert fails(copy / "tests" / EXPORTER_TESTS.name, f"--run=^{alert}")


def mutated(mutant: Mutant, folder: Path) -> Path:
    """Copy the rules and their tests, with the mutant in the rules; it is sound, but wrong."""
    _, text, instead = mutant
    copy = folder / "alert-rules"
    shutil.copytree(ALERT_RULES, copy)
    rules = RULES.read_text()
    assert rules.count(text) == 1, "this mutant no longer fits the rules: write it anew"
    (copy / RULES.name).write_text(rules.replace(text, instead))
    checked = run(require("promtool", Generation.NEWEST), "check", "rules", copy / RULES.name)
    assert checked.returncode == 0, checked.stdout
    return copy


def fails(path: Path, *flags: str) -> bool:
    tested = run(require("promtool", Generation.NEWEST), "test", "rules", *flags, path)
    assert tested.returncode in (0, 1), tested.stdout
    assert tested.returncode == 0 or "got:" in tested.stdout, tested.stdout
    return tested.returncode == 1
