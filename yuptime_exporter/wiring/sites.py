"""The sites: which routes are served on which addresses, and by which handlers."""

import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import BinaryIO

from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.settings.model import Settings
from yuptime_exporter.sinks.alertmanager.body import ExporterUrl
from yuptime_exporter.web.backup import backup_handler
from yuptime_exporter.web.guard import Guard
from yuptime_exporter.web.lifecycle import ready_handler, reload_handler
from yuptime_exporter.web.metrics import MetricsPage
from yuptime_exporter.web.pushes.exchange import PushExchange
from yuptime_exporter.web.router import Route, Router
from yuptime_exporter.web.routes import (
    Handlers,
    ReaderHandlers,
    metrics_route,
    operator_routes,
    probe_routes,
    push_routes,
    reader_routes,
)
from yuptime_exporter.web.servers.aiohttp import Listener, serving
from yuptime_exporter.web.servers.traffic import Traffic
from yuptime_exporter.web.site import Site
from yuptime_exporter.web.test_alert import TestAlerts, test_alert_handler
from yuptime_exporter.wiring.descriptors import connection_limit
from yuptime_exporter.wiring.dialects import spoken_dialects
from yuptime_exporter.wiring.pushes import PushStops
from yuptime_exporter.wiring.shared import Shared
from yuptime_exporter.wiring.web_configuration import page_tls, protection, push_tls

_WEB_FLAG = "--web.listen-address"
_PUSH_FLAG = "--push.listen-address"


@dataclass(frozen=True, slots=True)
class Served:
    """The parts of the exporter that requests can reach.

    Attributes:
        reload: loads configuration and sources again; raises `ConfigInvalid`.
        backup: returns a copy of the store, see `core.ports.Store.backup`.
        test_alerts: sends and ends the test alert of a monitor.
        readers: the pages and the JSON.
    """

    shared: Shared
    pushes: PushStops
    metrics_page: MetricsPage
    reload: Callable[[], Awaitable[None]]
    backup: Callable[[], Awaitable[BinaryIO]]
    test_alerts: TestAlerts
    readers: ReaderHandlers


def serving_sites(served: Served) -> AbstractAsyncContextManager[dict[str, list[str]]]:
    """Return a context that serves every site, and gives the bound addresses by their flags."""
    traffic = Traffic(
        served.pushes.rejections,
        served.shared.metrics.connections,
        max_connections=connection_limit(served.shared.settings.max_connections),
    )
    fast_pushes = served.shared.settings.fast_pushes
    return serving(sites(served), traffic, fast_pushes=fast_pushes)


def sites(served: Served) -> dict[Listener, Site]:
    """Return the site of each address; pushes have addresses of their own if asked for."""
    settings, http_metrics = served.shared.settings, served.shared.metrics.http
    prefix, handlers = settings.route_prefix, _handlers(served)
    probes = list(probe_routes(handlers, prefix=prefix))
    dialects = spoken_dialects(settings.dialects)
    pushes = list(push_routes(_exchange(served), dialects, prefix=prefix))
    metrics = metrics_route(handlers, prefix=prefix, telemetry_path=settings.telemetry_path)
    readers = list(reader_routes(served.readers, prefix=prefix))
    operators = list(operator_routes(handlers, prefix=prefix))
    _check_has_own_path(metrics, [*pushes, *probes, *operators, *readers])
    guard = Guard(protection(served.shared.web_configuration), clock=served.shared.clock)
    guarded = list(guard.guarded([metrics, *operators, *readers]))
    pushes_apart = bool(settings.push_listen_addresses)
    web_routes = [*guarded, *probes] if pushes_apart else [*guarded, *pushes, *probes]
    web_site = Site(web_routes, http_metrics)
    push_site = Site([*pushes, *probes], http_metrics)
    on_pages, on_pushes = (
        page_tls(served.shared.web_configuration),
        push_tls(served.shared.web_configuration),
    )
    return {
        Listener(_WEB_FLAG, address.host, address.port, on_pages): web_site
        for address in settings.listen_addresses
    } | {
        Listener(_PUSH_FLAG, address.host, address.port, on_pushes): push_site
        for address in settings.push_listen_addresses
    }


def _check_has_own_path(metrics: Route, others: Iterable[Route]) -> None:
    """Check that no other route has the path of the metrics.

    Raises:
        ConfigInvalid: one of the two could not be reached.
    """
    if Router(others).has(metrics.path):
        raise ConfigInvalid(
            f"--web.telemetry-path: expected a path of no other route, got {metrics.path!r}"
        )


def _exchange(served: Served) -> PushExchange:
    return PushExchange(
        served.pushes.admission,
        served.pushes.receiver,
        served.pushes.rejections,
        addressing=served.pushes.addressing,
        clock=served.shared.clock,
    )


def _handlers(served: Served) -> Handlers:
    shared, settings = served.shared, served.shared.settings
    return Handlers(
        metrics=served.metrics_page.answer,
        ready=ready_handler(shared.readiness),
        reload=reload_handler(served.reload, enabled=settings.enable_lifecycle),
        backup=backup_handler(served.backup, enabled=settings.enable_admin_api),
        test_alert=test_alert_handler(
            shared.table, served.test_alerts, enabled=settings.enable_admin_api
        ),
    )


def exporter_url(settings: Settings, bound: Mapping[str, list[str]], *, scheme: str) -> ExporterUrl:
    """Return the URL of this exporter as seen from outside: as given, or by its host name.

    Args:
        settings: may name the URL.
        bound: the addresses listened on, by the flag that asked for them.
        scheme: of the listener with pages.
    """
    if settings.external_url:
        return ExporterUrl(settings.external_url)
    port = bound[_WEB_FLAG][0].rpartition(":")[2]
    url = f"{scheme}://{socket.gethostname()}:{port}{settings.route_prefix}"
    return ExporterUrl(url, configured=False)
