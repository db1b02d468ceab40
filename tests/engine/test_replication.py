"""Another replica accepted a push: it is shown here, and counts as a change of state here."""

import pytest

from tests.core.examples import DOWN, KEY, UP, push
from tests.engine.parts import row_of, table_of
from tests.exporters import StandingClock
from yuptime_exporter.core.model import Arming, MonitorKey, State
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.replication import Replication

START = 1000.0


class Replica:
    """A table with one monitor, the replication into it, and the changes of state it reported."""

    def __init__(self) -> None:
        self.table: MonitorTable = table_of(at=START)
        self.reported: list[tuple[MonitorKey, State, State]] = []
        self.replication = Replication(
            self.table,
            on_push=lambda *change: self.reported.append(change),
            clock=StandingClock(START),
        )


@pytest.fixture
def replica() -> Replica:
    return Replica()


def test_an_adopted_push_is_shown_and_reported_like_one_of_our_own(replica: Replica) -> None:
    replica.replication.adopt(KEY, None, push(DOWN, at=1000))

    assert row_of(replica.table, KEY).last_push == push(DOWN, at=1000)
    assert replica.reported == [(KEY, State.PENDING, State.DOWN)]


def test_a_push_that_is_known_already_is_not_reported(replica: Replica) -> None:
    replica.table.record_pushes([(KEY, push(UP, at=1000))])
    replica.replication.adopt(KEY, Arming(1000), push(UP, at=1000))
    replica.replication.adopt(KEY, None, None)
    replica.replication.adopt(KEY, None, push(DOWN, at=999))

    assert replica.reported == []


def test_stored_moments_in_the_future_count_as_now(replica: Replica) -> None:
    replica.replication.adopt(KEY, Arming(9000), push(UP, at=9000))

    row = row_of(replica.table, KEY)
    assert row.arming == Arming(START)
    assert row.last_push is not None
    assert row.last_push.received_timestamp == START


def test_a_push_to_an_undeclared_monitor_is_not_reported(replica: Replica) -> None:
    replica.replication.adopt(MonitorKey("prod", "unknown"), Arming(900), push(UP, at=950))

    assert replica.reported == []
