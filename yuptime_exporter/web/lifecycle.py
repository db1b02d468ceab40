"""Health, readiness and reload, with the paths and answers of Prometheus' own programs."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.web.failures import problem
from yuptime_exporter.web.http import Answer, Request, text_answer
from yuptime_exporter.web.router import Handler


async def healthy(_: Request) -> Answer:
    """Answer for as long as the event loop runs."""
    return text_answer("yuptime-exporter is healthy.\n")


def ready_handler(readiness: Readiness) -> Handler:
    """Return the handler of `/-/ready`: may pushes and scrapes come in?"""

    async def ready(_: Request) -> Answer:
        if readiness.ready:
            notice = f"Note: {readiness.notice}.\n" if readiness.notice else ""
            return text_answer(f"yuptime-exporter is ready.\n{notice}")
        obstacle = f" ({readiness.obstacle})" if readiness.obstacle else ""
        return text_answer(
            f"yuptime-exporter is not ready: {readiness.awaited}{obstacle}.\n",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
        )

    return ready


def reload_handler(reload: Callable[[], Awaitable[None]], *, enabled: bool) -> Handler:
    """Return the handler that reads the configuration and the sources again.

    Args:
        reload: returns when the new configuration is active; raises `ConfigInvalid`.
        enabled: whether `--web.enable-lifecycle` was given.
    """

    async def answer_reload(_: Request) -> Answer:
        if not enabled:
            return problem(
                HTTPStatus.FORBIDDEN,
                "the lifecycle API is not enabled; start with --web.enable-lifecycle, or send "
                "SIGHUP to the process",
            )
        try:
            await reload()
        except ConfigInvalid as error:
            detail = f"the old configuration stays active: {error}"
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
        return text_answer("reloaded\n")

    return answer_reload
