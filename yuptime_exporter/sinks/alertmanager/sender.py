"""Send alerts to one Alertmanager at one address, as Prometheus does (notifier/sendloop.go).

Bounded, in batches, and never waited for. There are no retries: what is lost is sent again with
the next repetition, within a minute.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import NoReturn

import aiohttp
from aiohttp import hdrs

from yuptime_exporter.core.alerting import Labels, OutgoingAlert, fingerprint
from yuptime_exporter.metrics.notifications import AlertmanagerMetrics
from yuptime_exporter.sinks.alertmanager.body import alert_body
from yuptime_exporter.sinks.alertmanager.endpoint import CurrentContext, Endpoint

log = logging.getLogger(__name__)

# Both are Prometheus' defaults: notifier/manager.go, DefaultMaxBatchSize; cmd/prometheus/main.go,
# --alertmanager.notification-queue-capacity.
MAX_BATCH = 256
QUEUE_CAPACITY = 10_000

_MAX_ANSWER_BYTES = 1024
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass(frozen=True, slots=True)
class Courier:
    """What all senders of one URL share.

    Attributes:
        external_url: how this exporter is reached, for links in alerts.
    """

    endpoint: Endpoint
    session: aiohttp.ClientSession
    metrics: AlertmanagerMetrics
    external_url: str


class Sender:
    """One address with its queue; a slow one delays no other."""

    def __init__(self, courier: Courier, address: str) -> None:
        self._courier = courier
        self._url = courier.endpoint.api_url.with_host(address)
        self._context = CurrentContext(courier.endpoint.tls)
        self._queue: dict[Labels, OutgoingAlert] = {}
        self._offered = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._failing = False

    @property
    def queue_length(self) -> int:
        """How many alerts wait."""
        return len(self._queue)

    def offer(self, alerts: Sequence[OutgoingAlert]) -> None:
        """Take over alerts; the oldest give way when too many wait, and are counted.

        What is told of an alert takes the place of what still waits to be told of it, so that an
        Alertmanager which hangs is later told what is true then, once.
        """
        self._queue.update((one.alert.labels, one) for one in alerts)
        surplus = len(self._queue) - QUEUE_CAPACITY
        if surplus > 0:
            self._courier.metrics.dropped.inc(surplus)
            self._take(surplus)
        if self._queue:
            self._idle.clear()
            self._offered.set()

    async def drained(self) -> None:
        """Return when everything that was offered is sent or has failed."""
        await self._idle.wait()

    async def send_forever(self) -> NoReturn:
        """Send what is offered, batch after batch, forever."""
        while True:
            await self._offered.wait()
            self._offered.clear()
            while self._queue:
                await self._send(self._take(MAX_BATCH))
            self._idle.set()

    def _take(self, at_most: int) -> list[OutgoingAlert]:
        """Remove the oldest from the queue and return them."""
        oldest = list(islice(self._queue, at_most))
        return [self._queue.pop(labels) for labels in oldest]

    async def _send(self, batch: Sequence[OutgoingAlert]) -> None:
        """Send a batch; if it is refused, halve it until the alert that is refused is alone."""
        try:
            status, answer = await self._post(batch)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._failed(batch, str(error) or type(error).__name__)
            return
        if status in _REFUSALS and len(batch) > 1:
            half = len(batch) // 2
            await self._send(batch[:half])
            await self._send(batch[half:])
        elif HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            self._succeeded(batch)
        else:
            self._failed(batch, f"answered {status}: {answer}")

    async def _post(self, batch: Sequence[OutgoingAlert]) -> tuple[int, str]:
        endpoint = self._courier.endpoint
        body = json.dumps(
            [alert_body(one, external_url=self._courier.external_url) for one in batch]
        )
        with self._courier.metrics.latency.time():
            async with self._courier.session.post(
                self._url,
                data=body.encode(),
                headers={**endpoint.headers(), hdrs.HOST: endpoint.api_url.raw_authority},
                timeout=aiohttp.ClientTimeout(total=endpoint.timeout_seconds),
                # To another host it would carry credentials and alerts of others there.
                allow_redirects=False,
                ssl=self._context.get(),
                server_hostname=endpoint.server_hostname,
            ) as response:
                answer = await response.content.read(_MAX_ANSWER_BYTES)
                return response.status, " ".join(answer.decode(errors="replace").split())

    def _succeeded(self, batch: Sequence[OutgoingAlert]) -> None:
        self._courier.metrics.sent.inc(len(batch))
        if self._failing:
            self._failing = False
            log.info("alerts reach Alertmanager again", extra=self._named())

    def _failed(self, batch: Sequence[OutgoingAlert], reason: str) -> None:
        self._courier.metrics.errors.inc(len(batch))
        self._courier.metrics.dropped.inc(len(batch))
        if not self._failing:  # its end is logged, too; the counter tells how often in between
            self._failing = True
            first = fingerprint(batch[0].alert.labels)
            extra = {**self._named(), "alerts": len(batch), "first": first, "err": reason}
            log.error("alerts do not reach Alertmanager; they are sent again", extra=extra)

    def _named(self) -> dict[str, str]:
        endpoint = self._courier.endpoint
        return {"alertmanager": endpoint.url, "address": str(self._url.host)}
