"""Every URL, in one list, and what stands before every handler."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from yuptime_exporter.metrics.http import HttpMetrics
from yuptime_exporter.metrics.pushes import PushMetrics
from yuptime_exporter.web.failures import problems
from yuptime_exporter.web.lifecycle import healthy
from yuptime_exporter.web.pushes.native import MAX_BODY_BYTES
from yuptime_exporter.web.servers.aiohttp import Traffic

# Methods that may name a series; anything else a client invents is counted as one.
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


@dataclass(frozen=True, slots=True)
class Handlers:
    """The handlers that need something of the program."""

    push: Handler
    metrics: Handler
    ready: Handler
    reload: Handler
    landing: Handler
    monitor_page: Handler


def push_routes(handlers: Handlers, *, prefix: str) -> Iterable[web.RouteDef]:
    """Return what jobs may reach."""
    yield web.post(prefix + "/api/push/{namespace}/{name}", handlers.push)


def probe_routes(handlers: Handlers, *, prefix: str) -> Iterable[web.RouteDef]:
    """Return what a kubelet or a load balancer asks."""
    for path in ("/-/healthy", "/healthz", "/livez"):
        yield web.get(prefix + path, healthy)
    for path in ("/-/ready", "/readyz"):
        yield web.get(prefix + path, handlers.ready)


def operator_routes(
    handlers: Handlers, *, prefix: str, telemetry_path: str
) -> Iterable[web.RouteDef]:
    """Return what Prometheus and people may reach."""
    yield web.get(prefix + telemetry_path, handlers.metrics)
    yield web.post(prefix + "/-/reload", handlers.reload)
    yield web.put(prefix + "/-/reload", handlers.reload)
    yield web.get(prefix + "/", handlers.landing)
    yield web.get(prefix + "/monitors/{namespace}/{name}", handlers.monitor_page)


def application(
    routes: Iterable[web.RouteDef],
    *,
    http_metrics: HttpMetrics,
    push_metrics: PushMetrics,
    traffic: Traffic,
) -> web.Application:
    """Return an application that serves these routes and nothing else."""
    app = web.Application(
        middlewares=[_observed(http_metrics, traffic), problems(push_metrics)],
        client_max_size=MAX_BODY_BYTES,
    )
    app.router.add_routes(routes)
    app.on_response_prepare.append(_set_headers)
    return app


def _observed(metrics: HttpMetrics, traffic: Traffic) -> Middleware:
    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        code = 500  # what aiohttp answers when a handler fails in a way that nobody foresaw
        try:
            with traffic.handling(request):
                response = await handler(request)
            code = response.status
        finally:
            resource = request.match_info.route.resource
            metrics.request_duration_seconds.labels(
                resource.canonical if resource else "unknown",
                request.method if request.method in _KNOWN_METHODS else "unknown",
                code,
            ).observe(time.perf_counter() - started)
        return response

    return observe


async def _set_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers[hdrs.SERVER] = "yuptime-exporter"  # no versions for strangers
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
