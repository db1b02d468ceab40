"""Writers that judge a monitor differently, and how often they write together."""

import heapq
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws import examples
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.status.contests import Contests
from yuptime_exporter.status.limits import StatusLimits

KEY = MonitorKey("prod", "backup")
LIMITS = StatusLimits()


def contests(jitter: float = 0.0) -> Contests:
    return Contests(limits=LIMITS, jitter=lambda: jitter)


def wait(found: Contests, wanted: str, shown: str, now: float, *, lost: bool = False) -> float:
    return found.wait_seconds(KEY, wanted=wanted, shown=shown, now_timestamp=now, lost=lost)


def writes_of(
    clocks: Sequence[float], jitters: Sequence[float], *, seconds: float, delay: float
) -> list[float]:
    """Return when replicas write that never agree, each of its own opinion.

    Args:
        clocks: how far the clock of each replica is ahead, in seconds.
        jitters: the random number of each replica.
        seconds: the length of the story.
        delay: the time after which a write is visible to the others.
    """
    replicas = [contests(jitter) for jitter in jitters]
    shown, written = "", []
    moments = [(0.0, number) for number in range(len(replicas))]
    while moments and moments[0][0] < seconds:
        now, number = heapq.heappop(moments)
        own, clock = f"status of {number}", now + clocks[number]
        left = wait(replicas[number], own, shown, clock)
        if shown == own:
            continue
        if left > 0:
            heapq.heappush(moments, (now + max(left, 0.001), number))
            continue
        shown = own
        written.append(now)
        replicas[number].wrote(KEY, own, now_timestamp=clock)
        for other in range(len(replicas)):
            if other != number:
                heapq.heappush(moments, (now + delay, other))
    return written


@settings(max_examples=examples(50))
@given(
    st.lists(st.tuples(st.floats(-86400, 86400), st.floats(0, 1)), min_size=2, max_size=7),
    st.floats(0.001, 0.5),
)
def test_writers_that_never_agree_write_a_bounded_number_of_times_in_each_minute(
    replicas: list[tuple[float, float]], delay: float
) -> None:
    clocks, jitters = [one for one, _ in replicas], [one for _, one in replicas]
    written = writes_of(clocks, jitters, seconds=3600, delay=delay)

    assert len([moment for moment in written if moment < 60]) <= len(replicas) + 12
    for begin in range(60, 3600, 60):
        assert len([one for one in written if begin <= one < begin + 60]) <= 6
    assert len([moment for moment in written if moment >= 1800]) <= 8


def test_two_writers_restore_their_status_after_pauses_that_double() -> None:
    written = writes_of([0, 0], [0, 0], seconds=700, delay=0.01)

    assert [round(moment) for moment in written] == [
        0,
        0,
        5,
        10,
        20,
        30,
        50,
        70,
        110,
        150,
        230,
        310,
        470,
        630,
    ]


def test_a_status_that_is_new_here_is_written_at_once() -> None:
    found = contests()
    found.wrote(KEY, "up", now_timestamp=0)
    assert wait(found, "up", "other", 1) == 5

    assert wait(found, "down", "other", 1) == 0


def test_a_change_by_anybody_begins_the_pause_again() -> None:
    found = contests()
    found.wrote(KEY, "up", now_timestamp=0)
    wait(found, "up", "other", 1)

    assert wait(found, "up", "third", 4) == 10
    assert wait(found, "up", "third", 9) == 5


def test_a_push_that_was_lost_is_restored_at_once_the_first_time() -> None:
    found = contests()
    found.wrote(KEY, "up", now_timestamp=0)
    assert wait(found, "up", "", 1, lost=True) == 0
    found.wrote(KEY, "up", now_timestamp=1)

    assert wait(found, "up", "", 2, lost=True) == 10


def test_a_contest_that_was_quiet_for_long_is_over() -> None:
    found = contests()
    found.wrote(KEY, "up", now_timestamp=0)
    for number in range(10):
        wait(found, "up", f"other {number}", number)
    found.wrote(KEY, "up", now_timestamp=400)

    assert wait(found, "up", "other", 400 + 4 * LIMITS.max_contest_seconds + 1) == 5


def test_a_clock_that_is_set_back_ends_a_pause() -> None:
    found = contests()
    found.wrote(KEY, "up", now_timestamp=1000)
    assert wait(found, "up", "other", 1001) == 5

    assert wait(found, "up", "other", 10) == 0


def test_a_monitor_that_was_forgotten_has_no_contest() -> None:
    found = contests()
    found.wrote(KEY, "up", now_timestamp=0)
    wait(found, "up", "other", 1)
    found.forget(KEY)

    assert (wait(found, "up", "other", 1), found.losses(KEY)) == (0, 0)
