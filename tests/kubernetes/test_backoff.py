from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.kubernetes.backoff import Backoff

JITTER = st.floats(0, 1)


def waits(backoff: Backoff, *, failures: int, start: float = 1000.0) -> list[float]:
    now, found = start, []
    for _ in range(failures):
        found.append(backoff.next_seconds(now_timestamp=now))
        now += found[-1]
    return found


def test_each_failure_is_followed_by_twice_the_wait_up_to_half_a_minute() -> None:
    # client-go, TestReflectorListAndWatchInitConnBackoff.
    assert waits(Backoff(lambda: 0.0), failures=8) == [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]


@given(JITTER, st.integers(1, 12))
def test_waits_are_spread_over_as_much_again(jitter: float, failures: int) -> None:
    plain = waits(Backoff(lambda: 0.0), failures=failures)
    spread = waits(Backoff(lambda: jitter), failures=failures)

    assert all(a <= b <= 2 * a for a, b in zip(plain, spread, strict=True))


def test_two_minutes_without_a_failure_begin_anew() -> None:
    backoff = Backoff(lambda: 0.0)
    waits(backoff, failures=3)  # over at 1005.6

    assert backoff.next_seconds(now_timestamp=1005.6 + 119) == 6.4
    assert backoff.next_seconds(now_timestamp=1131 + 120) == 0.8


def test_a_server_that_asks_for_more_is_given_it() -> None:
    # kopf, test_error_retries: Retry-After longer than ours, and shorter.
    backoff = Backoff(lambda: 0.0)

    assert backoff.next_seconds(now_timestamp=1000, at_least=7) == 7
    assert backoff.next_seconds(now_timestamp=1007, at_least=1) == 1.6


def test_a_long_wait_that_was_asked_for_does_not_count_as_time_without_failures() -> None:
    backoff = Backoff(lambda: 0.0)
    asked = backoff.next_seconds(now_timestamp=1000, at_least=200)

    assert backoff.next_seconds(now_timestamp=1000 + asked) == 1.6


def test_no_server_can_send_us_away_for_days() -> None:
    assert Backoff(lambda: 0.0).next_seconds(now_timestamp=0, at_least=1e9) == 300


@given(st.lists(st.floats(0, 1e10), min_size=1, max_size=20))
def test_whatever_the_clock_does_waits_are_bounded(moments: list[float]) -> None:
    backoff = Backoff(lambda: 1.0)
    found = [backoff.next_seconds(now_timestamp=moment) for moment in moments]

    assert all(1.6 <= wait <= 60 for wait in found)
    assert all(b <= 2 * a or b == 1.6 for a, b in pairwise(found))
