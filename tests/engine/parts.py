"""The parts of an exporter that the tests of the engine put together."""

import asyncio

from prometheus_client import CollectorRegistry

from tests.core.examples import SILENCE_IS_OUTAGE_AFTER_SECONDS, replace_monitors
from tests.core.examples import monitor as declared
from yuptime_exporter.core.model import Monitor, MonitorKey, Row
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.metrics.process import ReadinessMetrics

TOKEN_DIGESTS = (b"a" * 32,)

# So many turns of the event loop are enough for everything here that waits for nothing outside.
_TURNS = 60


async def settled() -> None:
    """Return when everything has happened that happens without the clock and without a peer."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def table_of(*monitors: Monitor, at: float) -> MonitorTable:
    """Return a table in which these are declared; without any, `prod/backup`."""
    table = MonitorTable(silence_is_outage_after_seconds=SILENCE_IS_OUTAGE_AFTER_SECONDS)
    table.record_receiving(at)
    monitors = monitors or (declared(token_digests=TOKEN_DIGESTS),)
    replace_monitors(table, monitors, now_timestamp=at)
    return table


def row_of(table: MonitorTable, key: MonitorKey) -> Row:
    row = table.row(key)
    assert row is not None
    return row


def ready() -> Readiness:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    readiness.restored()
    readiness.listed()
    return readiness
