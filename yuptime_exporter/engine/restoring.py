"""Restore saved state at the start, for as long as it takes."""

import asyncio
import logging

from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.ports import Store
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.failure_log import FailureLog

log = logging.getLogger(__name__)

# Time between two attempts to open a store that is unavailable.
RETRY_SECONDS = 2.0


async def restored_state(
    store: Store, readiness: Readiness, *, retry_seconds: float = RETRY_SECONDS
) -> Restored:
    """Return the saved state; retry while it is unavailable, as with a full disk.

    Args:
        store: to be opened.
        readiness: shows the reason while the store is unavailable.
        retry_seconds: time between two attempts.

    Raises:
        StoreUnusable: the store will never be usable as it is.
    """
    failures = FailureLog(log, "store cannot be opened; it is tried again", level=logging.ERROR)
    while True:
        try:
            restored = await store.restore()
        except StoreUnavailable as error:
            failures.failed(error, kind=str(error), **error.log_fields)
            readiness.restoring(failure=str(error))
        else:
            readiness.restored()
            return restored
        await asyncio.sleep(retry_seconds)
