"""The sites: which routes are served on which addresses, and by which handlers."""

import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from yuptime_exporter import __version__
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.admission import Admission
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.receiver import Receiver
from yuptime_exporter.engine.rejections import Rejections
from yuptime_exporter.settings.model import Settings
from yuptime_exporter.sinks.alertmanager.body import ExporterUrl
from yuptime_exporter.web.backup import backup_handler
from yuptime_exporter.web.lifecycle import ready_handler, reload_handler
from yuptime_exporter.web.metrics import metrics_handler
from yuptime_exporter.web.pages.landing import landing_handler
from yuptime_exporter.web.pages.monitor import monitor_page_handler
from yuptime_exporter.web.pushes.exchange import PushExchange
from yuptime_exporter.web.routes import Handlers, operator_routes, probe_routes, push_routes
from yuptime_exporter.web.servers.aiohttp import Listener
from yuptime_exporter.web.site import Site
from yuptime_exporter.wiring.registry import Metrics

_WEB_FLAG = "--web.listen-address"
_PUSH_FLAG = "--push.listen-address"


@dataclass(frozen=True, slots=True)
class Served:
    """The parts of the exporter that requests can reach.

    Attributes:
        reload: loads configuration and sources again; raises `ConfigInvalid`.
        backup: returns a copy of the store, see `core.ports.Store.backup`.
    """

    admission: Admission
    receiver: Receiver
    rejections: Rejections
    table: MonitorTable
    readiness: Readiness
    metrics: Metrics
    reload: Callable[[], Awaitable[None]]
    backup: Callable[[], Awaitable[BinaryIO]]
    clock: Clock


def sites(settings: Settings, served: Served) -> dict[Listener, Site]:
    """Return the site of each address; pushes have addresses of their own if asked for."""
    prefix, handlers = settings.route_prefix, _handlers(settings, served)
    probes = list(probe_routes(handlers, prefix=prefix))
    pushes = list(push_routes(_exchange(served), prefix=prefix))
    operators = list(
        operator_routes(handlers, prefix=prefix, telemetry_path=settings.telemetry_path)
    )
    pushes_apart = bool(settings.push_listen_addresses)
    web_routes = [*operators, *probes] if pushes_apart else [*operators, *pushes, *probes]
    web_site = Site(web_routes, served.metrics.http)
    push_site = Site([*pushes, *probes], served.metrics.http)
    return {
        Listener(_WEB_FLAG, address.host, address.port): web_site
        for address in settings.listen_addresses
    } | {
        Listener(_PUSH_FLAG, address.host, address.port): push_site
        for address in settings.push_listen_addresses
    }


def _exchange(served: Served) -> PushExchange:
    return PushExchange(
        served.admission,
        served.receiver,
        served.rejections,
        clock=served.clock,
    )


def _handlers(settings: Settings, served: Served) -> Handlers:
    return Handlers(
        metrics=metrics_handler(served.metrics.registry),
        ready=ready_handler(served.readiness),
        reload=reload_handler(served.reload, enabled=settings.enable_lifecycle),
        backup=backup_handler(served.backup, enabled=settings.enable_admin_api),
        landing=landing_handler(
            version=__version__,
            prefix=settings.route_prefix,
            telemetry_path=settings.telemetry_path,
            external_url=settings.external_url,
        ),
        monitor_page=monitor_page_handler(served.table, served.rejections, clock=served.clock),
    )


def exporter_url(settings: Settings, bound: Mapping[str, list[str]]) -> ExporterUrl:
    """Return the URL of this exporter as seen from outside: as given, or by its host name.

    Args:
        settings: may name the URL.
        bound: the addresses listened on, by the flag that asked for them.
    """
    if settings.external_url:
        return ExporterUrl(settings.external_url)
    port = bound[_WEB_FLAG][0].rpartition(":")[2]
    url = f"http://{socket.gethostname()}:{port}{settings.route_prefix}"
    return ExporterUrl(url, configured=False)
