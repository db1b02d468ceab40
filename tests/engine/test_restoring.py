"""Restoring saved state at the start, from a store that may be unavailable."""

import logging

import pytest

from tests.fakes.store import FakeStore
from yuptime_exporter.core.errors import StoreUnavailable, StoreUnusable
from yuptime_exporter.core.model import Restored
from yuptime_exporter.engine.restoring import restored_state

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


async def test_an_unavailable_store_is_tried_again_until_it_works() -> None:
    store = FailingStore(*[StoreUnavailable("the disk is full")] * 3)

    assert await restored_state(store, retry_seconds=0) == SAVED
    assert store.errors == []


async def test_each_failure_of_an_unavailable_store_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    full, busy = StoreUnavailable("the disk is full"), StoreUnavailable("the file is locked")

    await restored_state(FailingStore(full, full, busy, busy), retry_seconds=0)

    errors = [r.__dict__["err"] for r in caplog.records if r.levelno == logging.ERROR]
    assert errors == ["the disk is full", "the file is locked"]


async def test_an_unusable_store_is_not_tried_again() -> None:
    store = FailingStore(StoreUnusable("not a SQLite database"), StoreUnavailable("x"))

    with pytest.raises(StoreUnusable, match="not a SQLite database"):
        await restored_state(store, retry_seconds=0)
    assert len(store.errors) == 1
