"""Readiness: when pushes and scrapes may come in."""

import pytest
from prometheus_client import CollectorRegistry

from yuptime_exporter.core.errors import NotReady
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
    readiness.receiving(failure="the disk is full")
    paused = (readiness.ready, readiness.awaited)
    readiness.receiving(failure="")

    assert paused == (False, "the store does not take pushes: the disk is full")
    assert readiness.ready


def test_a_store_that_takes_pushes_is_not_enough_while_monitors_are_not_listed() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    readiness.restored()
    readiness.receiving(failure="")

    assert not readiness.ready


def test_all_reasons_for_not_being_ready_are_named() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    readiness.restored()
    readiness.receiving(failure="the disk is full")

    assert readiness.awaited == (
        "monitors are being listed; the store does not take pushes: the disk is full"
    )


@pytest.mark.parametrize("failure", ["", "the disk is full"])
def test_the_gauge_of_readiness_says_the_same(failure: str) -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    before = gauge(readiness)
    readiness.listed()
    readiness.receiving(failure=failure)

    assert (before, gauge(readiness)) == (0, int(not failure))


def test_a_store_that_fails_is_a_notice_where_no_other_replica_could_take_pushes() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    readiness.listed()
    readiness.note("2 monitors are kept")
    readiness.storing(failure="the disk is full")
    during = (readiness.ready, readiness.notice)
    readiness.storing(failure="")

    assert during == (
        True,
        "2 monitors are kept; the store does not take pushes: the disk is full",
    )
    assert readiness.notice == "2 monitors are kept"


def test_missing_rights_are_for_operators_only_and_end_with_the_readiness() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    readiness.explain(lambda: "monitors may not be listed in the namespace shop")
    with pytest.raises(NotReady) as raised:
        readiness.check()

    assert readiness.obstacle == "monitors may not be listed in the namespace shop"
    assert "shop" not in f"{raised.value} {readiness.awaited}"
    readiness.listed()
    assert readiness.obstacle == ""
