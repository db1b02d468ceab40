"""Real Prometheus and Alertmanager, of both ages: two paths for a failure, and one alert.

Thirty times faster than by default: scrapes and evaluations each second, repetitions every two.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.exporters import Home, Process, exporter_process, notifications
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.programs import Generation, require
from tests.peers.running import (
    Alertmanager,
    Prometheus,
    alertmanager,
    free_address,
    output_of,
    prometheus,
)
from tests.waiting import eventually
from yuptime_exporter.core.alerting import RUNBOOK_URL, fingerprint
from yuptime_exporter.sinks.alertmanager.endpoint import DEFAULT_TIMEOUT_SECONDS

pytestmark = [
    pytest.mark.peer,
    pytest.mark.parametrize("generation", list(Generation)),
]

RULES = Path(__file__).parents[2] / "alert-rules" / "yuptime.rules.yml"
NAME = "YuptimeMonitorDown"
RESEND_SECONDS = 2
DOWN = b'{"status": "down", "message": "disk full"}'

# Values that are hard to write in a metric, in JSON and in a rule; a name that scrapes give, too.
LABELS = {"team": 'say "hi"\n\\ü名', "service": "payments"}
EXTERNAL_LABELS = {"cluster": "test"}

# As the targets of a ServiceMonitor are labelled, and those of a scrape with labelmap.
TARGET_LABELS = {
    "namespace": "monitoring",
    "app_kubernetes_io_name": "yuptime-exporter",
    "helm_sh_chart": "yuptime-exporter-1.0.0",
    "pod_template_hash": "6d4b75cb6d",
    "service": "yuptime",
    "pod": "yuptime-0",
    "container": "exporter",
    "endpoint": "web",
}


@dataclass
class Webhook:
    """A receiver of notifications, and its notifications."""

    url: str = ""
    notifications: list[tuple[str, str]] = field(default_factory=list)
    ends: dict[str, datetime] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        monitors = {alert["labels"].get("monitor", ""): alert for alert in body["alerts"]}
        self.notifications += [(monitor, body["status"]) for monitor in monitors]
        self.ends |= {
            monitor: datetime.fromisoformat(alert["endsAt"]) for monitor, alert in monitors.items()
        }
        return web.Response()

    def of(self, monitor: str) -> list[str]:
        return [status for name, status in self.notifications if name == monitor]

    async def notified(self, monitor: str, *statuses: str) -> None:
        """Return when exactly these notifications of the monitor have come."""

        async def so_far() -> list[str]:
            return self.of(monitor)

        await eventually(so_far, lambda found: len(found) >= len(statuses))
        assert self.of(monitor) == [*statuses]


@asynccontextmanager
async def webhook() -> AsyncIterator[Webhook]:
    hook = Webhook()
    application = web.Application()
    application.router.add_post("/", hook.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield hook
    finally:
        await runner.cleanup()


def notifying(hook: Webhook) -> dict[str, object]:
    """Return a configuration of Alertmanager with a group for each monitor."""
    return {
        "route": {
            "receiver": "hook",
            "group_by": ["namespace", "monitor"],
            "group_wait": "1s",
            "group_interval": "2s",
            "repeat_interval": "1h",
        },
        "receivers": [
            {"name": "hook", "webhook_configs": [{"url": hook.url, "send_resolved": True}]}
        ],
    }


def scraping(folder: Path, exporter_address: str, *receivers: Alertmanager) -> dict[str, object]:
    """Return a configuration of Prometheus with the rules that are shipped."""
    folder.mkdir(exist_ok=True)
    rules = yaml.safe_load(RULES.read_text())
    for group in rules["groups"]:
        group["interval"] = "1s"
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    return {
        "global": {
            "scrape_interval": "1s",
            "evaluation_interval": "1s",
            "external_labels": EXTERNAL_LABELS,
        },
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {
                "job_name": "yuptime",
                "honor_labels": True,
                "static_configs": [{"targets": [exporter_address], "labels": TARGET_LABELS}],
            }
        ],
        "alerting": {
            "alertmanagers": [
                {"static_configs": [{"targets": [f"127.0.0.1:{one.port}" for one in receivers]}]}
            ]
        },
    }


RESENDING = (f"--rules.alert.resend-delay={RESEND_SECONDS}s",)


def tell(home: Home, *receivers: Alertmanager) -> str:
    """Configure the exporter; return the address to which it comes back after a restart."""
    config = home.folder / "config.yaml"
    settings = {
        "resend_delay": f"{RESEND_SECONDS}s",
        "resolve_delay": "5s",
        "external_labels": EXTERNAL_LABELS,
        "default_labels": {"severity": "warning"},
        "alertmanagers": [{"url": one.url} for one in receivers],
    }
    config.write_text(
        yaml.safe_dump({"alerting": settings, "limits": {"push_rate": {"interval": "0s"}}})
    )
    address = free_address()
    home.flags = [f"--config.file={config}", f"--web.listen-address={address}"]
    return address


async def raised(receiver: Alertmanager, monitor: str = "backup") -> list[dict[str, Any]]:
    """Return the active alerts of a monitor, as Alertmanager's API shows them."""
    return [
        alert
        for alert in await receiver.get("/api/v2/alerts")
        if alert["labels"].get("monitor") == monitor
    ]


async def fires(source: Prometheus, monitor: str = "backup") -> bool:
    return any(
        alert.state == "firing" and alert.labels.get("monitor") == monitor
        for alert in await source.alerts()
    )


async def report(exporter: Process, name: str = "backup", *, down: bool = False) -> datetime:
    """Report; return when the exporter received it."""
    answer = await exporter.push(name, body=DOWN if down else b'{"status": "up"}')
    assert answer.status == 200
    return datetime.fromisoformat(str(answer.json()["receivedAt"]))


async def test_three_incidents_are_three_alerts_and_each_is_notified_once(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    home.declare(monitor_yaml(labels=LABELS), monitor_yaml("watchdog"), secret_yaml())
    seen: list[dict[str, Any]] = []
    beginnings: list[datetime] = []
    async with (
        webhook() as hook,
        alertmanager(generation, tmp_path / "alertmanager", notifying(hook)) as receiver,
    ):
        address = tell(home, receiver)
        config = scraping(tmp_path / "prometheus", address, receiver)
        async with (
            exporter_process(home) as exporter,
            prometheus(generation, tmp_path / "prometheus", config, flags=RESENDING) as source,
        ):
            for incident in range(1, 4):
                beginnings.append(await report(exporter, down=True))
                await eventually(lambda: fires(source))
                await both_have_told(receiver)
                seen += await raised(receiver)
                await hook.notified("backup", *["firing", "resolved"] * (incident - 1), "firing")
                await report(exporter)
                await hook.notified("backup", *["firing", "resolved"] * incident)
            listed = await output_of(
                require("amtool", generation),
                *(f"--alertmanager.url={receiver.url}", "--output=json", "alert", "query"),
            )
            # All earlier notifications have been sent once this one is.
            await report(exporter, "watchdog", down=True)
            await hook.notified("watchdog", "firing")
            await report(exporter, "watchdog")
            await hook.notified("watchdog", "firing", "resolved")

    expected = {
        "alertname": NAME,
        "namespace": "jobs",
        "monitor": "backup",
        "severity": "warning",
        **LABELS,
        **EXTERNAL_LABELS,
    }
    assert [alert["labels"] for alert in seen] == [expected] * 3
    assert {alert["fingerprint"] for alert in seen} == {fingerprint(expected.items())}
    assert [datetime.fromisoformat(alert["startsAt"]) for alert in seen] == beginnings
    assert json.loads(listed) == []
    assert hook.of("backup") == ["firing", "resolved"] * 3
    assert hook.of("watchdog") == ["firing", "resolved"]


async def both_have_told(receiver: Alertmanager) -> list[dict[str, str]]:
    """Wait until the alert came from each path; return the annotations of every look at it.

    The link to its source is that of the last sender.
    """
    sources: set[str] = set()
    texts: list[dict[str, str]] = []

    async def different_sources() -> int:
        for alert in await raised(receiver):
            sources.add(alert["generatorURL"])
            texts.append(alert["annotations"])
        return len(sources)

    await eventually(different_sources, lambda count: count >= 2)
    return texts


async def test_both_paths_write_the_same_texts_message_included(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    home.declare(monitor_yaml(), secret_yaml())
    async with alertmanager(generation, tmp_path / "alertmanager") as receiver:
        address = tell(home, receiver)
        home.flags += ["--metrics.messages", "--web.external-url=https://yuptime.example.com"]
        config = scraping(tmp_path / "prometheus", address, receiver)
        async with (
            prometheus(generation, tmp_path / "prometheus", config, flags=RESENDING),
            exporter_process(home) as exporter,
        ):
            await exporter.push(body=b'{"status": "down", "message": "FATAL: disk full"}')
            texts = [text for _ in range(5) for text in await both_have_told(receiver)]

    assert len(texts) >= 10
    assert all(text == texts[0] for text in texts), texts
    assert texts[0]["summary"] == "jobs/backup reported down"
    assert texts[0]["message"] == "FATAL: disk full"
    assert texts[0]["page"] == "https://yuptime.example.com/monitors/jobs/backup"
    assert texts[0]["runbook_url"] == RUNBOOK_URL


async def test_both_paths_write_the_same_texts_about_a_run_that_hangs(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    limited = "gracePeriodSeconds: 60\n      maxRuntimeSeconds: 1"
    home.declare(monitor_yaml().replace("gracePeriodSeconds: 60", limited), secret_yaml())
    async with alertmanager(generation, tmp_path / "alertmanager") as receiver:
        address = tell(home, receiver)
        config = scraping(tmp_path / "prometheus", address, receiver)
        async with (
            prometheus(generation, tmp_path / "prometheus", config, flags=RESENDING),
            exporter_process(home) as exporter,
        ):
            await exporter.push(body=b'{"status": "start", "runId": "7"}')
            texts = [text for _ in range(3) for text in await both_have_told(receiver)]

    # Prometheus sends the message and the page of a monitor without them as empty texts.
    assert len({tuple(sorted(filter(itemgetter(1), text.items()))) for text in texts}) == 1
    assert texts[0]["summary"] == "jobs/backup has been running for more than 1s"
    assert "Check whether the run hangs, or ended without a push." in texts[0]["description"]


async def test_the_direct_path_raises_and_resolves_alerts_without_prometheus(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    home.declare(monitor_yaml(), monitor_yaml("silent", expire=4, grace=0), secret_yaml())
    async with (
        webhook() as hook,
        alertmanager(generation, tmp_path / "alertmanager", notifying(hook)) as receiver,
    ):
        address = tell(home, receiver)
        config = scraping(tmp_path / "prometheus", address, receiver)
        async with exporter_process(home) as exporter:
            async with prometheus(
                generation, tmp_path / "prometheus", config, flags=RESENDING
            ) as source:
                await eventually(lambda: source.query("yuptime_ready == 1"))
            await report(exporter, down=True)
            await hook.notified("backup", "firing")
            await hook.notified("silent", "firing")
            cured = await report(exporter)
            home.declare(monitor_yaml(), monitor_yaml("silent"), secret_yaml())
            await report(exporter, "silent")
            await hook.notified("backup", "firing", "resolved")
            await hook.notified("silent", "firing", "resolved")

    # Told, and not just run out: that would have been seconds later.
    assert timedelta(0) <= hook.ends["backup"] - cured < timedelta(seconds=2)


async def test_without_the_exporter_firing_alerts_stay_and_no_new_alert_fires(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    home.declare(monitor_yaml(), monitor_yaml("healthy", expire=8, grace=0), secret_yaml())
    async with (
        webhook() as hook,
        alertmanager(generation, tmp_path / "alertmanager", notifying(hook)) as receiver,
    ):
        address = tell(home, receiver)
        config = scraping(tmp_path / "prometheus", address, receiver)
        async with prometheus(
            generation, tmp_path / "prometheus", config, flags=RESENDING
        ) as source:
            async with exporter_process(home) as exporter:
                await report(exporter, down=True)
                await eventually(lambda: fires(source))
                await hook.notified("backup", "firing")
                await report(exporter, "healthy")
                await exporter.stop(signal.SIGKILL)
            killed = datetime.now(UTC)
            told_directly_until = killed + timedelta(seconds=4 * RESEND_SECONDS)
            deadline = killed + timedelta(seconds=8)

            async def outlives_both() -> bool:
                [alert] = await raised(receiver)
                ends = datetime.fromisoformat(alert["endsAt"])
                return ends > told_directly_until and datetime.now(UTC) > max(
                    told_directly_until, deadline
                ) + timedelta(seconds=3)

            await eventually(outlives_both)
            meanwhile = list(hook.notifications)
            async with exporter_process(home) as exporter:
                await report(exporter, "healthy")
                await report(exporter)
                await hook.notified("backup", "firing", "resolved")

    assert meanwhile == [("backup", "firing")]


@pytest.mark.parametrize("trouble", ["stopped", "hanging"])
async def test_alerts_that_alertmanager_missed_arrive_when_it_is_back(
    trouble: str, home: Home, tmp_path: Path, generation: Generation
) -> None:
    folder = tmp_path / "alertmanager"
    home.declare(monitor_yaml(), monitor_yaml("cured"), secret_yaml())
    async with webhook() as hook:
        host, port = free_address().split(":")
        begin = partial(
            alertmanager, generation, folder, notifying(hook), host=host, port=int(port)
        )
        async with begin() as receiver:
            tell(home, receiver)
        async with (
            exporter_process(home) as exporter,
            _unwell(begin, trouble) as heal,
        ):
            started = await report(exporter, down=True)
            await report(exporter, "cured", down=True)
            errors = notifications("errors_total", receiver.url)
            # Pushes and scrapes go on while nothing is delivered.
            durations = [await _duration(exporter) for _ in range(20)]
            samples = await eventually(exporter.samples, lambda samples: samples[errors] > 0)
            await report(exporter, "cured")
            async with heal() as back:
                [alert] = await eventually(lambda: raised(back))
                await hook.notified("backup", "firing")

    queue = notifications("queue_length", receiver.url)
    assert datetime.fromisoformat(alert["startsAt"]) == started
    assert max(durations) < DEFAULT_TIMEOUT_SECONDS / 2  # none has waited for the attempt to send
    assert samples[queue] < 100


async def _duration(exporter: Process) -> float:
    before = time.monotonic()
    await report(exporter, "cured")
    await exporter.samples()
    await report(exporter, "cured", down=True)
    return time.monotonic() - before


@asynccontextmanager
async def _unwell(
    begin: Callable[[], AbstractAsyncContextManager[Alertmanager]], trouble: str
) -> AsyncIterator[Callable[[], AbstractAsyncContextManager[Alertmanager]]]:
    """Leave Alertmanager stopped, or let it take connections and never answer; yield the cure."""
    if trouble == "stopped":
        yield begin
        return
    async with begin() as receiver:
        os.kill(receiver.process_id, signal.SIGSTOP)

        @asynccontextmanager
        async def cured() -> AsyncIterator[Alertmanager]:
            os.kill(receiver.process_id, signal.SIGCONT)
            yield receiver

        try:
            yield cured
        finally:
            os.kill(receiver.process_id, signal.SIGCONT)


async def test_one_dead_alertmanager_of_three_delays_no_other(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    home.declare(monitor_yaml(), secret_yaml())
    async with (
        alertmanager(generation, tmp_path / "1") as first,
        alertmanager(generation, tmp_path / "2") as second,
        alertmanager(generation, tmp_path / "3") as third,
    ):
        tell(home, first, second, third)
        os.kill(second.process_id, signal.SIGSTOP)
        try:
            async with exporter_process(home) as exporter:
                await report(exporter, down=True)
                await eventually(lambda: raised(first))
                await eventually(lambda: raised(third))
                samples = await exporter.samples()
        finally:
            os.kill(second.process_id, signal.SIGCONT)

    # The attempt at the dead one has not even ended.
    assert samples[notifications("sent_total", second.url)] == 0
    assert samples[notifications("errors_total", second.url)] == 0


async def test_hundreds_of_failures_at_once_are_as_many_alerts(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    names = [f"job-{number}" for number in range(1000)]
    home.declare(secret_yaml(), *(monitor_yaml(name) for name in names))
    async with alertmanager(generation, tmp_path / "alertmanager") as receiver:
        tell(home, receiver)
        async with exporter_process(home) as exporter, asyncio.TaskGroup() as tasks:
            slots = asyncio.Semaphore(50)

            async def fail(name: str) -> None:
                async with slots:
                    await report(exporter, name, down=True)

            for name in names:
                tasks.create_task(fail(name))

            alerts = await eventually(receiver.alerts, lambda found: len(found) == 1000)

    assert {alert.labels["monitor"] for alert in alerts} == {*names}
