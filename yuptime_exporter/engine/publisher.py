"""Offer alerts to every Alertmanager: at once after a change, and repeatedly in between."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NoReturn

from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.alerting import (
    AlertFeed,
    AlertSettings,
    firing_by_url,
    may_name_its_alertmanager,
)
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import Judged, Monitor, MonitorKey, State
from yuptime_exporter.core.ports import AlertSinks
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.slices import slices
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.silence import SilenceCheck
from yuptime_exporter.engine.transitions import Transitions

log = logging.getLogger(__name__)

# Longest time between two rounds, also if the clock was set back. A round costs the monitors that
# changed since the one before, and those that are down.
MAX_SLEEP_SECONDS = 15.0

# Number of monitors judged in one call, and the time after which other work on the event loop has
# its turn: 100 monitors take about 0.5 ms.
JUDGED_AT_ONCE = 100
TURN_SECONDS = 0.0005

# Shortest time between two rounds, in which changes are gathered: 1,000 jobs that fail at once are sent in 4 requests.
GATHER_SECONDS = 0.05


class Publisher:
    """Judges monitors that may have changed, round after round, and offers the alerts of those that are down."""

    def __init__(
        self,
        rejudging: Rejudging,
        readiness: Readiness,
        *,
        settings: Callable[[], AlertSettings],
        transitions: Transitions,
        silence_check: SilenceCheck | None = None,
        clock: Clock,
    ) -> None:
        """Have sent no alert yet.

        Args:
            rejudging: knows the monitors that changed, or whose moment has come.
            readiness: no alert is sent while the exporter is not ready.
            settings: returns the active settings of alerts.
            transitions: logs each change of state.
            silence_check: holds back uncertain verdicts; None: no other replica takes pushes.
            clock: Unix seconds.
        """
        self._silence_check = silence_check
        self._settle_seconds = silence_check.settle_seconds if silence_check else 0.0
        self._rejudging = rejudging
        self._rejudged = rejudging.reader()
        self._down: dict[MonitorKey, Judged] = {}
        self._naming: dict[MonitorKey, Monitor] = {}
        self._readiness = readiness
        self._settings = settings
        self._transitions = transitions
        self._clock = clock
        self._feeds: dict[str, AlertFeed] = {}
        self._configured: frozenset[str] = frozenset()
        self._not_allowed: frozenset[MonitorKey] = frozenset()
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Start the next round soon: a change may raise or end an alert."""
        self._changed.set()

    async def publish_forever(self, sinks: AlertSinks) -> NoReturn:
        """Publish after each change, at each deadline, and at each repetition, forever."""
        while True:
            self._changed.clear()
            sleep_seconds = await self._publish_once(sinks)
            with suppress(TimeoutError):
                async with asyncio.timeout(sleep_seconds):
                    await self._changed.wait()
                await asyncio.sleep(GATHER_SECONDS)

    async def _publish_once(self, sinks: AlertSinks) -> float:
        """Make one round; return the longest time in seconds until the next."""
        if not self._readiness.ready:
            return MAX_SLEEP_SECONDS
        now_timestamp = self._clock()
        judged = await self._judged(now_timestamp)
        if self._silence_check is not None:
            judged = await self._silence_check.certain(judged, now_timestamp=now_timestamp)
            self._transitions.observe(judged)
        self._transitions.end_round()
        self._publish(judged, sinks, now_timestamp)
        return self._until_next(now_timestamp)

    async def _judged(self, now_timestamp: float) -> list[Judged]:
        """Return the monitors that are down, and others whose verdict may have changed.

        Of the others, only a check of silence needs to know; at the start they are all monitors.

        They are judged in short turns on the event loop. A thread would share Python's lock with the
        loop, and each hand-over takes up to the switch interval: beside a thread that judged 10,000
        monitors, a push took up to 250 ms (measured with Python's own interval of 5 ms).
        """
        turn = Turn(max_seconds=TURN_SECONDS)
        for _ in self._rejudging.advance(now_timestamp):
            await turn.pass_on()
        judged = dict(self._down)
        for some in slices(self._rejudged.take(), JUDGED_AT_ONCE):
            again = self._rejudging.judge(some, now_timestamp=now_timestamp)
            self._remember(some, again)
            for key in some:
                judged.pop(key, None)
            if self._silence_check is None:
                self._transitions.observe(again)
                again = [one for one in again if one.verdict.state is State.DOWN]
            judged |= {one.row.monitor.key: one for one in again}
            if turn.is_over():
                await turn.pass_on()
        return list(judged.values())

    def _remember(self, keys: Iterable[MonitorKey], judged: Iterable[Judged]) -> None:
        """Remember the monitors whose alerts are sent again, and those that name an Alertmanager."""
        for key in keys:
            self._down.pop(key, None)
            self._naming.pop(key, None)
        for one in judged:
            monitor = one.row.monitor
            if one.verdict.state is State.DOWN:
                self._down[monitor.key] = one
            if monitor.alertmanager_url is not None:
                self._naming[monitor.key] = monitor

    def _publish(self, judged: Sequence[Judged], sinks: AlertSinks, now_timestamp: float) -> None:
        settings = self._settings()
        firing = firing_by_url(judged, settings)
        for url in self._configured.difference(settings.alertmanager_urls, firing):
            self._feeds.pop(url, None)  # it is no longer configured, so no recovery is sent to it
        self._configured = frozenset(settings.alertmanager_urls)
        for url in firing.keys() - self._feeds.keys():
            self._feeds[url] = AlertFeed()
        for url, feed in list(self._feeds.items()):
            outgoing = feed.due(firing.get(url, {}), settings, now_timestamp=now_timestamp)
            if outgoing:
                sinks.offer(url, outgoing)
            if feed.next_timestamp() is None:
                del self._feeds[url]
        sinks.keep_only(self._feeds)
        self._log_not_allowed(settings)

    def _until_next(self, now_timestamp: float) -> float:
        certain = (
            one.verdict.deadline_timestamp + self._settle_seconds for one in self._down.values()
        )
        moments = [moment for moment in certain if moment > now_timestamp]
        repetitions = (feed.next_timestamp() for feed in self._feeds.values())
        others = (self._rejudging.next_timestamp(), *repetitions)
        moments += [moment for moment in others if moment is not None]
        earliest = min(moments, default=now_timestamp + MAX_SLEEP_SECONDS)
        return min(max(earliest - now_timestamp, GATHER_SECONDS), MAX_SLEEP_SECONDS)

    def _log_not_allowed(self, settings: AlertSettings) -> None:
        not_allowed = {
            key: monitor.alertmanager_url
            for key, monitor in self._naming.items()
            if not may_name_its_alertmanager(monitor, settings)
        }
        for key in not_allowed.keys() - self._not_allowed:
            log.warning(
                "no alert is sent to the Alertmanager of a monitor: alerting.allowed_urls does not list it",
                extra={"monitor": str(key), "alertmanager": not_allowed[key]},
            )
        self._not_allowed = frozenset(not_allowed)
