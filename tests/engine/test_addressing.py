"""Monitors that clients name by a token alone."""

import hashlib

import pytest
from prometheus_client import CollectorRegistry

from tests.core.examples import monitor, replace_monitors
from tests.engine.parts import ready, table_of
from yuptime_exporter.core.errors import AmbiguousToken, NotAuthenticated, NotReady
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.engine.addressing import Addressing
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.metrics.process import ReadinessMetrics

START = 1000.0
ONE = hashlib.sha256(b"one").digest()
ALL = hashlib.sha256(b"all").digest()

MONITORS = (
    monitor("a", "dev", token_digests=(ALL,)),
    monitor("a", "prod", token_digests=(ALL, ONE)),
    monitor("b", "prod", token_digests=(ALL,)),
)


def test_a_token_or_a_token_with_a_name_leads_to_its_only_monitor() -> None:
    addressing = Addressing(table_of(*MONITORS, at=START), ready())

    assert addressing.monitor_of(b"one") == MonitorKey("prod", "a")
    assert addressing.monitor_of(b"one", "a") == MonitorKey("prod", "a")
    assert addressing.monitor_of(b"all", "b") == MonitorKey("prod", "b")


@pytest.mark.parametrize("name", ["", "a"])
def test_a_token_of_several_monitors_leads_to_none_of_them(name: str) -> None:
    addressing = Addressing(table_of(*MONITORS, at=START), ready())

    with pytest.raises(AmbiguousToken, match="dev/a among them"):
        addressing.monitor_of(b"all", name)


@pytest.mark.parametrize(("token", "name"), [(b"two", ""), (b"", ""), (b"one", "b"), (b"one", "c")])
def test_every_other_token_is_not_authenticated(token: bytes, name: str) -> None:
    addressing = Addressing(table_of(*MONITORS, at=START), ready())

    with pytest.raises(NotAuthenticated):
        addressing.monitor_of(token, name)


def test_before_all_monitors_are_known_no_token_is_refused_for_good() -> None:
    starting = Readiness(ReadinessMetrics(CollectorRegistry()))
    with pytest.raises(NotReady):
        Addressing(table_of(*MONITORS, at=START), starting).monitor_of(b"one")

    table = table_of(*MONITORS, at=START)
    replace_monitors(table, MONITORS, unlisted=frozenset({"closed"}), now_timestamp=START)
    addressing = Addressing(table, ready())
    assert addressing.monitor_of(b"one") == MonitorKey("prod", "a")
    with pytest.raises(NotReady, match="namespaces are not known"):
        addressing.monitor_of(b"two")
