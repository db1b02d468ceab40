"""The composition root: the one place that knows every part, and that names the real clock.

    sources ─→ follower ─→ table ─→ metrics        a change, then a scrape
    web ─→ receiver ─→ store ─→ table              a push: durable, then visible, then acknowledged

It starts in this order: listen (not ready), restore saved state, list monitors, ready. It stops in
the reverse one: not ready, stop listening, answer what is in flight, commit, close.
"""

import asyncio
import gc
import logging
import signal
import socket
import sys
import time
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, NoReturn

import aiohttp
import prometheus_client
from aiohttp import web
from prometheus_client import CollectorRegistry

from yuptime_exporter import __revision__, __version__
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import ConfigInvalid, StoreUnavailable
from yuptime_exporter.core.model import MonitorKey, Restored, State
from yuptime_exporter.core.ports import MonitorSource, PushStore
from yuptime_exporter.core.rate_limit import RateLimiter
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.follower import Follower
from yuptime_exporter.engine.publisher import Publisher
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.receiver import SAVE_TIMEOUT_SECONDS, Receiver
from yuptime_exporter.engine.receiving_log import OUTAGE_AFTER_SECONDS, Bookkeeping
from yuptime_exporter.engine.renewal import TokenRenewal
from yuptime_exporter.engine.silence import SilenceCheck
from yuptime_exporter.metrics.declarations import DeclarationMetrics
from yuptime_exporter.metrics.http import HttpMetrics
from yuptime_exporter.metrics.notifications import NotificationMetrics
from yuptime_exporter.metrics.process import ReadinessMetrics, ReloadMetrics, expose_build_info
from yuptime_exporter.metrics.pushes import PushMetrics
from yuptime_exporter.metrics.receiving import ReceivingMetrics
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.settings.configuration import load_configuration
from yuptime_exporter.settings.flags import Settings
from yuptime_exporter.sinks.alertmanager.alertmanagers import Alertmanagers
from yuptime_exporter.sources.manifests.source import DirectorySource
from yuptime_exporter.stores.sqlite.store import SqliteStore
from yuptime_exporter.web.lifecycle import ready_handler, reload_handler
from yuptime_exporter.web.metrics import MonitorCollector, metrics_handler
from yuptime_exporter.web.pages.landing import landing_handler
from yuptime_exporter.web.pages.monitor import monitor_page_handler
from yuptime_exporter.web.pushes.native import push_handler
from yuptime_exporter.web.routes import (
    Handlers,
    application,
    operator_routes,
    probe_routes,
    push_routes,
)
from yuptime_exporter.web.servers.aiohttp import Listener, Traffic, serving

if TYPE_CHECKING:
    from yuptime_exporter.wiring.cluster import Cluster

log = logging.getLogger(__name__)

# How long a thread that wants Python's lock waits before it asks for it. The store's thread and the
# loop hand each push to one another; with Python's own 5 ms each hand-over waits for as long beside
# a loop that is busy. Measured beside 1,000 changes of specs a second: p99 of pushes a quarter less.
SWITCH_SECONDS = 0.0005

# New objects before the youngest are looked through, then the middle-aged, then all: Python's own
# are 700, 10 and 10, which a watch full of changes reaches every second.
GC_THRESHOLDS = (10_000, 10, 1_000)

# Kubernetes stores microseconds: with finer moments a replica that has accepted a push would not
# agree with one that has read of it.
MICROSECOND_DIGITS = 6

# A push that another replica accepted just before a deadline is known here as late as this: it may
# wait for the API server for as long as any push may, and then the watch has to tell of it.
SETTLE_SECONDS = SAVE_TIMEOUT_SECONDS + 1.0

# How long to wait before a store that could not be opened is tried again.
RESTORE_RETRY_SECONDS = 2.0


class Exporter:
    """The whole program, connected; `run` is its life.

    Attributes:
        bound: the addresses listened on, by the flag that asked for them.
        stop_requested: set to end `run`.
        reload_requested: set to read configuration and sources anew.
    """

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        """Connect everything and touch nothing but the configuration file.

        Raises:
            ConfigInvalid: the configuration file cannot be used.
        """
        # Else there is a second series for each counter.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._settings = settings
        self._clock = clock
        self._configuration = load_configuration(settings.config_file, settings.alertmanager_urls)
        self._registry = CollectorRegistry()
        expose_build_info(self._registry, version=__version__, revision=__revision__)
        self._reload_metrics = ReloadMetrics(self._registry)
        self._store_metrics = StoreMetrics(self._registry)
        self._http_metrics = HttpMetrics(self._registry)
        self._push_metrics = PushMetrics(self._registry)
        self._notification_metrics = NotificationMetrics(self._registry)
        self._table = MonitorTable(silence_is_outage_after_seconds=OUTAGE_AFTER_SECONDS)
        self._cluster = self._connect_cluster() if settings.kubernetes else None
        self._source: MonitorSource = (
            self._cluster.source if self._cluster else DirectorySource(settings.manifest_paths)
        )
        self._store = self._choose_store()
        self._readiness = Readiness(ReadinessMetrics(self._registry))
        self._traffic = Traffic()
        self._limiter = RateLimiter(self._configuration.push_rate)
        self._publisher = Publisher(
            self._table,
            self._readiness,
            settings=lambda: self._configuration.alerting,
            silence_check=self._silence_check(),
            clock=clock,
        )
        self._receiver = Receiver(
            self._table,
            self._store,
            self._limiter,
            self._readiness,
            on_push=self._pushed,
            clock=clock,
        )
        self._bookkeeping = Bookkeeping(
            self._table,
            self._store,
            retention_seconds=settings.storage_retention_seconds,
            on_receiving=self._note_receiving,
            metrics=ReceivingMetrics(self._registry),
            clock=clock,
        )
        self._follower = Follower(
            self._table,
            self._bookkeeping,
            self._readiness,
            on_change=self._monitors_changed,
            metrics=DeclarationMetrics(self._registry),
            clock=clock,
        )
        self._register_collectors()
        self._note_reload()
        self._alertmanagers: Alertmanagers | None = None
        self._listed = False
        self.bound: dict[str, list[str]] = {}
        self.stop_requested = asyncio.Event()
        self.reload_requested = asyncio.Event()

    async def run(self) -> None:
        """Serve until `stop_requested`; return when everything is answered and committed.

        Raises:
            YuptimeError: it cannot start; in a group, since several parts start at once.
        """
        try:
            async with self._cluster_running():
                await self._run()
                await self._bookkeeping.end()
        finally:
            await self._store.close()
        log.info("stopped")

    async def _run(self) -> None:
        async with (
            # Without a limit: those that hang must not keep others from being connected to.
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
            asyncio.TaskGroup() as tasks,
            serving(self._applications(), self._traffic) as self.bound,
        ):
            sinks = self._alertmanagers = Alertmanagers(
                session,
                tasks,
                external_url=self._external_url(),
                metrics=self._notification_metrics,
            )
            sinks.configure(self._configuration.alertmanagers)
            running = (
                tasks.create_task(self._follow(), name="follow monitors"),
                tasks.create_task(self._bookkeeping.keep(), name="keep the books"),
                tasks.create_task(self._publisher.publish_forever(sinks), name="publish alerts"),
                tasks.create_task(self._reload_on_request(), name="reload on request"),
            )
            await self.stop_requested.wait()
            log.info("stopping")
            self._readiness.stopping()
            for task in running:
                task.cancel()
            await sinks.close()

    async def reload(self) -> None:
        """Read the configuration and the sources anew; return when both are in force.

        Raises:
            ConfigInvalid: the configuration stays as it was.
        """
        try:
            self._configuration = load_configuration(
                self._settings.config_file, self._settings.alertmanager_urls
            )
        except ConfigInvalid as error:
            self._reload_metrics.successful.set(0)
            log.error("configuration was not reloaded", extra={"err": str(error)})
            raise
        self._limiter.limit = self._configuration.push_rate
        if self._alertmanagers is not None:
            self._alertmanagers.configure(self._configuration.alertmanagers)
        self._publisher.wake()
        self._note_reload()
        if self._readiness.ready:  # else they are being listed for the first time anyway
            await self._source.refresh()
        log.info("configuration and monitors reloaded")

    def _cluster_running(self) -> AbstractAsyncContextManager[None]:
        return self._cluster.running(self._receiver.adopt) if self._cluster else nullcontext()

    def _connect_cluster(self) -> "Cluster":
        # Only here, since it takes 40 MiB that nobody needs who has no cluster.
        from yuptime_exporter.wiring.cluster import Cluster  # noqa: PLC0415

        return Cluster(
            self._settings,
            self._table,
            self._registry,
            store_metrics=self._store_metrics,
            clock=self._clock,
        )

    def _silence_check(self) -> SilenceCheck | None:
        if self._cluster is None or self._cluster.store is None:
            return None
        return SilenceCheck(
            self._table, settle_seconds=SETTLE_SECONDS, confirm=self._cluster.confirm
        )

    def _choose_store(self) -> PushStore:
        path = self._settings.storage_path
        if path is not None:
            return SqliteStore(path, metrics=self._store_metrics, clock=self._clock)
        assert self._cluster is not None  # noqa: S101  the command line says so
        assert self._cluster.store is not None  # noqa: S101
        return self._cluster.store

    async def _follow(self) -> None:
        self._table.restore(await self._restore())
        self._readiness.restored()
        await self._follower.follow(self._source)

    async def _restore(self) -> Restored:
        """Restore saved state, and wait for a store that may work later, such as a full disk."""
        reported = ""
        while True:
            try:
                return await self._store.restore()
            except StoreUnavailable as error:
                if str(error) != reported:
                    reported = str(error)
                    log.error(
                        "store cannot be opened; trying until it can", extra={"err": reported}
                    )
            await asyncio.sleep(RESTORE_RETRY_SECONDS)

    async def _reload_on_request(self) -> NoReturn:
        while True:
            await self.reload_requested.wait()
            self.reload_requested.clear()
            with suppress(ConfigInvalid):  # logged and counted
                await self.reload()

    def _pushed(self, key: MonitorKey, before: State, after: State) -> None:
        if State.DOWN in (before, after):
            self._publisher.wake()
        if self._cluster is not None:
            self._cluster.reporter.pushed(key, before, after)

    def _note_receiving(self, *, possible: bool) -> None:
        """Send pushes to another replica while none can be stored, where there may be others."""
        if self._settings.storage_path is None:
            self._readiness.receiving(possible=possible)

    def _monitors_changed(self) -> None:
        if not self._listed:
            self._listed = True
            # What is known of monitors lives as long as the process. Looked through by the garbage
            # collector again and again, 10,000 of them hold up pushes for 150 ms each time. What
            # comes later and stays is therefore looked through a thousand times more seldom.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
        self._limiter.forget_unless(lambda key: self._table.row(key) is not None)
        self._publisher.wake()

    def _note_reload(self) -> None:
        self._reload_metrics.successful.set(1)
        self._reload_metrics.success_timestamp_seconds.set(self._clock())

    def _register_collectors(self) -> None:
        self._registry.register(
            MonitorCollector(
                self._table,
                alert_defaults=lambda: self._configuration.alerting.defaults,
                monitors_by_type=lambda: self._follower.monitors_by_type,
                clock=self._clock,
            )
        )
        prometheus_client.ProcessCollector(registry=self._registry)
        prometheus_client.PlatformCollector(registry=self._registry)
        prometheus_client.GCCollector(registry=self._registry)

    def _external_url(self) -> str:
        """Return how this exporter is reached, as far as it can tell."""
        if self._settings.external_url:
            return self._settings.external_url
        port = self.bound["--web.listen-address"][0].rpartition(":")[2]
        return f"http://{socket.gethostname()}:{port}{self._settings.route_prefix}"

    def _applications(self) -> dict[Listener, web.Application]:
        """Return what is served where."""
        settings = self._settings
        prefix = settings.route_prefix
        renew_tokens = self._cluster.renew_tokens if self._cluster else None
        renewal = TokenRenewal(self._receiver.admit, renew_tokens) if renew_tokens else None
        handlers = Handlers(
            push=push_handler(self._receiver, renewal=renewal, clock=self._clock),
            metrics=metrics_handler(self._registry),
            ready=ready_handler(self._readiness),
            reload=reload_handler(self.reload, enabled=settings.enable_lifecycle),
            landing=landing_handler(
                version=__version__,
                prefix=prefix,
                telemetry_path=settings.telemetry_path,
                external_url=settings.external_url,
            ),
            monitor_page=monitor_page_handler(self._table, clock=self._clock),
        )
        probes = list(probe_routes(handlers, prefix=prefix))
        pushes = list(push_routes(handlers, prefix=prefix))
        operators = list(
            operator_routes(handlers, prefix=prefix, telemetry_path=settings.telemetry_path)
        )
        pushes_apart = bool(settings.push_listen_addresses)
        web_routes = [*operators, *probes] if pushes_apart else [*operators, *pushes, *probes]
        web_app = application(
            web_routes,
            http_metrics=self._http_metrics,
            push_metrics=self._push_metrics,
            traffic=self._traffic,
        )
        push_app = application(
            [*pushes, *probes],
            http_metrics=self._http_metrics,
            push_metrics=self._push_metrics,
            traffic=self._traffic,
        )
        return {
            Listener("--web.listen-address", address.host, address.port): web_app
            for address in settings.listen_addresses
        } | {
            Listener("--push.listen-address", address.host, address.port): push_app
            for address in settings.push_listen_addresses
        }


async def run(settings: Settings) -> None:
    """Run the exporter by the real clock until SIGTERM or SIGINT; SIGHUP reloads."""
    sys.setswitchinterval(SWITCH_SECONDS)
    exporter = Exporter(settings, clock=lambda: round(time.time(), MICROSECOND_DIGITS))
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, exporter.stop_requested.set)
    loop.add_signal_handler(signal.SIGHUP, exporter.reload_requested.set)
    await exporter.run()
