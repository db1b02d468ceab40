"""The composition root: every part of the exporter, and how they are connected.

    sources ─→ follower ─→ table ─→ metrics        a change, then a scrape
    web ─→ receiver ─→ store ─→ table              a push: durable, then visible, then acknowledged
    table ─→ publisher ─→ Alertmanagers            an alert

Order of the start: listen (not ready), restore saved state, list monitors, ready. Order of the end:
not ready, stop listening, answer the requests in flight, commit, close.
"""

import asyncio
import logging
import time
from functools import partial

import aiohttp

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import MonitorKey, State
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.publisher import Publisher
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.receiving_log import OUTAGE_AFTER_SECONDS
from yuptime_exporter.engine.reloading import Reloading
from yuptime_exporter.engine.replication import Replication
from yuptime_exporter.engine.restoring import restored_state
from yuptime_exporter.engine.transitions import Transitions
from yuptime_exporter.settings.configuration import Configuration, configuration_of
from yuptime_exporter.settings.current import CurrentConfiguration
from yuptime_exporter.settings.model import Settings
from yuptime_exporter.settings.web_configuration import CurrentWebConfiguration
from yuptime_exporter.sinks.alertmanager.alertmanagers import Alertmanagers
from yuptime_exporter.wiring import interpreter
from yuptime_exporter.wiring.changes import connect_changes
from yuptime_exporter.wiring.connect import connect
from yuptime_exporter.wiring.metrics_page import metrics_page
from yuptime_exporter.wiring.pushes import connect_pushes
from yuptime_exporter.wiring.readers import reader_handlers
from yuptime_exporter.wiring.registry import Metrics
from yuptime_exporter.wiring.shared import Shared
from yuptime_exporter.wiring.signals import set_on_signals
from yuptime_exporter.wiring.sites import Served, exporter_url, serving_sites
from yuptime_exporter.wiring.test_alerts import test_alerts

log = logging.getLogger(__name__)


class Exporter:
    """The whole program, connected; `run` is its life.

    Attributes:
        bound: the addresses listened on, by the flag that asked for them.
        stop_requested: set to end `run`.
        reload_requested: set to load configuration and sources again.
    """

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        """Connect all parts; only the configuration files are read.

        Raises:
            ConfigInvalid: a configuration file cannot be used.
        """
        self.bound: dict[str, list[str]] = {}
        self.stop_requested = asyncio.Event()
        metrics = Metrics(external_url=settings.external_url)
        self._configuration = CurrentConfiguration(
            partial(configuration_of, settings), metrics=metrics.reload, clock=clock
        )
        web = CurrentWebConfiguration(settings.web_config_file, metrics=metrics.reload, clock=clock)
        table = self._table = MonitorTable(silence_is_outage_after_seconds=OUTAGE_AFTER_SECONDS)
        ready = Readiness(metrics.readiness)
        shared = self._shared = Shared(
            settings, table, Rejudging(table), ready, metrics, web, clock
        )
        adopt = Replication(table, on_push=self._after_push, clock=clock).adopt
        parts = self._parts = connect(
            shared, adopt=adopt, defaults=lambda: self._configuration.value.monitor_defaults
        )
        self._pushes = connect_pushes(shared, parts, self._configuration, on_push=self._after_push)
        self._transitions = Transitions(table, clock=clock)
        self._receiving_log, self._follower = connect_changes(
            shared, parts, on_change=self._after_change
        )
        self._publisher = Publisher(
            shared.rejudging,
            ready,
            settings=lambda: self._configuration.value.alerting,
            transitions=self._transitions,
            silence_check=parts.silence_check,
            clock=clock,
        )
        self._metrics_page = metrics_page(shared, self._configuration, self._follower)
        self._listed = asyncio.Event()
        self._reloading = Reloading(self._reload_files, parts.source, ready)
        self.reload_requested = self._reloading.requested
        self._configuration.follow(self._after_reload)

    def _reload_files(self) -> None:
        self._configuration.reload()
        self._shared.web_configuration.reload()

    async def run(self) -> None:
        """Serve until `stop_requested`; return when everything is answered and committed.

        Raises:
            YuptimeError: it cannot start; in a group, since several parts start at once.
        """
        try:
            async with self._parts.running():
                await self._serve()
                await self._receiving_log.end()
        finally:
            self._pushes.rejections.write_all()
            await self._parts.store.close()
        log.info("stopped")

    async def _serve(self) -> None:
        reload, backup = self._reloading.reload, self._parts.store.backup
        readers = reader_handlers(
            self._shared,
            self._configuration,
            self._follower,
            self._pushes.rejections,
            self._parts.history,
            stopping=self.stop_requested,
        )
        served = Served(
            self._shared,
            self._pushes,
            self._metrics_page,
            reload,
            backup,
            test_alerts(self._shared, self._configuration),
            readers,
        )
        metrics = self._shared.metrics.notifications
        async with (
            # No limit on connections: an Alertmanager that hangs must not block the others.
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
            asyncio.TaskGroup() as tasks,
            serving_sites(served) as self.bound,
        ):
            scheme = "http" if self._shared.web_configuration.value.tls is None else "https"
            url = exporter_url(self._shared.settings, self.bound, scheme=scheme)
            sinks = Alertmanagers(
                session, tasks, exporter=url, metrics=metrics, unreachable=self._shared.unreachable
            )
            self._configuration.follow(lambda new: sinks.configure(new.alertmanagers))
            endless = (
                tasks.create_task(self._restore_and_follow(), name="follow monitors"),
                tasks.create_task(self._receiving_log.keep(), name="keep the receiving log"),
                tasks.create_task(self._publisher.publish_forever(sinks), name="publish alerts"),
                tasks.create_task(self._reloading.reload_on_request(), name="reload on request"),
                tasks.create_task(self._render_ahead(), name="render changes ahead of scrapes"),
            )
            await self.stop_requested.wait()
            log.info("stopping")
            self._shared.readiness.stopping()
            for task in endless:
                task.cancel()
            await sinks.close()

    async def _restore_and_follow(self) -> None:
        self._table.restore(await restored_state(self._parts.store, self._shared.readiness))
        await self._follower.follow(self._parts.source)

    async def _render_ahead(self) -> None:
        """Render all monitors once they are listed, and changes after that, ahead of scrapes."""
        await self._listed.wait()
        await self._metrics_page.render_ahead()

    def _after_push(self, key: MonitorKey, before: State, after: State) -> None:
        self._transitions.pushed(key, before, after)
        if State.DOWN in (before, after):
            self._publisher.wake()
        self._parts.after_push(key, before, after)

    def _after_change(self) -> None:
        interpreter.exempt_listed_monitors()
        self._listed.set()
        self._transitions.drop_removed()
        self._pushes.forget_removed(self._shared)
        self._publisher.wake()

    def _after_reload(self, configuration: Configuration) -> None:
        self._pushes.limiter.limit = configuration.push_rate
        self._publisher.wake()


def system_clock() -> float:
    """Return the Unix time in whole microseconds.

    Kubernetes stores microseconds: with finer moments, a replica that accepted a push would disagree
    with a replica that read it. To round `time.time` takes five times as long.
    """
    return time.time_ns() // 1_000 / 1e6


async def run(settings: Settings) -> None:
    """Run the exporter by the real clock until SIGTERM or SIGINT; SIGHUP reloads."""
    interpreter.return_large_blocks()
    interpreter.shorten_thread_switches()
    interpreter.collect_garbage_rarely()
    exporter = Exporter(settings, clock=system_clock)
    set_on_signals(stop=exporter.stop_requested, reload=exporter.reload_requested)
    await exporter.run()
