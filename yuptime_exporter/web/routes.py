"""Every URL, in one list."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.lifecycle import healthy
from yuptime_exporter.web.pushes.exchange import Dialect, PushExchange
from yuptime_exporter.web.router import Handler, Route

BACKUP_PATH = "/api/v1/admin/backup"
TEST_ALERT_PATH = "/api/v1/admin/test-alert/{namespace}/{name}"


@dataclass(frozen=True, slots=True)
class Handlers:
    """The handlers that need other parts of the program."""

    metrics: Handler
    ready: Handler
    reload: Handler
    backup: Handler
    test_alert: Handler


@dataclass(frozen=True, slots=True)
class ReaderHandlers:
    """The handlers of pages and of JSON."""

    static_file: Handler
    list_page: Handler
    monitor_page: Handler
    monitor_list: Handler
    monitor: Handler
    badge: Handler
    events: Handler
    openapi: Handler


def push_routes(
    exchange: PushExchange, dialects: Iterable[Dialect], *, prefix: str
) -> Iterator[Route]:
    """Return the routes for jobs, in these dialects."""
    for dialect in dialects:
        yield from exchange.routes(dialect, prefix=prefix)


def probe_routes(handlers: Handlers, *, prefix: str) -> Iterator[Route]:
    """Return the routes for kubelets and load balancers."""
    for path in ("/-/healthy", "/healthz", "/livez"):
        yield Route("GET", prefix + path, healthy)
    for path in ("/-/ready", "/readyz"):
        yield Route("GET", prefix + path, handlers.ready)


def metrics_route(handlers: Handlers, *, prefix: str, telemetry_path: str) -> Route:
    """Return the route for Prometheus."""
    return Route("GET", prefix + telemetry_path, handlers.metrics)


def operator_routes(handlers: Handlers, *, prefix: str) -> Iterator[Route]:
    """Return the routes for operators."""
    yield Route("POST", prefix + "/-/reload", handlers.reload)
    yield Route("PUT", prefix + "/-/reload", handlers.reload)
    yield Route("POST", prefix + BACKUP_PATH, handlers.backup)
    yield Route("PUT", prefix + BACKUP_PATH, handlers.backup)
    yield Route("POST", prefix + TEST_ALERT_PATH, handlers.test_alert)
    yield Route("DELETE", prefix + TEST_ALERT_PATH, handlers.test_alert)


def reader_routes(handlers: ReaderHandlers, *, prefix: str) -> Iterator[Route]:
    """Return the routes of pages, for people, and of the same facts as JSON and events."""
    yield Route("GET", prefix + "/", handlers.list_page)
    if prefix:  # relative, so that it leads somewhere behind a proxy that removes a path
        last = prefix.rpartition("/")[2]
        yield Route("GET", prefix, partial(_answer_moved, f"{last}/"))
        yield Route("GET", "/", partial(_answer_moved, f"{prefix.lstrip('/')}/"))
    yield Route("GET", prefix + "/monitors/{namespace}/{name}", handlers.monitor_page)
    yield Route("GET", prefix + "/static/{file}", handlers.static_file)
    yield Route("GET", prefix + "/api/v1/monitors", handlers.monitor_list)
    yield Route("GET", prefix + "/api/v1/monitors/{namespace}/{name}", handlers.monitor)
    yield Route("GET", prefix + "/api/v1/monitors/{namespace}/{name}/badge.svg", handlers.badge)
    yield Route("GET", prefix + "/api/v1/events", handlers.events)
    yield Route("GET", prefix + "/api/v1/openapi.json", handlers.openapi)


async def _answer_moved(location: str, _: Request) -> Answer:
    return Answer(HTTPStatus.FOUND, headers={"Location": location})
