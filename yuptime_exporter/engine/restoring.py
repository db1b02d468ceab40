"""Restore saved state at the start, for as long as it takes."""

import asyncio
import logging

from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import Restored
from yuptime_exporter.core.ports import Store
from yuptime_exporter.failure_log import FailureLog

log = logging.getLogger(__name__)

# Time between two attempts to open a store that is unavailable.
RETRY_SECONDS = 2.0


async def restored_state(store: Store, *, retry_seconds: float = RETRY_SECONDS) -> Restored:
    """Return the saved state; retry while it is unavailable, as with a full disk.

    Raises:
        StoreUnusable: the store will never be usable as it is.
    """
    failures = FailureLog(log, "store cannot be opened; it is tried again", level=logging.ERROR)
    while True:
        try:
            return await store.restore()
        except StoreUnavailable as error:
            failures.failed(error, kind=str(error))
        await asyncio.sleep(retry_seconds)
