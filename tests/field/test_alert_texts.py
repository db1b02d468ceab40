"""The texts of alerts, as public reports wish them, on the running exporter.

One exporter sends the alerts of some twenty monitors to an Alertmanager on loopback. The sentences
about Prometheus' rules read the rule file; tests/scenarios/test_two_paths.py compares both paths.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.exporters import Home, StandingClock, exporter_here
from tests.fakes.alertmanager import FakeAlertmanager, Received, fake_alertmanager
from tests.manifests import TOKEN, monitor_yaml, secret_yaml
from tests.rules.files import alerts
from tests.waiting import eventually
from yuptime_exporter.core.alerting import RUNBOOK_URL

PAGE = "https://yuptime.example.com/jobs/monitors/field/down"
RUNBOOK = "https://wiki.example.com/our-jobs"
MENTIONS = "<!channel> @here [x](http://evil) <b> {{ .Labels.x }} 😱"
LONG = "h" * 1500 + " ROOT CAUSE: no space left"

# The first report of each monitor, as (status, message); monitors without one are never pushed to.
REPORTS = {
    "down": ("down", "disk full on /backup"),
    "silent": ("up", "OK: 120 GB in 12m"),
    "longsilent": ("up", "z" * 900),
    "downsilent": ("down", "exit 1"),
    "labels": ("down", "x"),
    "removed": ("down", ""),
    "paused": ("down", ""),
    "recovers": ("down", "exit 2"),
    "twice": ("down", "first: exit 1"),
    "long": ("down", LONG),
    "lines": ("down", "line 1\nline 2\n\tat X"),
    "mentions": ("down", MENTIONS),
    "own": ("down", ""),
    "empty": ("down", ""),
}
SHORT = {"silent", "longsilent", "downsilent", "never"}
# Together shorter than an outage, so that the clock of the test may jump beyond the deadline.
EXPIRE_SECONDS, GRACE_SECONDS = 5, 4


@dataclass(frozen=True)
class Replayed:
    """What one Alertmanager received, and the log of the exporter.

    Attributes:
        received: all alerts, in the order of their arrival.
        again: those of the restarted exporter, which has no external URL, after failures.
        log: the lines, with the name of the monitor behind the text.
        began: when the first reports were sent.
    """

    received: list[Received]
    again: list[Received]
    log: list[str]
    began: datetime

    def last(self, monitor: str) -> Received:
        return [one for one in self.received if one.labels["monitor"] == monitor][-1]

    def text(self, monitor: str) -> str:
        return "\n".join(self.last(monitor).annotations.values())


class Lines(logging.Handler):
    """Keeps the log as lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        monitor = getattr(record, "monitor", "")
        self.lines.append(f"{record.levelname} {record.getMessage()} {monitor}")


def declared(*, without: str = "", paused: str = "") -> list[str]:
    """Return the manifests of all monitors."""
    documents = [secret_yaml(namespace="field")]
    for name in (*REPORTS, "never"):
        if name == without:
            continue
        short = name in SHORT
        document = monitor_yaml(
            name,
            namespace="field",
            expire=EXPIRE_SECONDS if short else 86_400,
            grace=GRACE_SECONDS if short else 3_600,
            enabled=name != paused,
            labels={"severity": "page", "team": "db"} if name == "labels" else None,
        )
        if name == "own":
            own = f"    runbookUrl: {RUNBOOK}\n    description: Call the DBA.\n"
            document += f"  alerting:\n{own}"
        documents.append(document)
    return documents


async def replay(folder: Path, log: Lines) -> Replayed:
    # Behind the clock of Alertmanager, for which a resolved alert ends in the past.
    clock = StandingClock(float(int(datetime.now(UTC).timestamp())) - 30)
    began = datetime.fromtimestamp(clock(), UTC)
    home = Home(folder)
    home.declare(*declared())
    async with fake_alertmanager() as alertmanager:
        config = folder / "config.yaml"
        config.write_text(
            yaml.safe_dump(
                {
                    "alerting": {
                        "alertmanagers": [{"url": alertmanager.url}],
                        "resolve_delay": "0s",
                    }
                }
            )
        )
        home.flags = [
            f"--config.file={config}",
            "--web.enable-lifecycle",
            "--web.external-url=https://yuptime.example.com/jobs",
        ]
        await first_life(home, clock, alertmanager)
        received = list(alertmanager.accepted)
        alertmanager.accepted.clear()
        alertmanager.requests.clear()
        alertmanager.status = 500
        home.flags.pop()
        await second_life(home, clock, alertmanager)
    return Replayed(received, alertmanager.accepted, log.lines, began)


async def first_life(home: Home, clock: StandingClock, alertmanager: FakeAlertmanager) -> None:
    """Report all, then recover, remove and pause some, then let some be silent."""
    reported = {name for name, (status, _) in REPORTS.items() if status == "down"}
    async with exporter_here(home, clock, ready_path="/jobs/-/ready") as client:

        async def push(name: str, status: str, message: str) -> None:
            answer = await client.request(
                "POST",
                f"/jobs/api/push/field/{name}",
                headers={"Authorization": f"Bearer {TOKEN}"},
                json={"status": status, "message": message},
            )
            assert answer.status == 200, answer.body

        async def reload() -> None:
            assert (await client.request("POST", "/jobs/-/reload")).status == 200

        for name, (status, message) in REPORTS.items():
            await push(name, status, message)
        await eventually(alertmanager.firing, lambda firing: firing >= reported)
        clock.advance(1)
        await push("twice", "down", "second: exit 137")
        await push("recovers", "up", "")
        home.declare(*declared(without="removed", paused="paused"))
        await reload()
        clock.advance(EXPIRE_SECONDS + GRACE_SECONDS)
        await reload()
        await eventually(alertmanager.firing, lambda firing: firing >= SHORT)
        await eventually(
            alertmanager.resolved, lambda over: over >= {"recovers", "removed", "paused"}
        )


async def second_life(home: Home, clock: StandingClock, alertmanager: FakeAlertmanager) -> None:
    """Run again while Alertmanager fails, and then works again."""
    async with exporter_here(home, clock) as client:
        await eventually(alertmanager.received)
        alertmanager.recover()

        async def firing_again() -> set[str]:
            clock.advance(60)
            assert (await client.request("POST", "/-/reload")).status == 200
            return await alertmanager.firing()

        await eventually(firing_again, lambda firing: firing >= {"down", "twice"})


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    log = Lines()
    logger = logging.getLogger("yuptime_exporter")
    before = logger.level
    logger.addHandler(log)
    logger.setLevel(logging.INFO)
    try:
        yield asyncio.run(replay(tmp_path_factory.mktemp("alerts"), log))
    finally:
        logger.removeHandler(log)
        logger.setLevel(before)


@dataclass(frozen=True)
class Case:
    """A wish of a public report.

    Attributes:
        sentence: names the test.
        source: the public report, as `owner/repo#number`; empty: found by trying.
        holds: whether the wish is fulfilled.
    """

    sentence: str
    source: str
    holds: Callable[[Replayed], object]

    def __str__(self) -> str:
        return self.sentence


def has(monitor: str, annotation: str, value: str) -> Callable[[Replayed], bool]:
    return lambda replayed: replayed.last(monitor).annotations.get(annotation) == value


def says(monitor: str, pattern: str) -> Callable[[Replayed], object]:
    return lambda replayed: re.search(pattern, replayed.text(monitor))


def lacks(monitor: str, pattern: str) -> Callable[[Replayed], bool]:
    return lambda replayed: not re.search(pattern, replayed.text(monitor))


def resolved(monitor: str) -> Callable[[Replayed], bool]:
    return lambda replayed: replayed.last(monitor).resolved


def logged(pattern: str) -> Callable[[Replayed], bool]:
    return lambda replayed: any(re.search(pattern, line) for line in replayed.log)


CASES = [
    Case(
        "The subject of a notification names the monitor and its report.",
        "prometheus/alertmanager#250",
        has("down", "summary", "field/down reported down"),
    ),
    Case(
        "The subject about silence says for how long.",
        "healthchecks/healthchecks#1037",
        has("silent", "summary", "field/silent has not reported for more than 9s"),
    ),
    Case(
        "The subject about a job that never reported says never.",
        "TwiN/gatus#741",
        has("never", "summary", "field/never has never reported"),
    ),
    Case(
        "After silence the message of the last success is not shown as a cause.",
        "louislam/uptime-kuma#4440",
        lacks("silent", "120 GB"),
    ),
    Case(
        "A long message of a success does not fill the alert about silence.",
        "lemonsaurus/blackbox#155",
        lacks("longsilent", "zzz"),
    ),
    Case(
        "A job that reported down stays reported down when its time has passed.",
        "louislam/uptime-kuma#5639",
        has("downsilent", "summary", "field/downsilent reported down"),
    ),
    Case(
        "The description of a reported down has the last success and the deadline.",
        "prometheus/pushgateway#83",
        says("down", r"Last success: never\. Deadline: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\."),
    ),
    Case(
        "The direct feed names a runbook.",
        "prometheus/alertmanager#452",
        has("down", "runbook_url", RUNBOOK_URL),
    ),
    Case(
        "The page of the monitor is an annotation, which templates of chats print.",
        "prometheus-community/helm-charts#1278",
        has("down", "page", PAGE),
    ),
    Case(
        "The generator's URL leads to the external URL.",
        "SigNoz/signoz#7390",
        lambda replayed: replayed.last("down").generator_url == PAGE,
    ),
    Case(
        "Two failures with different messages are one alert.",
        "prometheus/alertmanager#1448",
        lambda replayed: (
            len({str(one.labels) for one in replayed.received if one.labels["monitor"] == "twice"})
            == 1
        ),
    ),
    Case(
        "The message of the second failure replaces the first.",
        "healthchecks/healthchecks#691",
        lambda replayed: (
            {
                one.annotations["message"]
                for one in replayed.again
                if one.labels["monitor"] == "twice"
            }
            == {"second: exit 137"}
        ),
    ),
    Case(
        "The message is an annotation of its own.",
        "sighupio/module-ingress#78",
        has("down", "message", "disk full on /backup"),
    ),
    Case(
        "The labels of the team are labels of the alert.",
        "healthchecks/healthchecks#1224",
        lambda replayed: (
            {"severity": "page", "team": "db"}.items() <= replayed.last("labels").labels.items()
        ),
    ),
    Case("A recovery is sent as resolved.", "", resolved("recovers")),
    Case("A paused monitor is sent as resolved.", "", resolved("paused")),
    Case("A removed monitor is sent as resolved.", "TwiN/gatus#1555", resolved("removed")),
    Case(
        "A firing monitor that is removed leaves a warning with its name.",
        "TwiN/gatus#1555",
        logged("^WARNING monitor removed while it was down.* field/removed$"),
    ),
    Case(
        "A monitor that goes down leaves a line.", "", logged("^INFO monitor is down field/down$")
    ),
    Case(
        "A monitor that recovers leaves a line.",
        "",
        logged("^INFO monitor is up again field/recovers$"),
    ),
    Case(
        "The end of a long message is shown, where the cause stands.",
        "healthchecks/healthchecks#939",
        says("long", r"h{100}[^h]+h+ ROOT CAUSE: no space left$"),
    ),
    Case(
        "A message of several lines with tabs is kept.",
        "prometheus/alertmanager#452",
        has("lines", "message", "line 1\nline 2\n\tat X"),
    ),
    Case(
        "Mentions, links, HTML and braces of a job pass as text.",
        "target/goalert#4369",
        has("mentions", "message", MENTIONS),
    ),
    Case(
        "The team's own runbook is the one of the alert.",
        "prometheus-operator/prometheus-operator#2771",
        has("own", "runbook_url", RUNBOOK),
    ),
    Case(
        "The team's own description stands first.",
        "prometheus-operator/prometheus-operator#2771",
        lambda replayed: (
            replayed.last("own").annotations["description"].startswith("Call the DBA.")
        ),
    ),
    Case(
        "An empty message leaves no words that dangle.",
        "grafana/grafana#60129",
        lambda replayed: "message" not in replayed.last("empty").annotations,
    ),
    Case(
        "No text has a value that a template did not find.",
        "grafana/grafana#60129",
        lambda replayed: not [one for one in REPORTS if "no value" in replayed.text(one)],
    ),
    Case(
        "An Alertmanager that failed for a while gets the alert afterwards.",
        "",
        lambda replayed: any(one.labels["monitor"] == "down" for one in replayed.again),
    ),
    Case(
        "After a restart an alert begins at the same moment.",
        "prometheus/alertmanager#2210",
        lambda replayed: (
            {one.starts for one in replayed.again if one.labels["monitor"] == "down"}
            == {replayed.last("down").starts}
            == {replayed.began}
        ),
    ),
    Case(
        "Without an external URL no annotation links to a host that readers cannot reach.",
        "cloudfoundry/prometheus-boshrelease#192",
        lambda replayed: not [one for one in replayed.again if "page" in one.annotations],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_alert_fulfils_the_wish_of_a_report(case: Case, replayed: Replayed) -> None:
    assert case.holds(replayed)


def rule(name: str) -> Mapping[str, Any]:
    return next(one for one in alerts() if one["alert"] == name)


def test_both_senders_write_the_same_annotations(replayed: Replayed) -> None:
    # prometheus/alertmanager#2210
    assert (
        replayed.last("down").annotations.keys() == rule("YuptimeMonitorDown")["annotations"].keys()
    )


@pytest.mark.parametrize(
    "words",
    [
        "{{ $labels.namespace }}/{{ $labels.monitor }}",  # prometheus/alertmanager#250
        "reported down",
        "has not reported for more than",
        "has never reported",  # TwiN/gatus#741
    ],
)
def test_the_summary_of_the_rule_has_the_words_of_the_direct_feed(words: str) -> None:
    assert words in rule("YuptimeMonitorDown")["annotations"]["summary"]


def test_the_rule_reads_the_runbook_of_a_monitor_before_the_projects_own() -> None:
    # prometheus/alertmanager#452
    runbook = rule("YuptimeMonitorDown")["annotations"]["runbook_url"]

    assert runbook.index("yuptime_monitor_annotations_info") < runbook.index(RUNBOOK_URL)


def test_the_alert_about_a_lost_exporter_has_the_namespace_that_routes_need() -> None:
    assert "group by (namespace)" in rule("YuptimeAbsent")["expr"]


def test_a_drop_in_the_number_of_monitors_is_an_alert() -> None:
    # TwiN/gatus#212
    assert rule("YuptimeMonitorsDropped")["labels"]["severity"] == "warning"
