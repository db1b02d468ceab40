"""The handlers of pages and JSON: everything that readers of the exporter can see."""

import asyncio

from yuptime_exporter.core.ports import History
from yuptime_exporter.engine.follower import Follower
from yuptime_exporter.engine.rejections import Rejections
from yuptime_exporter.settings.current import CurrentConfiguration
from yuptime_exporter.settings.model import ClusterSource, Settings
from yuptime_exporter.web.api.badge import badge_handler
from yuptime_exporter.web.api.board import Board, ExporterState
from yuptime_exporter.web.api.events import EventStreams
from yuptime_exporter.web.api.monitors import list_handler, monitor_handler
from yuptime_exporter.web.api.openapi import PushRoute, openapi_handler
from yuptime_exporter.web.api.past import PastReader
from yuptime_exporter.web.api.representation import Visibility
from yuptime_exporter.web.pages.links import Links
from yuptime_exporter.web.pages.monitor import monitor_page_handler
from yuptime_exporter.web.pages.monitors import list_page_handler
from yuptime_exporter.web.pages.rendering import ExporterFacts, Pages
from yuptime_exporter.web.pages.static_files import StaticFiles
from yuptime_exporter.web.routes import ReaderHandlers
from yuptime_exporter.wiring.dialects import spoken_dialects
from yuptime_exporter.wiring.shared import Shared


def reader_handlers(
    shared: Shared,
    configuration: CurrentConfiguration,
    follower: Follower,
    rejections: Rejections,
    history: History,
    *,
    stopping: asyncio.Event,
) -> ReaderHandlers:
    """Return the handlers.

    Args:
        shared: the values of the run.
        configuration: the labels of alerts, and the result of the last reload.
        follower: the problems of the declared monitors.
        rejections: the last rejections of each monitor.
        history: the last pushes of each monitor.
        stopping: set when the exporter stops, which ends the streams of events.
    """

    def exporter() -> ExporterState:
        readiness = shared.readiness
        return ExporterState(
            awaited=readiness.awaited,
            notice="; ".join(filter(None, (readiness.notice, shared.unreachable.notice))),
            reload_problem=configuration.problem,
            problems=follower.problems,
        )

    visibility = _visibility(shared.settings)
    board = Board(
        shared.table,
        shared.rejudging,
        exporter,
        alerting=lambda: configuration.value.alerting,
        clock=shared.clock,
    )
    past = PastReader(history, shared.table, messages=visibility.messages, clock=shared.clock)
    static_files = StaticFiles()
    pages = Pages(_facts(shared, visibility), static_files)
    return ReaderHandlers(
        static_file=static_files.answer,
        list_page=list_page_handler(
            board, pages, monitors_by_type=lambda: follower.monitors_by_type
        ),
        monitor_page=monitor_page_handler(
            board,
            pages,
            past,
            rejections,
            alerting=lambda: configuration.value.alerting,
            links=lambda: _links(shared.settings, configuration),
        ),
        monitor_list=list_handler(board, visibility),
        monitor=monitor_handler(board, past, rejections, visibility),
        badge=badge_handler(board),
        openapi=openapi_handler(
            prefix=shared.settings.route_prefix,
            external_url=shared.settings.external_url,
            push_routes=_push_routes(shared.settings),
        ),
        events=EventStreams(board, visibility, stopping=stopping).answer,
    )


def _push_routes(settings: Settings) -> list[PushRoute]:
    """Return the routes of the dialects besides the native one."""
    return [
        PushRoute(dialect.name, method, path)
        for dialect in spoken_dialects(settings.dialects)[1:]
        for method, path in dialect.routes
    ]


def _visibility(settings: Settings) -> Visibility:
    return Visibility(
        messages=not settings.pages.hide_messages,
        client_addresses=settings.pages.show_client_addresses,
    )


def _facts(shared: Shared, visibility: Visibility) -> ExporterFacts:
    settings = shared.settings
    apart = settings.push_listen_addresses
    return ExporterFacts(
        prefix=settings.route_prefix,
        telemetry_path=settings.telemetry_path,
        external_url=settings.external_url,
        visibility=visibility,
        push_port=apart[0].port if apart else None,
        cluster=isinstance(settings.source, ClusterSource),
        is_open=lambda: shared.web_configuration.value.is_open,
    )


def _links(settings: Settings, configuration: CurrentConfiguration) -> Links:
    alertmanagers = configuration.value.alerting.alertmanager_urls
    return Links(
        alertmanager_url=settings.pages.alertmanager_url or next(iter(alertmanagers), None),
        prometheus_url=settings.pages.prometheus_url,
        dashboard_url=settings.pages.dashboard_url,
    )
