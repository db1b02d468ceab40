"""The next status to compare."""

from dataclasses import dataclass
from typing import Literal

from hypothesis import example, given
from hypothesis import strategies as st

from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.status.model import Due
from yuptime_exporter.status.queue import StatusQueue

A, B, C = (MonitorKey("jobs", name) for name in "abc")


def all_taken(queue: StatusQueue, *, at: float) -> list[MonitorKey]:
    taken = []
    while (key := queue.take(now_timestamp=at)) is not None:
        taken.append(key)
    return taken


def test_nothing_is_taken_before_its_time() -> None:
    queue = StatusQueue()
    queue.put(A, Due(1010, 1020))

    assert queue.take(now_timestamp=1009) is None
    assert queue.take(now_timestamp=1010) == A
    assert queue.take(now_timestamp=1010) is None


def test_the_most_urgent_is_taken_first() -> None:
    queue = StatusQueue()
    queue.put(A, Due(1000, 1300))
    queue.put(B, Due(1001, 1001))
    queue.put(C, Due(1002, 1100))

    assert all_taken(queue, at=1002) == [B, C, A]


def test_what_is_not_in_time_yet_is_not_taken_for_its_urgency() -> None:
    queue = StatusQueue()
    queue.put(A, Due(1000, 9000))
    queue.put(B, Due(1001, 1001))

    assert all_taken(queue, at=1000) == [A]


def test_a_monitor_is_taken_once_however_often_it_was_put() -> None:
    queue = StatusQueue()
    for at in (1030, 1000, 1020):
        queue.put(A, Due(at, at + 10))

    assert len(queue) == 1
    assert all_taken(queue, at=2000) == [A]
    assert len(queue) == 0


def test_of_several_moments_the_earlier_hold() -> None:
    queue = StatusQueue()
    queue.put(A, Due(1030, 1040))
    queue.put(A, Due(1000, 1270))
    queue.put(B, Due(1000, 1050))

    assert all_taken(queue, at=1000) == [A, B]


def test_one_of_two_moments_alone_may_be_earlier() -> None:
    queue = StatusQueue()
    queue.put(A, Due(1000, 1300))
    queue.put(A, Due(1000, 1000))
    queue.put(A, Due(1000, 1200))

    assert all_taken(queue, at=1000) == [A]


def test_a_monitor_that_was_taken_waits_anew_when_it_is_put_again() -> None:
    queue = StatusQueue()
    queue.put(A, Due(1000, 1000))
    queue.take(now_timestamp=1000)
    queue.put(A, Due(1030, 1030))

    assert queue.take(now_timestamp=1029) is None
    assert queue.take(now_timestamp=1030) == A


def test_it_is_known_when_to_look_next() -> None:
    queue = StatusQueue()
    assert queue.next_timestamp() is None

    queue.put(A, Due(1030, 1270))
    queue.put(B, Due(1020, 1300))
    assert queue.next_timestamp() == 1020

    queue.put(A, Due(1010, 1010))
    assert queue.next_timestamp() == 1010
    assert all_taken(queue, at=1010) == [A]
    assert queue.next_timestamp() == 1020


def test_what_is_eligible_is_counted() -> None:
    queue = StatusQueue()
    for key, at in ((A, 1000), (B, 1000), (C, 1100)):
        queue.put(key, Due(at, at))
    queue.take(now_timestamp=1000)

    assert queue.eligible == 1


class NaiveQueue:
    """The same without a heap: all monitors are looked through each time."""

    def __init__(self) -> None:
        self.due: dict[MonitorKey, Due] = {}

    def put(self, key: MonitorKey, due: Due) -> None:
        known = self.due.get(key, due)
        self.due[key] = Due(
            min(known.eligible_timestamp, due.eligible_timestamp),
            min(known.deadline_timestamp, due.deadline_timestamp),
        )

    def take(self, now: float) -> MonitorKey | None:
        ready = [
            (due.deadline_timestamp, key)
            for key, due in self.due.items()
            if due.eligible_timestamp <= now
        ]
        if not ready:
            return None
        _, key = min(ready)
        del self.due[key]
        return key

    def next_timestamp(self) -> float | None:
        return min((due.eligible_timestamp for due in self.due.values()), default=None)


@dataclass(frozen=True)
class Step:
    """A call of the queue, some time after the call before it."""

    wait: float
    what: Literal["put", "take", "ask"]
    key: MonitorKey = A
    early: float = 0
    late: float = 0


# Few moments, so that every tie is likely.
few = st.integers(0, 3).map(float)
steps = st.lists(
    st.one_of(
        st.builds(Step, few, st.just("put"), st.sampled_from([A, B, C]), few, few),
        st.builds(Step, few, st.sampled_from(["take", "ask"])),
    ),
    max_size=30,
)


@given(steps)
@example([Step(0, "put", A, 2, 3), Step(0, "put", A, 2, 1), Step(3, "take")])
def test_it_does_what_a_naive_queue_does(history: list[Step]) -> None:
    queue, naive = StatusQueue(), NaiveQueue()
    now = 1000.0
    for step in history:
        now += step.wait
        match step.what:
            case "put":
                due = Due(now + step.early, now + step.early + step.late)
                queue.put(step.key, due)
                naive.put(step.key, due)
            case "take":
                assert queue.take(now_timestamp=now) == naive.take(now)
            case "ask":
                soonest, expected = queue.next_timestamp(), naive.next_timestamp()
                # Any past moment will do: a monitor can be taken now.
                assert soonest == expected or (
                    soonest is not None and expected is not None and max(soonest, expected) <= now
                )
        assert len(queue) == len(naive.due)
    assert all_taken(queue, at=now + 10) == [
        key for _ in range(len(naive.due)) if (key := naive.take(now + 10))
    ]
