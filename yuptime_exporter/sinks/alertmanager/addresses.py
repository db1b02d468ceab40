"""All Alertmanagers behind one URL: each address of its name is one of them.

Alertmanagers tell each other what they notified, not what they were told, so every one must be
told everything; a load balancer in between would tell each of them a part.
"""

import asyncio
import logging
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import NoReturn

from yarl import URL

from yuptime_exporter.core.alerting import OutgoingAlert
from yuptime_exporter.sinks.alertmanager.sender import QUEUE_CAPACITY, Courier, Sender

log = logging.getLogger(__name__)

# Pods come and go: a headless Service is asked this often for the addresses behind its name.
RESOLVE_INTERVAL_SECONDS = 30.0

# While nobody is known behind a name, it is asked for more often: alerts are waiting.
RESOLVE_RETRY_SECONDS = 2.0

Resolve = Callable[[URL], Awaitable[frozenset[str]]]


class AlertmanagerSink:
    """Keeps one sender for each address, and gives every alert to all of them."""

    def __init__(
        self, courier: Courier, tasks: asyncio.TaskGroup, *, resolve: Resolve | None = None
    ) -> None:
        """Start resolving at once.

        Args:
            courier: what all senders share.
            tasks: where the senders run.
            resolve: gives the addresses behind the host of a URL; None: the system's resolver.
        """
        self._courier = courier
        self._resolve = resolve or addresses_of
        self._tasks = tasks
        self._senders: dict[str, tuple[Sender, asyncio.Task[NoReturn]]] = {}
        # What is offered before the first address is known.
        self._waiting: deque[OutgoingAlert] = deque(maxlen=QUEUE_CAPACITY)
        courier.metrics.queue_length.set_function(lambda: self.queue_length)
        self._resolving = tasks.create_task(
            self._resolve_forever(), name=f"resolve {courier.endpoint.url}"
        )

    @property
    def queue_length(self) -> int:
        """How many alerts wait, for whichever address."""
        return len(self._waiting) + sum(s.queue_length for s, _ in self._senders.values())

    def offer(self, alerts: Sequence[OutgoingAlert]) -> None:
        """Take over alerts to be sent; never waits."""
        if not self._senders:
            surplus = len(self._waiting) + len(alerts) - QUEUE_CAPACITY
            self._courier.metrics.dropped.inc(max(0, surplus))
            self._waiting.extend(alerts)
        for sender, _ in self._senders.values():
            sender.offer(alerts)

    async def drained(self) -> None:
        """Return when everything that was offered is sent or has failed."""
        for sender, _ in list(self._senders.values()):
            await sender.drained()

    def close(self) -> None:
        """Stop; what still waits is dropped."""
        self._courier.metrics.dropped.inc(self.queue_length)
        self._resolving.cancel()
        for _, task in self._senders.values():
            task.cancel()

    async def _resolve_forever(self) -> NoReturn:
        failing = False
        while True:
            try:
                self._adopt(await self._resolve(self._courier.endpoint.api_url))
                failing = False
            except OSError as error:
                if not failing:
                    failing = True
                    extra = {"alertmanager": self._courier.endpoint.url, "err": str(error)}
                    log.error("Alertmanager's name is not resolved; trying again", extra=extra)
            known = bool(self._senders)
            await asyncio.sleep(RESOLVE_INTERVAL_SECONDS if known else RESOLVE_RETRY_SECONDS)

    def _adopt(self, addresses: frozenset[str]) -> None:
        for address in self._senders.keys() - addresses:
            sender, task = self._senders.pop(address)
            self._courier.metrics.dropped.inc(sender.queue_length)
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


async def addresses_of(url: URL) -> frozenset[str]:
    """Return the addresses behind the host of a URL, of one family.

    Of a host with addresses of both families only those of IPv4 are taken: the others lead to
    the same Alertmanagers, and `localhost` often to none.

    Raises:
        OSError: the name cannot be resolved.
    """
    found: Future[frozenset[str]] = Future()
    found.set_running_or_notify_cancel()
    # A thread of its own: names that hang, which may be a monitor's, would hold up all others
    # who share the few threads of the loop, and at the end the program.
    threading.Thread(target=_look_up, args=(url, found), daemon=True).start()
    return await asyncio.wrap_future(found)


def _look_up(url: URL, found: Future[frozenset[str]]) -> None:
    try:
        all_of_them = socket.getaddrinfo(url.raw_host, url.port, type=socket.SOCK_STREAM)
    except OSError as error:
        found.set_exception(error)
        return
    families = {family for family, *_ in all_of_them}
    family = socket.AF_INET if socket.AF_INET in families else socket.AF_INET6
    addresses = (address for kind, _, _, _, address in all_of_them if kind == family)
    found.set_result(frozenset(str(host) for host, *_ in addresses))
