"""Notifications of Alertmanagers, and of programs that send the same form."""

import json
from collections.abc import Mapping

import pytest

from tests.field.pinging import Outcome, Ping, check, replayed

NOTIFY = "prometheus/alertmanager notify/webhook/webhook.go"
BEARER, JSON = "Authorization: Bearer {own}", "Content-Type: application/json"
URL = "POST /api/alertmanager/{namespace}/{name}"
HEADERS = ("User-Agent: Alertmanager/0.28.1", BEARER, JSON)
WATCHDOG = {
    "receiver": "heartbeat",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Watchdog", "severity": "none"},
            "annotations": {"summary": "The chain works"},
            "startsAt": "2026-11-26T07:00:00.000Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph?g0.expr=vector%281%29",
            "fingerprint": "e1749c6acb645fcf",
        }
    ],
    "groupLabels": {},
    "commonLabels": {"alertname": "Watchdog", "severity": "none"},
    "commonAnnotations": {"summary": "The chain works"},
    "externalURL": "http://alertmanager:9093",
    "version": "4",
    "groupKey": '{}/{alertname="Watchdog"}:{}',
    "truncatedAlerts": 0,
}


def body(**changed: object) -> bytes:
    return json.dumps({**WATCHDOG, **changed}).encode() + b"\n"


PINGS = [
    Ping("The Watchdog that always fires is a heartbeat.", "prometheus/alertmanager#1593", URL, HEADERS, body(), recorded=("up", "The chain works")),
    Ping("The Watchdog of kube-prometheus without a shared summary is known by its name.", "alexbakker/alertmanager-ntfy#17", URL, HEADERS, body(commonAnnotations={}), recorded=("up", "Watchdog")),
    Ping("A resolved Watchdog is bad news, and no push that says up or down.", "alexbakker/alertmanager-ntfy#17", URL, HEADERS, body(status="resolved"), recorded=("None", "")),
    Ping("The body ends in a line end, as Go's encoder writes it.", NOTIFY, URL, HEADERS, body(), recorded=("up", "The chain works")),
    Ping("Another version of the form is refused.", NOTIFY, URL, HEADERS, body(version="5"), status=400, answers=b"problem+json"),
    Ping("A form of another program with another status is refused.", "", URL, HEADERS, body(status="alerting", version="1"), status=400),
    Ping("An empty body is refused and not read as up.", "", URL, (*HEADERS, "Content-Length: 0"), status=400),
    Ping("A body that is cut is refused.", "", URL, HEADERS, body()[:-30], status=400),
    Ping("A native push at this address is refused.", "", URL, HEADERS, b'{"status": "up"}', status=400),
    Ping("Without a token nothing is read.", "", URL, (JSON,), body(), status=401),
    Ping("basic_auth of http_config sends the token as a password.", "", URL, ("Authorization: Basic YW06Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ==", JSON), body(), recorded=("up", "The chain works")),
    Ping("A GET by a health check of the webhook is refused.", "", "GET /api/alertmanager/{namespace}/{name}", (BEARER,), status=405),
    Ping("Grafana's own Alertmanager sends further fields and labels.", "grafana/grafana#45459", URL, HEADERS, body(orgId=1, title="[FIRING:1]", state="alerting", message="x", commonLabels={"alertname": "Watchdog", "__alert_rule_uid__": "_2dRVWEnk"}), recorded=("up", "The chain works")),
    Ping("Grafana's resolved alert is none, although it has no summary.", "grafana/grafana#45459", URL, HEADERS, body(status="resolved", commonAnnotations={}), recorded=("None", "")),
    Ping("An alert that fires has an end in the year 1.", "prometheus/alertmanager#3341", URL, HEADERS, body(), recorded=("up", "The chain works")),
    Ping("max_alerts leaves alerts out of the list, and the status says that one fires.", "prometheus/alertmanager#3396", URL, HEADERS, body(truncatedAlerts=3), recorded=("up", "The chain works")),
    Ping("An old Alertmanager repeats firing after the end, and is alive.", "prometheus/alertmanager#510", URL, ("User-Agent: Alertmanager/0.4.2", BEARER, JSON), body(version="3"), status=400),
]  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return replayed(PINGS, tmp_path_factory.mktemp("field"))


@pytest.mark.parametrize("ping", PINGS, ids=str)
def test_a_firing_alert_is_a_heartbeat(ping: Ping, outcomes: Mapping[str, Outcome]) -> None:
    check(ping, outcomes[ping.sentence])
