"""All Alertmanagers behind one URL: one at each address of its host name.

Alertmanagers of a cluster exchange which notifications they sent, not which alerts they received.
So every address must receive every alert; behind a load balancer, each would receive a part.
"""

import asyncio
import logging
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any, NoReturn

from yarl import URL

from yuptime_exporter.core.alerting import OutgoingAlert
from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.sinks.alertmanager.sender import Courier, Sender

log = logging.getLogger(__name__)

Resolve = Callable[[URL], Awaitable[frozenset[str]]]
"""Returns the addresses of the host of a URL; raises OSError."""

LookUp = Callable[..., list[tuple[Any, ...]]]
"""The signature of `socket.getaddrinfo`, which blocks."""


async def addresses_of(url: URL, *, look_up: LookUp = socket.getaddrinfo) -> frozenset[str]:
    """Return the addresses of the host of a URL, all of one family.

    A host with addresses of both families gets those of IPv4 only: the IPv6 addresses lead to the
    same Alertmanagers, and those of `localhost` often to none.

    Raises:
        OSError: the name cannot be resolved.
    """
    found: Future[frozenset[str]] = Future()
    found.set_running_or_notify_cancel()
    # Each lookup has its own thread: names that hang, for example of a monitor, would block the
    # few threads that the event loop shares, and at the end the exit of the program.
    threading.Thread(target=_resolve_into, args=(found, url, look_up), daemon=True).start()
    return await asyncio.wrap_future(found)


def _resolve_into(found: Future[frozenset[str]], url: URL, look_up: LookUp) -> None:
    try:
        results = look_up(url.raw_host, url.port, type=socket.SOCK_STREAM)
    except OSError as error:
        found.set_exception(error)
        return
    families = {family for family, *_ in results}
    family = socket.AF_INET if socket.AF_INET in families else socket.AF_INET6
    addresses = (address for kind, _, _, _, address in results if kind == family)
    found.set_result(frozenset(str(host) for host, *_ in addresses))


class AlertmanagerSink:
    """One sender for each address; every alert goes to all of them."""

    def __init__(
        self, courier: Courier, tasks: asyncio.TaskGroup, *, resolve: Resolve = addresses_of
    ) -> None:
        """Start to look up the addresses.

        Args:
            courier: shared by all senders.
            tasks: runs the lookups and the senders.
            resolve: returns the addresses of the host of a URL.
        """
        self._courier = courier
        self._resolve = resolve
        self._tasks = tasks
        self._senders: dict[str, tuple[Sender, asyncio.Task[NoReturn]]] = {}
        # Alerts that were offered before the first address is known.
        self._waiting: deque[OutgoingAlert] = deque(maxlen=courier.limits.queue_capacity)
        self._log = FailureLog(
            log, "Alertmanager's name is not resolved; it is tried again", level=logging.ERROR
        )
        courier.metrics.queue_length.set_function(lambda: self.queue_length)
        self._resolving = tasks.create_task(
            self._resolve_forever(), name=f"resolve {courier.endpoint.url}"
        )

    @property
    def queue_length(self) -> int:
        """Number of alerts that wait, for all addresses together."""
        return len(self._waiting) + sum(s.queue_length for s, _ in self._senders.values())

    def offer(self, alerts: Sequence[OutgoingAlert]) -> None:
        """Queue alerts for every address; never waits."""
        if not self._senders:
            surplus = len(self._waiting) + len(alerts) - self._courier.limits.queue_capacity
            self._courier.metrics.dropped.inc(max(0, surplus))
            self._waiting.extend(alerts)
        for sender, _ in self._senders.values():
            sender.offer(alerts)

    async def drained(self) -> None:
        """Return when every offered alert was sent or failed."""
        for sender, _ in list(self._senders.values()):
            await sender.drained()

    def close(self) -> None:
        """Stop; the alerts that still wait are dropped and counted."""
        self._courier.metrics.dropped.inc(self.queue_length)
        self._resolving.cancel()
        for _, task in self._senders.values():
            task.cancel()

    async def _resolve_forever(self) -> NoReturn:
        endpoint, limits = self._courier.endpoint, self._courier.limits
        while True:
            try:
                self._set_addresses(await self._resolve(endpoint.api_url))
                self._log.recovered()
                self._courier.unreachable.reached(endpoint.url, "")
            except OSError as error:
                self._courier.unreachable.failed(endpoint.url, "", str(error))
                self._courier.metrics.errors.inc()
                self._log.failed(error, alertmanager=endpoint.url)
            known = bool(self._senders)
            await asyncio.sleep(
                limits.resolve_interval_seconds if known else limits.resolve_retry_seconds
            )

    def _set_addresses(self, addresses: frozenset[str]) -> None:
        """Stop the senders of addresses that are gone, and start those of new addresses."""
        for address in self._senders.keys() - addresses:
            sender, task = self._senders.pop(address)
            self._courier.metrics.dropped.inc(sender.queue_length)
            self._courier.unreachable.reached(self._courier.endpoint.url, address)
            task.cancel()
        for address in addresses - self._senders.keys():
            sender = Sender(self._courier, address)
            name = f"send to {self._courier.endpoint.url} at {address}"
            self._senders[address] = (
                sender,
                self._tasks.create_task(sender.send_forever(), name=name),
            )
        waiting = list(self._waiting)
        self._waiting.clear()
        self.offer(waiting)
