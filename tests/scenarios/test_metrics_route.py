"""The content of a scrape."""

import asyncio
import gzip
import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text_format

from tests.exporters import Home, StandingClock, exporter_here, series
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.programs import Generation, require
from tests.waiting import eventually

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"

OTHER_TYPE = """\
apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata: {name: website, namespace: jobs}
spec: {type: http, target: {http: {url: "https://example.com"}}}
"""

# All promised families with their types; docs/metrics.md explains them.
FAMILIES = {
    "yuptime_monitor_last_push_timestamp_seconds": "gauge",
    "yuptime_monitor_last_success_timestamp_seconds": "gauge",
    "yuptime_monitor_expire_seconds": "gauge",
    "yuptime_monitor_grace_seconds": "gauge",
    "yuptime_monitor_armed_timestamp_seconds": "gauge",
    "yuptime_monitor_deadline_timestamp_seconds": "gauge",
    "yuptime_monitor_due_timestamp_seconds": "gauge",
    "yuptime_monitor_down": "gauge",
    "yuptime_monitor_up": "gauge",
    "yuptime_monitor_pushes": "counter",
    "yuptime_monitor_pushes_down": "counter",
    "yuptime_monitor_pushes_rejected": "counter",
    "yuptime_monitor_alert_labels": "gauge",
    "yuptime_monitor_info": "gauge",
    "yuptime_monitor_schedule_info": "gauge",
    "yuptime_monitor_annotations_info": "gauge",
    "yuptime_monitor_last_event_timestamp_seconds": "gauge",
    "yuptime_monitor_last_start_timestamp_seconds": "gauge",
    "yuptime_monitor_run_start_timestamp_seconds": "gauge",
    "yuptime_monitor_runs_open": "gauge",
    "yuptime_monitor_max_runtime_seconds": "gauge",
    "yuptime_monitor_last_duration_seconds": "gauge",
    "yuptime_monitor_last_exit_code": "gauge",
    "yuptime_monitor_starts": "counter",
    "yuptime_monitor_runs_abandoned": "counter",
    "yuptime_monitor_run_duration_seconds": "summary",
    "yuptime_build_info": "gauge",
    "yuptime_ready": "gauge",
    "yuptime_time_seconds": "gauge",
    "yuptime_tzdata_info": "gauge",
    "yuptime_monitors": "gauge",
    "yuptime_monitors_invalid": "gauge",
    "yuptime_documents_ignored": "gauge",
    "yuptime_config_last_reload_successful": "gauge",
    "yuptime_config_last_reload_success_timestamp_seconds": "gauge",
    "yuptime_pushes_rejected": "counter",
    "yuptime_http_request_duration_seconds": "histogram",
    "yuptime_http_connections": "gauge",
    "yuptime_http_connections_limit": "gauge",
    "yuptime_http_connections_closed": "counter",
    "yuptime_http_accept_pauses": "counter",
    "yuptime_http_clients_left": "counter",
    "yuptime_outage_credit_seconds": "counter",
    "yuptime_store_future_timestamps": "counter",
    "yuptime_store_commit_duration_seconds": "histogram",
    "yuptime_store_writes": "counter",
    "yuptime_store_errors": "counter",
    "yuptime_store_upkeep_failures": "counter",
    "yuptime_store_last_commit_timestamp_seconds": "gauge",
    "yuptime_store_queue_length": "gauge",
    "yuptime_store_queue_capacity": "gauge",
    "yuptime_notifications_sent": "counter",
    "yuptime_notifications_errors": "counter",
    "yuptime_notifications_dropped": "counter",
    "yuptime_notifications_latency_seconds": "histogram",
    "yuptime_notifications_queue_length": "gauge",
    "yuptime_notifications_queue_capacity": "gauge",
}


async def test_every_family_is_there_from_the_start_and_no_other(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.request("GET", "/metrics", headers={"Accept": OPENMETRICS})

    found = {family.name: family.type for family in openmetrics(answer.body.decode())}  # type: ignore[no-untyped-call]
    ours = {name: kind for name, kind in found.items() if name.startswith("yuptime_")}
    assert ours == FAMILIES
    assert "process_resident_memory_bytes" in found
    assert "python_info" in found


async def test_a_monitor_has_all_its_series_before_its_first_push(
    home: Home, clock: StandingClock
) -> None:
    home.declare(monitor_yaml(expire=90_000, grace=0), secret_yaml())
    async with exporter_here(home, clock) as client:
        samples = await client.samples()

    own = {
        key.removeprefix("yuptime_monitor_").split("{")[0]: value
        for key, value in samples.items()
        if 'monitor="backup"' in key
    }
    assert own == {
        "last_push_timestamp_seconds": 0,
        "last_success_timestamp_seconds": 0,
        "expire_seconds": 90_000,
        "grace_seconds": 0,
        "armed_timestamp_seconds": clock(),
        "deadline_timestamp_seconds": clock() + 90_000,
        "due_timestamp_seconds": clock() + 90_000,
        "down": 0,
        "up": 0,
        "pushes_total": 0,
        "pushes_down_total": 0,
        "pushes_rejected_total": 0,
        "alert_labels": 1,
        "info": 1,
        "schedule_info": 1,
    }


async def test_without_credit_the_deadline_follows_from_the_other_gauges(
    home: Home, clock: StandingClock
) -> None:
    home.declare(secret_yaml(), *(monitor_yaml(f"job-{n}", expire=60 + n) for n in range(20)))
    async with exporter_here(home, clock) as client:
        for number in range(0, 20, 2):
            clock.advance(1)
            await client.push(f"job-{number}")
        samples = await client.samples()

    for number in range(20):
        of = {name: samples[series(name, f"job-{number}")] for name in (
            "last_push_timestamp_seconds", "armed_timestamp_seconds", "expire_seconds",
            "grace_seconds", "deadline_timestamp_seconds",
        )}  # fmt: skip
        base = max(of["last_push_timestamp_seconds"], of["armed_timestamp_seconds"])
        window = of["expire_seconds"] + of["grace_seconds"]
        assert of["deadline_timestamp_seconds"] == base + window


@pytest.mark.parametrize(
    ("accept", "content_type", "parse"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", text_format),
        ("text/plain", "text/plain; version=0.0.4; charset=utf-8", text_format),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8", openmetrics),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
async def test_both_formats_are_strictly_valid(
    home: Home, clock: StandingClock, accept: str, content_type: str, parse, *, compressed: bool
) -> None:
    home.declare(monitor_yaml(labels={"team": 'a "b" \\ c'}), secret_yaml(), OTHER_TYPE)
    headers = {"Accept": accept, "Accept-Encoding": "gzip" if compressed else "identity"}
    async with exporter_here(home, clock) as client:
        await client.push()
        async with client.session.get(
            client.url + "/metrics", headers=headers, auto_decompress=False
        ) as response:
            body = await response.read()

    assert response.headers["Content-Type"].startswith(content_type)
    assert response.headers.get("Content-Encoding") == ("gzip" if compressed else None)
    families = list(parse((gzip.decompress(body) if compressed else body).decode()))
    by_name = {sample.name: sample for family in families for sample in family.samples}
    assert by_name["yuptime_monitor_alert_labels"].labels["team"] == 'a "b" \\ c'


async def test_single_families_can_be_asked_for(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.request(
            "GET", "/metrics?name[]=yuptime_monitor_up&name[]=yuptime_ready"
        )

    names = {family.name for family in text_format(answer.body.decode())}
    assert names == {"yuptime_monitor_up", "yuptime_ready"}


async def test_monitors_are_counted_by_type_and_problems_are_counted(
    home: Home, clock: StandingClock
) -> None:
    home.declare(
        monitor_yaml(),
        secret_yaml(),
        OTHER_TYPE,
        monitor_yaml("broken", expire=0),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
    )
    async with exporter_here(home, clock) as client:
        samples = await client.samples()

    assert samples['yuptime_monitors{type="push"}'] == 1
    assert samples['yuptime_monitors{type="http"}'] == 1
    assert samples["yuptime_monitors_invalid"] == 1
    assert samples["yuptime_documents_ignored"] == 1
    assert not any("website" in key for key in samples)


async def test_a_removed_monitor_leaves_no_series_behind(home: Home, clock: StandingClock) -> None:
    home.declare(monitor_yaml(), monitor_yaml("other"), secret_yaml())
    async with exporter_here(home, clock) as client:
        await client.push()
        home.declare(monitor_yaml("other"), secret_yaml())

        samples = await eventually(client.samples, lambda samples: series("up") not in samples)

    assert not any("backup" in key for key in samples)
    assert series("up", "other") in samples


async def test_no_series_holds_what_a_stranger_chose(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        await client.push("nobody-knows", namespace="nowhere")
        await client.request("PROPFIND", "/nobody-knows")
        await client.request("GET", "/nobody-knows")
        await client.push(body=b'{"status":"up","message":"nobody-knows"}')
        text = (await client.request("GET", "/metrics")).body.decode()

    assert "nobody-knows" not in text
    assert "PROPFIND" not in text
    assert 'handler="unknown",method="unknown"' in text


async def test_requests_are_timed_by_route_method_and_code(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
        await client.push(token="wrong")
        samples = await client.samples()

    counts = {
        (m[1], m[2]): value
        for key, value in samples.items()
        if (m := re.search(r'_count{code="(\d+)",handler="(/api/push/[^"]+)"', key))
    }
    assert counts == {
        ("200", "/api/push/{namespace}/{name}"): 1,
        ("401", "/api/push/{namespace}/{name}"): 1,
    }


@pytest.mark.peer
@pytest.mark.parametrize("generation", list(Generation))
async def test_promtool_has_nothing_to_say(
    home: Home, clock: StandingClock, generation: Generation
) -> None:
    promtool = require("promtool", generation)
    home.declare(monitor_yaml(labels={"severity": "page"}), secret_yaml())
    async with exporter_here(home, clock) as client:
        await client.push()
        exposition = (await client.request("GET", "/metrics")).body

    lines = [line for line in exposition.splitlines() if b"yuptime_" in line]
    process = await asyncio.create_subprocess_exec(
        promtool,
        "check",
        "metrics",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(b"\n".join(lines) + b"\n")

    assert (process.returncode, said) == (0, b"")
