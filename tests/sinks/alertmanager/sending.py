"""Running sinks for tests: one, or all of them, with their metrics."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from prometheus_client import CollectorRegistry
from yarl import URL

from tests.core.examples import DOWN, judged, push, row
from tests.waiting import eventually
from yuptime_exporter.core.alerting import AlertSettings, OutgoingAlert, alert_of
from yuptime_exporter.metrics.notifications import NotificationMetrics
from yuptime_exporter.sinks.alertmanager.addresses import AlertmanagerSink, Resolve, addresses_of
from yuptime_exporter.sinks.alertmanager.alertmanagers import Alertmanagers
from yuptime_exporter.sinks.alertmanager.body import ExporterUrl
from yuptime_exporter.sinks.alertmanager.endpoint import Endpoint
from yuptime_exporter.sinks.alertmanager.limits import SinkLimits
from yuptime_exporter.sinks.alertmanager.sender import Courier
from yuptime_exporter.sinks.alertmanager.unreachable import Unreachable

SECRET = "hunter2-correct-horse"
NAME = "alertmanager.test"
EXPORTER = ExporterUrl("http://yuptime")

LIMITS = SinkLimits()
QUICK_LOOKUPS = SinkLimits(resolve_interval_seconds=0.02, resolve_retry_seconds=0.02)


def outgoing(*names: str, resolved: bool = False) -> list[OutgoingAlert]:
    """Return the alerts of monitors that have just reported down."""
    now = time.monotonic() + 1_700_000_000  # any moment will do
    declared = [row(push(DOWN, at=now), armed=now - 60, name=name) for name in names]
    alerts = [alert_of(one, judged(one, at=now), AlertSettings()) for one in declared]
    ends = now + (0 if resolved else 10**9)
    return [OutgoingAlert(alert, ends) for alert in alerts if alert]


def numbered(count: int) -> list[str]:
    return [f"job-{number:05}" for number in range(count)]


class Resolver:
    """A name service with one name; the test sets its addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = frozenset(addresses)
        self.asked: list[URL] = []

    async def __call__(self, url: URL) -> frozenset[str]:
        self.asked.append(url)
        if not self.addresses:
            raise OSError("Name or service not known")
        return self.addresses


@dataclass(frozen=True, slots=True)
class Sending:
    """A running sink, and its metrics."""

    sink: AlertmanagerSink
    registry: CollectorRegistry
    url: str
    unreachable: Unreachable

    def value(self, name: str, alertmanager: str | None = None) -> float | None:
        labels = {"alertmanager": alertmanager or self.url}
        return self.registry.get_sample_value(f"yuptime_notifications_{name}", labels)

    async def sent(self) -> float:
        return self.value("sent_total") or 0

    async def errors(self) -> float:
        return self.value("errors_total") or 0

    async def has_errors(self, count: int) -> None:
        await eventually(self.errors, lambda errors: errors == count)

    async def notice(self) -> str:
        return self.unreachable.notice

    async def waiting(self) -> float:
        return self.value("queue_length") or 0


@asynccontextmanager
async def sending(
    endpoint: Endpoint | str, *, resolve: Resolve = addresses_of, limits: SinkLimits = LIMITS
) -> AsyncIterator[Sending]:
    """Run one sink until the end of the block."""
    endpoint = Endpoint(endpoint) if isinstance(endpoint, str) else endpoint
    registry = CollectorRegistry()
    metrics = NotificationMetrics(registry)
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        unreachable = Unreachable()
        courier = Courier(
            endpoint, session, metrics.of(endpoint.url), EXPORTER, limits, unreachable
        )
        sink = AlertmanagerSink(courier, tasks, resolve=resolve)
        try:
            yield Sending(sink, registry, endpoint.url, unreachable)
        finally:
            sink.close()


@dataclass(frozen=True, slots=True)
class Telling:
    """All sinks, running, and their metrics."""

    sinks: Alertmanagers
    registry: CollectorRegistry

    def value(self, name: str, alertmanager: str) -> float | None:
        labels = {"alertmanager": alertmanager}
        return self.registry.get_sample_value(f"yuptime_notifications_{name}", labels)


@asynccontextmanager
async def telling(*endpoints: Endpoint, resolve: Resolve = addresses_of) -> AsyncIterator[Telling]:
    """Run the sinks of all Alertmanagers until the end of the block."""
    registry = CollectorRegistry()
    metrics = NotificationMetrics(registry)
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        sinks = Alertmanagers(session, tasks, exporter=EXPORTER, metrics=metrics, resolve=resolve)
        sinks.configure(endpoints)
        try:
            yield Telling(sinks, registry)
        finally:
            await sinks.close()
