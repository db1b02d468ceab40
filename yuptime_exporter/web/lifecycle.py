"""Health, readiness and reload, as Prometheus' own programs have them."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.web.failures import problem


async def healthy(_: web.Request) -> web.Response:
    """Answer as long as the event loop turns."""
    return web.Response(text="yuptime-exporter is healthy.\n")


def ready_handler(readiness: Readiness) -> Handler:
    """Return the handler that says whether the exporter may be believed and pushed to."""

    async def ready(_: web.Request) -> web.Response:
        if readiness.ready:
            return web.Response(text="yuptime-exporter is ready.\n")
        return web.Response(
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            text=f"yuptime-exporter is not ready: {readiness.awaited}.\n",
        )

    return ready


def reload_handler(reload: Callable[[], Awaitable[None]], *, enabled: bool) -> Handler:
    """Return the handler that reads the configuration and the sources anew.

    Args:
        reload: returns when what was read is in force; raises `ConfigInvalid`.
        enabled: whether `--web.enable-lifecycle` was given.
    """

    async def answer_reload(_: web.Request) -> web.Response:
        if not enabled:
            return problem(
                HTTPStatus.FORBIDDEN,
                "the lifecycle API is not enabled; start with --web.enable-lifecycle, or send "
                "SIGHUP to the process",
            )
        try:
            await reload()
        except ConfigInvalid as error:
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"the old one stays: {error}")
        return web.Response(text="reloaded\n")

    return answer_reload
