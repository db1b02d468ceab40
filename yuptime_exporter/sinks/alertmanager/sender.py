"""Send alerts to one Alertmanager at one address, as Prometheus does (notifier/sendloop.go).

The queue is bounded, requests are batches, and no caller waits. Unlike Prometheus, an address that
has no alert for a minute gets an empty request, which shows whether an alert would arrive. A failed request is not retried:
its alerts are sent again with the next repetition, within a minute.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from typing import NoReturn

import aiohttp
from aiohttp import hdrs

from yuptime_exporter.core.alerting import Labels, OutgoingAlert, fingerprint
from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.metrics.notifications import AlertmanagerMetrics
from yuptime_exporter.sinks.alertmanager.body import ExporterUrl, alert_body
from yuptime_exporter.sinks.alertmanager.endpoint import CurrentContext, Endpoint
from yuptime_exporter.sinks.alertmanager.limits import SinkLimits
from yuptime_exporter.sinks.alertmanager.unreachable import Unreachable

log = logging.getLogger(__name__)

_MAX_ANSWER_BYTES = 1024
_INVALID_ALERT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass(frozen=True, slots=True)
class Courier:
    """The parts that all senders of one URL share.

    Attributes:
        exporter: the URL of this exporter, for links in alerts.
        unreachable: learns whether requests succeed.
    """

    endpoint: Endpoint
    session: aiohttp.ClientSession
    metrics: AlertmanagerMetrics
    exporter: ExporterUrl
    limits: SinkLimits
    unreachable: Unreachable = field(default_factory=Unreachable)


class Sender:
    """One address with its own queue, so that a slow address does not delay another."""

    def __init__(self, courier: Courier, address: str) -> None:
        self._courier = courier
        self._url = courier.endpoint.api_url.with_host(address)
        self._context = CurrentContext(courier.endpoint.tls)
        self._queue: dict[Labels, OutgoingAlert] = {}
        self._offered = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._place = {"url": courier.endpoint.url, "address": address}
        self._fields = {"alertmanager": courier.endpoint.url, "address": str(self._url.host)}
        self._log = FailureLog(
            log,
            "alerts do not reach Alertmanager; they are sent again",
            "alerts reach Alertmanager again",
            level=logging.ERROR,
        )

    @property
    def queue_length(self) -> int:
        """Number of alerts that wait."""
        return len(self._queue)

    def offer(self, alerts: Sequence[OutgoingAlert]) -> None:
        """Queue alerts; if too many wait, the oldest are dropped and counted.

        An alert replaces its own earlier version in the queue, so that an Alertmanager that hangs
        later receives the newest version, once.
        """
        self._queue.update((one.alert.labels, one) for one in alerts)
        surplus = len(self._queue) - self._courier.limits.queue_capacity
        if surplus > 0:
            self._courier.metrics.dropped.inc(surplus)
            self._take(surplus)
        if self._queue:
            self._idle.clear()
            self._offered.set()

    async def drained(self) -> None:
        """Return when every offered alert was sent or failed."""
        await self._idle.wait()

    async def send_forever(self) -> NoReturn:
        """Send the queued alerts, batch after batch, forever."""
        while True:
            try:
                async with asyncio.timeout(self._courier.limits.check_seconds):
                    await self._offered.wait()
            except TimeoutError:
                await self._send([])
            self._offered.clear()
            while self._queue:
                await self._send(self._take(self._courier.limits.max_batch))
            self._idle.set()

    def _take(self, at_most: int) -> list[OutgoingAlert]:
        """Remove the oldest alerts from the queue and return them."""
        oldest = list(islice(self._queue, at_most))
        return [self._queue.pop(labels) for labels in oldest]

    async def _send(self, batch: Sequence[OutgoingAlert]) -> None:
        """Send a batch; halve an invalid batch until the invalid alert is alone."""
        try:
            status, answer = await self._post(batch)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._failed(batch, str(error) or type(error).__name__)
            return
        if status in _INVALID_ALERT and len(batch) > 1:
            half = len(batch) // 2
            await self._send(batch[:half])
            await self._send(batch[half:])
        elif HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            self._succeeded(batch)
        else:
            self._failed(batch, f"answered {status}", answer)

    async def _post(self, batch: Sequence[OutgoingAlert]) -> tuple[int, str]:
        """Return the status and the beginning of the answer, on one line."""
        endpoint = self._courier.endpoint
        body = json.dumps([alert_body(one, exporter=self._courier.exporter) for one in batch])
        with self._courier.metrics.latency.time():
            async with self._courier.session.post(
                self._url,
                data=body.encode(),
                headers={**endpoint.headers(), hdrs.HOST: endpoint.api_url.raw_authority},
                timeout=aiohttp.ClientTimeout(total=endpoint.timeout_seconds),
                # A redirect could carry credentials and alerts to another host.
                allow_redirects=False,
                ssl=self._context.get(),
                server_hostname=endpoint.server_hostname,
            ) as response:
                answer = await response.content.read(_MAX_ANSWER_BYTES)
                return response.status, " ".join(answer.decode(errors="replace").split())

    def _succeeded(self, batch: Sequence[OutgoingAlert]) -> None:
        self._courier.metrics.sent.inc(len(batch))
        self._courier.unreachable.reached(**self._place)
        self._log.recovered(**self._fields)

    def _failed(self, batch: Sequence[OutgoingAlert], reason: str, answer: str = "") -> None:
        # A failed check counts as an alert, which would not have arrived either.
        self._courier.metrics.errors.inc(len(batch) or 1)
        self._courier.metrics.dropped.inc(len(batch))
        self._courier.unreachable.failed(**self._place, reason=reason)
        first = {"first": fingerprint(batch[0].alert.labels)} if batch else {}
        err = f"{reason}: {answer}" if answer else reason
        self._log.failed(err, alerts=len(batch), **first, **self._fields)
