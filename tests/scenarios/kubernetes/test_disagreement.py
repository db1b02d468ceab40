"""Replicas that know different things for a while, before real Prometheus and Alertmanager."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.exporters import series
from tests.fakes import fault_answers as answers
from tests.fakes.faults import WATCHES, Delay, When
from tests.peers.programs import Generation
from tests.peers.running import Alertmanager, alertmanager, prometheus
from tests.scenarios.kubernetes.replicas import Replica, replicas
from tests.scenarios.kubernetes.stage import DOWN, Running, Stage
from tests.scenarios.test_two_paths import RULES, Webhook, notifying, webhook
from tests.waiting import eventually
from yuptime_exporter.engine.silence import SETTLE_SECONDS

pytestmark = pytest.mark.peer

EXPIRE_SECONDS = 6
RESEND_SECONDS = 1


@pytest.fixture
async def pair(stage: Stage, tmp_path: Path) -> AsyncIterator[list[Replica]]:
    async with replicas(stage, tmp_path / "replicas", 2) as both:
        yield both


@asynccontextmanager
async def both_here(pair: list[Replica]) -> AsyncIterator[list[Running]]:
    async with pair[0].here() as one, pair[1].here() as other:
        yield [one, other]


def blind(replica: Replica) -> Callable[[], None]:
    """Hide the pushes of others from a replica; return a function that ends this.

    It can note in the Lease that it receives, and so it stays ready.
    """
    monitors = "/namespaces/" + replica.stage.namespace + "/monitors/"
    hidden = [
        replica.proxy.silence(when=WATCHES),
        # A conflict would tell it, and so would looking.
        replica.proxy.apply(answers.internal_error(), when=When(path=monitors, watch=False)),
    ]

    def see() -> None:
        for one in hidden:
            one.lift()

    return see


def scraping(folder: Path, both: list[Running], receiver: Alertmanager) -> dict[str, Any]:
    """Return a configuration of Prometheus with both replicas and the rules that are shipped."""
    folder.mkdir()
    rules = yaml.safe_load(RULES.read_text())
    for group in rules["groups"]:
        group["interval"] = "1s"
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    targets = [one.client.url.removeprefix("http://") for one in both]
    return {
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {
                "job_name": "yuptime",
                "honor_labels": True,
                "static_configs": [{"targets": targets}],
            }
        ],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{receiver.port}"]}]}]
        },
    }


class Pushing:
    """A job that reports each second or so, through one replica."""

    def __init__(self, replica: Running, name: str) -> None:
        self.replica, self.name = replica, name
        self.body = b'{"status": "up"}'

    async def go_on(self) -> None:
        while True:
            assert (await self.replica.push(self.name, body=self.body)).status == 200
            await asyncio.sleep(EXPIRE_SECONDS / 8)


async def later(stage: Stage, seconds: float) -> None:
    """Return when something that lasts so long, by the time of the test, has had its time."""
    end = stage.time() + seconds

    async def now() -> float:
        return stage.time()

    await eventually(now, lambda moment: moment > end)


@pytest.mark.parametrize("fault", ["silent", "delayed"])
async def test_the_rules_raise_one_alert_and_no_false_one_while_replicas_disagree(
    fault: str, pair: list[Replica], tmp_path: Path
) -> None:
    stage, folder = pair[0].stage, tmp_path / "prometheus"
    await stage.declare("healthy", expire=EXPIRE_SECONDS, grace=0)
    await stage.declare("broken")
    async with (
        webhook() as hook,
        alertmanager(Generation.NEWEST, tmp_path / "alertmanager", notifying(hook)) as receiver,
        both_here(pair) as [seeing, other],
        asyncio.TaskGroup() as tasks,
    ):
        healthy = Pushing(seeing, "healthy")
        pushing = tasks.create_task(healthy.go_on())
        await seeing.push("broken")
        await other.reads(series("up", "broken", stage.namespace), lambda value: value == 1)
        config = scraping(folder, [seeing, other], receiver)
        async with prometheus(Generation.NEWEST, folder, config) as source:
            ready = 'count(yuptime_ready == 1 and on (instance) up{job="yuptime"}) == 2'
            await eventually(lambda: source.query(ready))
            # Not before both are scraped: with one of them the disagreement is invisible.
            if fault == "silent":
                see = blind(pair[1])
            else:
                see = pair[1].proxy.apply(Delay(2.0 * EXPIRE_SECONDS), when=WATCHES).lift
            await seeing.push("broken", body=DOWN)
            await hook.notified("broken", "firing")
            disagreement = (
                "count(yuptime_monitor_deadline_timestamp_seconds{monitor='healthy'} < time()) == 1"
                " and on () count(count_values('up', yuptime_monitor_up{monitor='broken'})) == 2"
            )
            disagreed = await eventually(lambda: source.query(disagreement))
            await later(stage, EXPIRE_SECONDS)
            assert hook.notifications == [("broken", "firing")]

            assert (await seeing.push("broken")).status == 200
            await hook.notified("broken", "firing", "resolved")
            see()
            await later(stage, 2.0)  # two more evaluations
            raised = await source.query(
                "count_over_time(ALERTS{alertname='YuptimeMonitorDown'}[5m])"
            )
        pushing.cancel()

    assert disagreed
    assert {one.labels["monitor"] for one in raised} == {"broken"}
    assert hook.notifications == [("broken", "firing"), ("broken", "resolved")]


async def test_pushes_that_one_replica_cannot_see_raise_nothing_at_alertmanager(
    pair: list[Replica], tmp_path: Path
) -> None:
    """Both send alerts directly, each from its own knowledge."""
    stage = pair[0].stage
    await stage.declare("healthy", expire=EXPIRE_SECONDS, grace=0)
    await stage.declare("broken")
    async with alerted_by(pair, tmp_path) as hook, both_here(pair) as [seeing, other]:
        await seeing.push("healthy")
        await other.reads(series("up", "healthy", stage.namespace), lambda value: value == 1)
        silent = pair[1].proxy.silence(when=WATCHES)
        # It shall not be told by a conflict before it has to ask.
        pair[1].proxy.apply(answers.internal_error(), when=When(method="PATCH"))
        async with asyncio.TaskGroup() as tasks:
            pushing = tasks.create_task(Pushing(seeing, "healthy").go_on())
            await later(stage, 2 * EXPIRE_SECONDS + SETTLE_SECONDS)
            pushing.cancel()
        looks = pair[1].proxy.seen(When(method="GET", path="/monitors/healthy"))
        quiet = list(hook.notifications)
        silent.lift()

    assert looks, "it never had to ask, so that nothing was tried"
    assert quiet == []


async def test_a_failure_is_one_alert_of_both_replicas_that_neither_flaps_nor_ends_early(
    pair: list[Replica], tmp_path: Path
) -> None:
    stage = pair[0].stage
    await stage.declare("silent", expire=EXPIRE_SECONDS, grace=0)
    await stage.declare("broken")
    async with alerted_by(pair, tmp_path) as hook, both_here(pair) as [seeing, other]:
        await seeing.push("broken")
        await other.reads(series("up", "broken", stage.namespace), lambda value: value == 1)
        see = blind(pair[1])
        await seeing.push("broken", body=DOWN)
        await hook.notified("broken", "firing")
        await hook.notified("silent", "firing")
        # Longer than the lifetime of an alert without repetition: the replica that knows must repeat it.
        await later(stage, 4 * RESEND_SECONDS + 2)
        assert sorted(hook.notifications) == [("broken", "firing"), ("silent", "firing")]

        see()
        await stage.declare("silent", expire=1000)
        assert (await other.push("silent")).status == 200
        assert (await other.push("broken")).status == 200
        await hook.notified("broken", "firing", "resolved")
        await hook.notified("silent", "firing", "resolved")
        await later(stage, 2 * RESEND_SECONDS)

    assert len(hook.notifications) == 4


@asynccontextmanager
async def alerted_by(pair: list[Replica], folder: Path) -> AsyncIterator[Webhook]:
    """Run an Alertmanager for both replicas; return the receiver of its notifications."""
    async with (
        webhook() as hook,
        alertmanager(Generation.NEWEST, folder / "alertmanager", notifying(hook)) as receiver,
    ):
        for one in pair:
            alerting = {
                "resend_delay": f"{RESEND_SECONDS}s",
                "resolve_delay": "1s",
                "alertmanagers": [{"url": receiver.url}],
            }
            one.configure(alerting)
        yield hook
