"""The HTTP applications: which routes are served on which addresses, and by which handlers."""

import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from yuptime_exporter import __version__
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.receiver import Receiver
from yuptime_exporter.engine.renewal import RenewTokens, TokenRenewal
from yuptime_exporter.settings.model import Settings
from yuptime_exporter.web.lifecycle import ready_handler, reload_handler
from yuptime_exporter.web.metrics import metrics_handler
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
from yuptime_exporter.web.servers.aiohttp import Listener, Traffic
from yuptime_exporter.wiring.registry import Metrics

_WEB_FLAG = "--web.listen-address"
_PUSH_FLAG = "--push.listen-address"


@dataclass(frozen=True, slots=True)
class Served:
    """The parts of the exporter that requests can reach.

    Attributes:
        renew_tokens: reads the tokens of a monitor again; None where changes of tokens are seen.
        reload: loads configuration and sources again; raises `ConfigInvalid`.
    """

    receiver: Receiver
    table: MonitorTable
    readiness: Readiness
    metrics: Metrics
    renew_tokens: RenewTokens | None
    reload: Callable[[], Awaitable[None]]
    clock: Clock


def applications(
    settings: Settings, served: Served, traffic: Traffic
) -> dict[Listener, web.Application]:
    """Return the application of each address; pushes have addresses of their own if asked for."""
    prefix, handlers = settings.route_prefix, _handlers(settings, served)
    probes = list(probe_routes(handlers, prefix=prefix))
    pushes = list(push_routes(handlers, prefix=prefix))
    operators = list(
        operator_routes(handlers, prefix=prefix, telemetry_path=settings.telemetry_path)
    )
    pushes_apart = bool(settings.push_listen_addresses)
    web_app, push_app = (
        application(
            routes,
            http_metrics=served.metrics.http,
            push_metrics=served.metrics.pushes,
            traffic=traffic,
        )
        for routes in (
            [*operators, *probes] if pushes_apart else [*operators, *pushes, *probes],
            [*pushes, *probes],
        )
    )
    return {
        Listener(_WEB_FLAG, address.host, address.port): web_app
        for address in settings.listen_addresses
    } | {
        Listener(_PUSH_FLAG, address.host, address.port): push_app
        for address in settings.push_listen_addresses
    }


def _handlers(settings: Settings, served: Served) -> Handlers:
    renew, receiver = served.renew_tokens, served.receiver
    renewal = TokenRenewal(receiver.admit, renew) if renew else None
    return Handlers(
        push=push_handler(receiver, renewal=renewal, clock=served.clock),
        metrics=metrics_handler(served.metrics.registry),
        ready=ready_handler(served.readiness),
        reload=reload_handler(served.reload, enabled=settings.enable_lifecycle),
        landing=landing_handler(
            version=__version__,
            prefix=settings.route_prefix,
            telemetry_path=settings.telemetry_path,
            external_url=settings.external_url,
        ),
        monitor_page=monitor_page_handler(served.table, clock=served.clock),
    )


def external_url(settings: Settings, bound: Mapping[str, list[str]]) -> str:
    """Return the URL of this exporter as seen from outside: as given, or by its host name.

    Args:
        settings: may name the URL.
        bound: the addresses listened on, by the flag that asked for them.
    """
    if settings.external_url:
        return settings.external_url
    port = bound[_WEB_FLAG][0].rpartition(":")[2]
    return f"http://{socket.gethostname()}:{port}{settings.route_prefix}"
