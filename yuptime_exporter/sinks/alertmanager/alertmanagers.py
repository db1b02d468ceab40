"""The Alertmanagers that are sent to: configured ones, and those that monitors name."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import aiohttp

from yuptime_exporter.core.alerting import OutgoingAlert
from yuptime_exporter.metrics.notifications import NotificationMetrics
from yuptime_exporter.sinks.alertmanager.addresses import AlertmanagerSink
from yuptime_exporter.sinks.alertmanager.endpoint import Endpoint
from yuptime_exporter.sinks.alertmanager.sender import QUEUE_CAPACITY, Courier

# What is left at the end may take this long; the whole shutdown is to take less than 10 s.
DRAIN_SECONDS = 2.0


class Alertmanagers:
    """One sink for each URL, made when it is first needed."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tasks: asyncio.TaskGroup,
        *,
        external_url: str,
        metrics: NotificationMetrics,
    ) -> None:
        self._session = session
        self._tasks = tasks
        self._external_url = external_url
        self._metrics = metrics
        metrics.queue_capacity.set(QUEUE_CAPACITY)
        self._endpoints: Mapping[str, Endpoint] = {}
        self._sinks: dict[str, AlertmanagerSink] = {}

    def configure(self, endpoints: Iterable[Endpoint]) -> None:
        """Send to these as the operator configured them; their sinks are there from now on."""
        before, self._endpoints = self._endpoints, {one.url: one for one in endpoints}
        for url in before.keys() | self._endpoints.keys():
            if before.get(url) != self._endpoints.get(url):
                self._close(url)
        for url in self._endpoints:
            self._sink(url)

    def offer(self, url: str, alerts: Sequence[OutgoingAlert]) -> None:
        """Take over alerts to be sent; never waits."""
        self._sink(url).offer(alerts)

    def keep_only(self, urls: Iterable[str]) -> None:
        """Forget the URLs that no monitor names any more."""
        for url in self._sinks.keys() - self._endpoints.keys() - set(urls):
            self._close(url)

    async def close(self) -> None:
        """Send what waits, within a limit, and stop; tells nobody that anything is resolved."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
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
                external_url=self._external_url,
            )
            sink = self._sinks[url] = AlertmanagerSink(courier, self._tasks)
        return sink

    def _close(self, url: str) -> None:
        sink = self._sinks.pop(url, None)
        if sink is not None:
            sink.close()
            self._metrics.forget(url)
