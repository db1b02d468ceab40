"""All Alertmanagers that receive alerts: those of the configuration, and those of monitors."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import aiohttp

from yuptime_exporter.core.alerting import OutgoingAlert
from yuptime_exporter.metrics.notifications import NotificationMetrics
from yuptime_exporter.sinks.alertmanager.addresses import AlertmanagerSink, Resolve, addresses_of
from yuptime_exporter.sinks.alertmanager.body import ExporterUrl
from yuptime_exporter.sinks.alertmanager.endpoint import Endpoint
from yuptime_exporter.sinks.alertmanager.limits import SinkLimits
from yuptime_exporter.sinks.alertmanager.sender import Courier
from yuptime_exporter.sinks.alertmanager.unreachable import Unreachable


class Alertmanagers:
    """One sink for each URL, made when the URL is first needed."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tasks: asyncio.TaskGroup,
        *,
        exporter: ExporterUrl,
        metrics: NotificationMetrics,
        unreachable: Unreachable | None = None,
        resolve: Resolve = addresses_of,
    ) -> None:
        """Have no sink yet.

        Args:
            session: for all requests.
            tasks: runs the lookups and the senders.
            exporter: the URL of this exporter, for links in alerts.
            metrics: counters of each URL.
            unreachable: learns which Alertmanagers are not reached; None: no reader wants it.
            resolve: returns the addresses of the host of a URL.
        """
        self._session = session
        self._tasks = tasks
        self._exporter = exporter
        self._metrics = metrics
        self._limits = SinkLimits()
        self._unreachable = unreachable or Unreachable()
        self._resolve = resolve
        metrics.queue_capacity.set(self._limits.queue_capacity)
        self._endpoints: Mapping[str, Endpoint] = {}
        self._sinks: dict[str, AlertmanagerSink] = {}

    def configure(self, endpoints: Iterable[Endpoint]) -> None:
        """Replace the configured Alertmanagers; an endpoint that stays the same keeps its sink."""
        before, self._endpoints = self._endpoints, {one.url: one for one in endpoints}
        for url in before.keys() | self._endpoints.keys():
            if before.get(url) != self._endpoints.get(url):
                self._close(url)
        for url in self._endpoints:
            self._sink(url)

    def offer(self, url: str, alerts: Sequence[OutgoingAlert]) -> None:
        """Queue alerts for one Alertmanager; never waits."""
        self._sink(url).offer(alerts)

    def keep_only(self, urls: Iterable[str]) -> None:
        """Forget the URLs that are neither in `urls` nor configured."""
        for url in self._sinks.keys() - self._endpoints.keys() - set(urls):
            self._close(url)

    async def close(self) -> None:
        """Send the queued alerts, within a time limit, and stop; alerts that fire keep firing."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.drain_seconds):
                for sink in self._sinks.values():
                    await sink.drained()
        for url in list(self._sinks):
            self._close(url)

    def _sink(self, url: str) -> AlertmanagerSink:
        sink = self._sinks.get(url)
        if sink is None:
            courier = Courier(
                endpoint=self._endpoints.get(url) or Endpoint(url),
                session=self._session,
                metrics=self._metrics.of(url),
                exporter=self._exporter,
                limits=self._limits,
                unreachable=self._unreachable,
            )
            sink = self._sinks[url] = AlertmanagerSink(courier, self._tasks, resolve=self._resolve)
        return sink

    def _close(self, url: str) -> None:
        sink = self._sinks.pop(url, None)
        if sink is not None:
            sink.close()
            self._metrics.forget(url)
            self._unreachable.forget(url)
