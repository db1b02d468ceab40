"""Reloading the configuration and the source of monitors, at once and on request."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from tests.engine.parts import ready, settled
from yuptime_exporter.core.declared import MonitorSet
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.reloading import Reloading
from yuptime_exporter.metrics.process import ReadinessMetrics


class Reloaded:
    """A configuration and a source that record each reload.

    Attributes:
        invalid: whether the configuration has a problem.
    """

    def __init__(self) -> None:
        self.order: list[str] = []
        self.invalid = False

    def load(self) -> None:
        self.order.append("configuration")
        if self.invalid:
            raise ConfigInvalid("limit: unknown key")

    async def refresh(self) -> None:
        self.order.append("source")

    async def watch(self) -> AsyncIterator[MonitorSet]:
        yield MonitorSet(())


def not_ready() -> Readiness:
    return Readiness(ReadinessMetrics(CollectorRegistry()))


async def test_a_reload_loads_the_configuration_before_the_monitors() -> None:
    parts = Reloaded()

    await Reloading(parts.load, parts, ready()).reload()

    assert parts.order == ["configuration", "source"]


async def test_a_reload_before_the_first_list_of_monitors_loads_only_the_configuration() -> None:
    parts = Reloaded()

    await Reloading(parts.load, parts, not_ready()).reload()

    assert parts.order == ["configuration"]


async def test_an_invalid_configuration_ends_a_reload_with_its_problem() -> None:
    parts = Reloaded()
    parts.invalid = True

    with pytest.raises(ConfigInvalid, match="limit: unknown key"):
        await Reloading(parts.load, parts, ready()).reload()
    assert parts.order == ["configuration"]


async def test_a_reload_can_be_requested_again_after_an_invalid_configuration() -> None:
    parts = Reloaded()
    reloading = Reloading(parts.load, parts, ready())
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(reloading.reload_on_request())
        parts.invalid = True
        reloading.requested.set()
        await settled()
        parts.invalid = False
        reloading.requested.set()
        await settled()
        running.cancel()

    assert parts.order == ["configuration", "configuration", "source"]
