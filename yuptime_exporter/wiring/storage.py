"""The database that pushes are stored in, for any source of monitors."""

from prometheus_client import CollectorRegistry

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.metrics.store import StoreMetrics
from yuptime_exporter.settings.model import SqliteStorage
from yuptime_exporter.stores.sqlite.store import SqliteStore


def database(storage: SqliteStorage, registry: CollectorRegistry, *, clock: Clock) -> SqliteStore:
    """Return the store and history in this database, not opened yet."""
    return SqliteStore(
        storage.path,
        metrics=StoreMetrics(registry),
        clock=clock,
        makes_folder=storage.makes_folder,
        history_limit=storage.history_limit,
    )
