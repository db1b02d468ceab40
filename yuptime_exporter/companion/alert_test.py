"""`yuptime test-alert`: does an alert of this monitor reach a receiver, and on which path?"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from yuptime_exporter.companion.access import Access, NotReported
from yuptime_exporter.companion.connection import Call, request
from yuptime_exporter.companion.terminal import printable

_ALERT_NAME = "YuptimeMonitorDown"
_DEADLINE = "yuptime_monitor_deadline_timestamp_seconds"

# The exporter waits this long for the Alertmanagers, and a little longer for its own answer.
_ANSWER_SECONDS = 30.0

PASSED, PROBLEM, FAILED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Check:
    """One step of the path.

    Attributes:
        passed: whether an alert gets beyond this step.
        text: the finding, and the remedy if it is wrong.
    """

    passed: bool
    text: str


@dataclass(slots=True)
class Report:
    """All that was found."""

    monitor: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    def add(self, *, passed: bool, text: str) -> None:
        """Add a step."""
        self.checks.append(Check(passed, text))


def rehearse(
    access: Access,
    monitor: str,
    *,
    hold_seconds: float,
    prometheus_url: str | None,
    output: str,
    wait: Callable[[float], None] = time.sleep,
) -> int:
    """Send a test alert, print its path, and resolve it; return the exit code.

    Args:
        access: the exporter, with `--web.enable-admin-api`.
        monitor: `NAMESPACE/NAME`.
        hold_seconds: for how long the alert fires, so that a notification can be sent.
        prometheus_url: a Prometheus to check, too; None: none.
        output: `text` or `json`.
        wait: waits for seconds.

    Returns:
        0: an alert reaches a receiver; 1: it does not; 2: that is not known.
    """
    report = Report(monitor)
    path = "/api/v1/admin/test-alert/" + "/".join(
        quote(part, safe="") for part in monitor.split("/")
    )
    try:
        query = "?" + urlencode({"holdSeconds": hold_seconds})
        call = Call(path + query, {}, access.basic())
        report.answer = request(access, call, timeout_seconds=_ANSWER_SECONDS)
        try:
            report.checks += _alertmanager_checks(report.answer["alertmanagers"])
            if hold_seconds and any(check.passed for check in report.checks):
                wait(hold_seconds)
        finally:
            ended = request(access, Call(path, None, access.basic(), method="DELETE"))
        unresolved = [one for one in ended["alertmanagers"] if one["failure"]]
        for one in unresolved:
            report.add(passed=False, text=f"{one['url']}: not resolved: {one['failure']}")
    except NotReported as error:
        sys.stderr.write(f"yuptime test-alert: {monitor}: {error}\n")
        return FAILED
    except (LookupError, TypeError):
        sys.stderr.write(f"yuptime test-alert: {access.url}: expected the answer of a test alert\n")
        return FAILED
    if prometheus_url is not None:
        report.checks += prometheus_checks(prometheus_url, monitor, report.answer["alertmanagers"])
    sys.stdout.write(_json(report) if output == "json" else _text(report, hold_seconds))
    return PASSED if all(check.passed for check in report.checks) else PROBLEM


def _alertmanager_checks(outcomes: list[Mapping[str, Any]]) -> Iterator[Check]:
    for one in outcomes:
        place = f"Alertmanager {one['url']}"
        if one["failure"]:
            yield Check(passed=False, text=f"{place}: {one['failure']}")
            continue
        yield Check(passed=True, text=f"{place}: received the alert")
        names = ", ".join(one["receivers"])
        yield Check(bool(names), f"{place}: routed to {names or 'no receiver'}")
        for silence in one["silencedBy"]:
            yield Check(
                passed=False,
                text=f"{place}: silenced until {silence['endsAt']} by {silence['createdBy']}: "
                f"{silence['comment']} ({silence['id']})",
            )
        if one["inhibitedBy"]:
            yield Check(
                passed=False,
                text=f"{place}: inhibited by the alerts {', '.join(one['inhibitedBy'])}",
            )


def prometheus_checks(url: str, monitor: str, outcomes: list[Mapping[str, Any]]) -> Iterator[Check]:
    """Yield the steps of an alert of the rules: target, labels, rules, Alertmanagers."""
    access = Access(url)
    place = f"Prometheus {url}"
    try:
        yield from _target_checks(access, place, monitor)
        yield _rule_check(access, place)
        yield _notifier_check(access, place, outcomes)
    except NotReported as error:
        yield Check(passed=False, text=f"{place}: {error}")
    except (LookupError, TypeError, ValueError):
        yield Check(passed=False, text=f"{place}: expected the API of Prometheus, got other JSON")


def _target_checks(access: Access, place: str, monitor: str) -> Iterator[Check]:
    namespace, name = monitor.split("/")
    own = _series(access, f'{_DEADLINE}{{namespace="{namespace}",monitor="{name}"}}')
    if own:
        targets = sorted({f"{one.get('job')}/{one.get('instance')}" for one in own})
        yield Check(passed=True, text=f"{place}: scrapes the monitor from {', '.join(targets)}")
        return
    renamed = _series(access, f'{_DEADLINE}{{exported_namespace="{namespace}",monitor="{name}"}}')
    if renamed:
        job = renamed[0].get("job")
        yield Check(
            passed=False,
            text=f"{place}: the namespace of the monitor is exported_namespace: set honor_labels: "
            f"true for the job {job}",
        )
        return
    scraped = _series(access, "yuptime_build_info")
    what = "scrapes an exporter without this monitor" if scraped else "scrapes no yuptime-exporter"
    yield Check(passed=False, text=f"{place}: {what}; look at its targets")


def _rule_check(access: Access, place: str) -> Check:
    groups = request(access, Call("/api/v1/rules?type=alert"))["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"] if rule["name"] == _ALERT_NAME]
    if not rules:
        return Check(passed=False, text=f"{place}: no rule {_ALERT_NAME}; load the alert rules")
    broken = [rule["lastError"] for rule in rules if rule["health"] == "err"]
    if broken:
        return Check(passed=False, text=f"{place}: the rule {_ALERT_NAME} fails: {broken[0]}")
    return Check(passed=True, text=f"{place}: has the rule {_ALERT_NAME}")


def _notifier_check(access: Access, place: str, outcomes: list[Mapping[str, Any]]) -> Check:
    found = request(access, Call("/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]
    known = {urlsplit(one["url"]).netloc for one in found}
    if not known:
        return Check(passed=False, text=f"{place}: knows no Alertmanager; look at its alerting")
    wanted = {urlsplit(one["url"]).netloc for one in outcomes}
    if not known & wanted:
        return Check(
            passed=False,
            text=f"{place}: sends to {', '.join(sorted(known))}, the exporter to "
            f"{', '.join(sorted(wanted))}; two paths to different places are two alerts",
        )
    return Check(passed=True, text=f"{place}: sends to {', '.join(sorted(known & wanted))}")


def _series(access: Access, query: str) -> list[Mapping[str, str]]:
    call = Call("/api/v1/query?" + urlencode({"query": query}))
    return [one["metric"] for one in request(access, call)["data"]["result"]]


def _text(report: Report, hold_seconds: float) -> str:
    labels = ", ".join(f'{name}="{value}"' for name, value in report.answer["labels"].items())
    lines = [f"Test alert of {report.monitor}: {labels}"]
    lines += [f"  {'ok  ' if check.passed else 'FAIL'}  {check.text}" for check in report.checks]
    if not hold_seconds:
        lines.append(
            "The alert was resolved at once, so that no notification was sent; --hold 2m lets one out."
        )
    return "".join(f"{printable(line)}\n" for line in lines)


def _json(report: Report) -> str:
    checks = [{"passed": check.passed, "text": check.text} for check in report.checks]
    return json.dumps({**report.answer, "checks": checks}, indent=2, ensure_ascii=False) + "\n"
