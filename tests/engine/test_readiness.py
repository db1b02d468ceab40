"""Readiness: when pushes and scrapes may come in."""

import pytest
from prometheus_client import CollectorRegistry

from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.metrics.process import ReadinessMetrics


def gauge(readiness: Readiness) -> float:
    return float(readiness._metrics.ready._value.get())


def test_the_exporter_is_ready_once_state_is_restored_and_monitors_are_listed() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    seen = [(readiness.ready, readiness.awaited)]
    readiness.restored()
    seen.append((readiness.ready, readiness.awaited))
    readiness.listed()
    seen.append((readiness.ready, readiness.awaited))

    assert seen == [
        (False, "saved state is being restored"),
        (False, "monitors are being listed"),
        (True, ""),
    ]


def test_an_exporter_that_stops_is_not_ready() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    readiness.listed()
    readiness.stopping()

    assert (readiness.ready, readiness.awaited) == (False, "yuptime-exporter is stopping")


def test_the_exporter_is_not_ready_while_no_push_can_be_stored() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    readiness.listed()
    readiness.receiving(possible=False)
    paused = (readiness.ready, readiness.awaited)
    readiness.receiving(possible=True)

    assert paused == (False, "the store does not take pushes")
    assert readiness.ready


def test_a_store_that_takes_pushes_is_not_enough_while_monitors_are_not_listed() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    readiness.restored()
    readiness.receiving(possible=True)

    assert not readiness.ready


def test_all_reasons_for_not_being_ready_are_named() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    readiness.restored()
    readiness.receiving(possible=False)

    assert readiness.awaited == "monitors are being listed; the store does not take pushes"


@pytest.mark.parametrize("possible", [True, False])
def test_the_gauge_of_readiness_says_the_same(possible: bool) -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    before = gauge(readiness)
    readiness.listed()
    readiness.receiving(possible=possible)

    assert (before, gauge(readiness)) == (0, int(possible))
