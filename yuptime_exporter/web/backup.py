"""A copy of the store for an operator, while the exporter runs."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import BinaryIO

from yuptime_exporter.core.errors import BackupUnsupported, StoreUnavailable
from yuptime_exporter.web.failures import problem
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Handler

log = logging.getLogger(__name__)

SQLITE = "application/vnd.sqlite3"  # IANA's name

_PART_BYTES = 256 * 1024


def backup_handler(backup: Callable[[], Awaitable[BinaryIO]], *, enabled: bool) -> Handler:
    """Return the handler that answers with a copy of the store.

    Args:
        backup: returns the copy; raises `BackupUnsupported` and `StoreUnavailable`.
        enabled: whether `--web.enable-admin-api` was given.
    """

    async def answer_backup(_: Request) -> Answer:
        if not enabled:
            return problem(
                HTTPStatus.FORBIDDEN,
                "the admin API is not enabled; start with --web.enable-admin-api",
            )
        try:
            copy = await backup()
        except BackupUnsupported as error:
            return problem(HTTPStatus.NOT_IMPLEMENTED, str(error))
        except StoreUnavailable as error:
            log.warning("backup was not made", extra={**error.log_fields, "err": str(error)})
            headers = {"Retry-After": str(error.retry_after_seconds)}
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=headers)
        log.info("backup made", extra={"bytes": os.fstat(copy.fileno()).st_size})
        headers = {"Content-Disposition": 'attachment; filename="yuptime.db"'}
        return Answer(content_type=SQLITE, headers=headers, parts=_parts(copy))

    return answer_backup


async def _parts(copy: BinaryIO) -> AsyncIterator[tuple[bytes]]:
    with copy:
        while part := await asyncio.to_thread(copy.read, _PART_BYTES):
            yield (part,)
