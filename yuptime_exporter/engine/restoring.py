"""Restore saved state at the start, for as long as it takes."""

import asyncio
import logging

from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import Restored
from yuptime_exporter.core.ports import PushStore

log = logging.getLogger(__name__)

# Time between two attempts to open a store that is unavailable.
RETRY_SECONDS = 2.0


async def restored_state(store: PushStore) -> Restored:
    """Return what the store has saved; retry while it is unavailable, as with a full disk.

    Raises:
        StoreUnusable: the store will never be usable as it is.
    """
    logged = ""
    while True:
        try:
            return await store.restore()
        except StoreUnavailable as error:
            if str(error) != logged:
                logged = str(error)
                log.error("store cannot be opened; it is tried again", extra={"err": logged})
        await asyncio.sleep(RETRY_SECONDS)
