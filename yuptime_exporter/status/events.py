"""Kubernetes Events about monitors, for `kubectl describe`. Nothing depends on them."""

import asyncio
import hashlib
import logging
from collections import deque
from typing import Any, NoReturn

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import API_VERSION, MonitorKey
from yuptime_exporter.core.rate_limit import RateLimit, RateLimiter
from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError
from yuptime_exporter.metrics.status import StatusMetrics
from yuptime_exporter.moments import exact_rfc3339
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.status.model import Occurrence

log = logging.getLogger(__name__)

REPORTING_CONTROLLER = "monitoring.yuptime.io/yuptime-exporter"

# client-go, tools/events and tools/record: for one object a burst of 25 and then one in 5 minutes;
# a queue of 1,000; a note of 1 KiB.
PER_MONITOR = RateLimit(interval_seconds=300.0, burst=25)
QUEUE_CAPACITY = 1000
MAX_NOTE_BYTES = 1024
_NOTE_HEAD_BYTES = 384
_MARK = " […] ".encode()

_MAX_NAME_CHARS = 253
_TIMEOUT_SECONDS = 5.0


class MonitorEvents:
    """Writes Events. Replicas give the same occurrence the same name, so that it is stored once."""

    def __init__(self, api: Api, *, instance: str, metrics: StatusMetrics, clock: Clock) -> None:
        """Write nothing yet; `instance` names this replica."""
        self._api = api
        self._instance = instance
        self._metrics = metrics
        self._clock = clock
        self._limiter = RateLimiter(PER_MONITOR)
        self._queue: deque[tuple[MonitorKey, dict[str, Any]]] = deque()
        self._offered = asyncio.Event()
        self._log = FailureLog(log, "Events are not written", level=logging.INFO)

    def offer(self, key: MonitorKey, found: MonitorObject, occurrence: Occurrence) -> None:
        """Queue an Event; beyond the limits it is dropped and counted. Returns at once."""
        now_timestamp = self._clock()
        if (
            len(self._queue) >= QUEUE_CAPACITY
            or self._limiter.wait_seconds(key, now_timestamp=now_timestamp) > 0
        ):
            self._metrics.events.labels("dropped").inc()
            return
        self._queue.append((key, event_body(key, found, occurrence, self._instance, now_timestamp)))
        self._offered.set()

    async def write_forever(self) -> NoReturn:
        """Write the queued Events one by one, forever; a failed one is not tried again."""
        while True:
            await self._offered.wait()
            self._offered.clear()
            while self._queue:
                await self._write(*self._queue.popleft())

    async def _write(self, key: MonitorKey, body: dict[str, Any]) -> None:
        path = f"/apis/events.k8s.io/v1/namespaces/{key.namespace}/events"
        try:
            await self._api.call("POST", path, body=body, timeout_seconds=_TIMEOUT_SECONDS)
        except ApiError as error:
            if isinstance(error, ApiStatusError) and error.status == 409:
                self._metrics.events.labels("duplicate").inc()
                return
            self._metrics.events.labels("failed").inc()
            self._log.failed(error)
        else:
            self._log.recovered()
            self._metrics.events.labels("created").inc()


def event_body(
    key: MonitorKey,
    found: MonitorObject,
    occurrence: Occurrence,
    instance: str,
    now_timestamp: float,
) -> dict[str, Any]:
    """Return an Event; its name depends only on the occurrence."""
    since = occurrence.since_timestamp
    moment = found.resource_version if since is None else f"{since:.6f}"
    digest = hashlib.sha256(f"{found.uid} {occurrence.reason} {moment}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": f"{key.name[: _MAX_NAME_CHARS - len(digest) - 1].rstrip('-.')}.{digest}",
            "namespace": key.namespace,
        },
        "eventTime": exact_rfc3339(now_timestamp),
        "reportingController": REPORTING_CONTROLLER,
        "reportingInstance": instance[:128],
        "action": "Judge",
        "reason": occurrence.reason,
        "type": "Warning" if occurrence.warning else "Normal",
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": "Monitor",
            "namespace": key.namespace,
            "name": key.name,
            "uid": found.uid,
        },
        "note": _cut(occurrence.note),
    }


def _cut(note: str) -> str:
    """Return the note with head and tail in the bytes that an Event can have, and a mark between."""
    encoded = note.encode()
    if len(encoded) <= MAX_NOTE_BYTES:
        return note
    tail_bytes = MAX_NOTE_BYTES - _NOTE_HEAD_BYTES - len(_MARK)
    parts = encoded[:_NOTE_HEAD_BYTES], _MARK, encoded[-tail_bytes:]
    return b"".join(parts).decode(errors="ignore")
