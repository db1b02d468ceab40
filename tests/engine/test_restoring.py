"""Restoring saved state at the start, from a store that may be unavailable."""

import logging

import pytest
from prometheus_client import CollectorRegistry

from tests.fakes.store import FakeStore
from yuptime_exporter.core.errors import StoreUnavailable, StoreUnusable
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.restoring import restored_state
from yuptime_exporter.metrics.process import ReadinessMetrics

SAVED = Restored({}, {}, receiving_timestamp=1000.0)


class FailingStore(FakeStore):
    """A store whose first attempts to restore raise these errors."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.errors = list(errors)

    async def restore(self) -> Restored:
        if self.errors:
            raise self.errors.pop(0)
        return SAVED


def starting() -> Readiness:
    return Readiness(ReadinessMetrics(CollectorRegistry()))


async def test_an_unavailable_store_is_tried_again_until_it_works() -> None:
    store = FailingStore(*[StoreUnavailable("the disk is full")] * 3)

    assert await restored_state(store, starting(), retry_seconds=0) == SAVED
    assert store.errors == []


async def test_each_failure_of_an_unavailable_store_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    full, busy = StoreUnavailable("the disk is full"), StoreUnavailable("the file is locked")

    await restored_state(FailingStore(full, full, busy, busy), starting(), retry_seconds=0)

    errors = [r.__dict__["err"] for r in caplog.records if r.levelno == logging.ERROR]
    assert errors == ["the disk is full", "the file is locked"]


async def test_an_unusable_store_is_not_tried_again() -> None:
    store = FailingStore(StoreUnusable("not a SQLite database"), StoreUnavailable("x"))

    with pytest.raises(StoreUnusable, match="not a SQLite database"):
        await restored_state(store, starting(), retry_seconds=0)
    assert len(store.errors) == 1


async def test_the_reason_of_an_unavailable_store_stands_in_the_readiness() -> None:
    readiness = starting()

    class StoreThatLooks(FailingStore):
        """A store that looks at the readiness before its last attempt."""

        seen = ""

        async def restore(self) -> Restored:
            if not self.errors:
                self.seen = readiness.awaited
            return await super().restore()

    store = StoreThatLooks(StoreUnavailable("the disk is full", place="/secret/place"))
    await restored_state(store, readiness, retry_seconds=0)

    assert store.seen == "saved state cannot be restored: the disk is full"
    assert readiness.awaited == "monitors are being listed"


async def test_the_log_names_the_place_of_an_unavailable_store(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = FailingStore(StoreUnavailable("the disk is full", place="/var/lib/x.db"))
    await restored_state(store, starting(), retry_seconds=0)

    assert [record.__dict__["store"] for record in caplog.records] == ["/var/lib/x.db"]
