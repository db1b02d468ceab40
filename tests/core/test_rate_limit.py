"""Token buckets: one for each monitor, or one for everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.rate_limit import (
    CHANGES,
    PushLimiter,
    RateLimit,
    RateLimiter,
    TokenBucket,
)

KEY, OTHER = MonitorKey("prod", "backup"), MonitorKey("prod", "other")
NOW = 1_700_000_000.5


def passed(limiter: RateLimiter, count: int, *, at: float = NOW, key: MonitorKey = KEY) -> int:
    """Return how many of `count` pushes at one moment pass."""
    return sum(limiter.wait_seconds(key, now_timestamp=at) == 0 for _ in range(count))


def test_a_burst_passes_and_no_more() -> None:
    assert passed(RateLimiter(RateLimit(1.0, burst=10)), 50) == 10


def test_an_empty_bucket_says_how_long_to_wait() -> None:
    limiter = RateLimiter(RateLimit(2.0, burst=3))
    passed(limiter, 3)

    assert limiter.wait_seconds(KEY, now_timestamp=NOW) == 2.0
    assert limiter.wait_seconds(KEY, now_timestamp=NOW + 0.5) == 1.5


def test_after_the_announced_wait_there_is_a_token() -> None:
    limiter = RateLimiter(RateLimit(2.0, burst=3))
    passed(limiter, 3)

    assert limiter.wait_seconds(KEY, now_timestamp=NOW + 1.5) == 0.5
    assert limiter.wait_seconds(KEY, now_timestamp=NOW + 2.0) == 0


def test_a_push_that_finds_no_token_costs_nothing() -> None:
    limiter = RateLimiter(RateLimit(1.0, burst=1))
    passed(limiter, 1000)

    assert passed(limiter, 1, at=NOW + 1) == 1


@pytest.mark.parametrize(("waited", "refilled"), [(1, 1), (4, 4), (10, 10), (1e6, 10)])
def test_a_bucket_refills_one_token_each_interval_and_never_above_its_burst(
    waited: float, refilled: int
) -> None:
    limiter = RateLimiter(RateLimit(1.0, burst=10))
    passed(limiter, 10)

    assert passed(limiter, 50, at=NOW + waited) == refilled


def test_one_monitor_does_not_use_up_the_tokens_of_another() -> None:
    limiter = RateLimiter(RateLimit(1.0, burst=2))
    passed(limiter, 50)

    assert passed(limiter, 50, key=OTHER) == 2


def test_a_changed_limit_applies_to_a_bucket_at_once() -> None:
    bucket = TokenBucket()
    taken = [bucket.wait_seconds(RateLimit(1.0, 1), now_timestamp=NOW) for _ in range(2)]
    looser = bucket.wait_seconds(RateLimit(0.25, 8), now_timestamp=NOW)
    stricter = bucket.wait_seconds(RateLimit(8.0, 1), now_timestamp=NOW)

    assert taken == [0, 1]
    assert looser == 0
    assert stricter == 1.25


def test_a_bucket_that_was_emptied_under_a_slow_limit_waits_only_as_long_as_a_faster_one() -> None:
    bucket = TokenBucket()
    bucket.wait_seconds(RateLimit(3600.0, 1), now_timestamp=NOW)

    assert bucket.wait_seconds(RateLimit(1.0, 1), now_timestamp=NOW) == 1.0


def test_an_interval_of_zero_is_no_limit() -> None:
    assert passed(RateLimiter(RateLimit(0.0, burst=1)), 1000) == 1000


@pytest.mark.parametrize("back", [1, 3600, NOW])
def test_a_clock_set_back_cannot_lock_a_monitor_out(back: float) -> None:
    limiter = RateLimiter(RateLimit(1.0, burst=10))
    passed(limiter, 10)
    told = limiter.wait_seconds(KEY, now_timestamp=NOW - back)

    assert told <= 1.0
    assert passed(limiter, 1, at=NOW - back + max(told, 1.0)) == 1


def test_a_monitor_that_is_kept_keeps_its_bucket() -> None:
    limiter = RateLimiter(RateLimit(1.0, burst=2))
    passed(limiter, 2)
    limiter.forget_unless(lambda key: key == KEY)

    assert passed(limiter, 1) == 0


def test_a_monitor_that_is_forgotten_starts_with_a_full_bucket() -> None:
    limiter = RateLimiter(RateLimit(1.0, burst=2))
    passed(limiter, 2)
    limiter.forget_unless(lambda key: key == OTHER)

    assert passed(limiter, 50) == 2


# Quarters of a second are exact in a float of today, so that no rounding blurs the laws.
gaps = st.lists(st.integers(0, 12).map(lambda quarters: quarters / 4), max_size=60)
limits = st.builds(
    RateLimit, st.integers(1, 16).map(lambda quarters: quarters / 4), st.integers(1, 8)
)


@given(limits, gaps)
def test_over_any_time_at_most_the_burst_and_one_each_interval_pass(
    limit: RateLimit, waits: list[float]
) -> None:
    limiter = RateLimiter(limit)
    now, accepted = NOW, []
    for wait in waits:
        now += wait
        if limiter.wait_seconds(KEY, now_timestamp=now) == 0:
            accepted.append(now)

    for first, start in enumerate(accepted):
        for count, end in enumerate(accepted[first:], start=1):
            assert count <= limit.burst + (end - start) / limit.interval_seconds


@given(limits, gaps)
def test_after_exactly_the_announced_wait_there_is_always_a_token(
    limit: RateLimit, waits: list[float]
) -> None:
    limiter = RateLimiter(limit)
    now = NOW
    for wait in waits:
        now += wait
        told = limiter.wait_seconds(KEY, now_timestamp=now)
        now += told

        assert told == 0 or limiter.wait_seconds(KEY, now_timestamp=now) == 0


@given(limits, gaps)
def test_pushes_no_closer_than_the_interval_always_pass(
    limit: RateLimit, waits: list[float]
) -> None:
    limiter = RateLimiter(limit)
    now = NOW
    for wait in waits:
        now += limit.interval_seconds + wait

        assert limiter.wait_seconds(KEY, now_timestamp=now) == 0


@given(st.floats(0.001, 100), st.integers(1, 50), st.floats(1_600_000_000, 1_900_000_000))
def test_exactly_a_burst_passes_for_every_interval(interval: float, burst: int, now: float) -> None:
    assert passed(RateLimiter(RateLimit(interval, burst)), 2 * burst, at=now) == burst


@given(st.lists(st.floats(0, 2e9), max_size=30), limits)
def test_no_clock_makes_anyone_wait_longer_than_one_interval(
    moments: list[float], limit: RateLimit
) -> None:
    limiter = RateLimiter(limit)

    for moment in moments:
        wait = limiter.wait_seconds(KEY, now_timestamp=moment)
        assert wait <= limit.interval_seconds + 1e-6


def test_asking_takes_no_token() -> None:
    limiter = RateLimiter(RateLimit(1.0, burst=1))
    for _ in range(10):
        assert limiter.wait_seconds(KEY, now_timestamp=NOW, takes_token=False) == 0
    passed(limiter, 1)

    assert limiter.wait_seconds(KEY, now_timestamp=NOW, takes_token=False) == 1


def test_pushes_and_changes_of_status_have_buckets_of_their_own() -> None:
    limiter = PushLimiter(RateLimit(1.0, burst=2))
    pushes = [limiter.push_wait_seconds(KEY, now_timestamp=NOW) for _ in range(5)]
    changes = [limiter.change_wait_seconds(KEY, now_timestamp=NOW) for _ in range(12)]

    assert pushes == [0, 0, 1, 1, 1]
    assert changes == [0] * CHANGES.burst + [CHANGES.interval_seconds] * 2


def test_a_changed_limit_of_pushes_applies_at_once_and_leaves_that_of_changes() -> None:
    limiter = PushLimiter(RateLimit(1.0, burst=1))
    limiter.limit = RateLimit(60.0, burst=2)
    pushes = [limiter.push_wait_seconds(KEY, now_timestamp=NOW) for _ in range(3)]

    assert limiter.limit == RateLimit(60.0, burst=2)
    assert pushes == [0, 0, 60]
    assert limiter.change_wait_seconds(KEY, now_timestamp=NOW) == 0


def test_both_buckets_of_a_monitor_that_left_are_forgotten() -> None:
    limiter = PushLimiter(RateLimit(1.0, burst=1))
    for _ in range(CHANGES.burst):
        limiter.push_wait_seconds(KEY, now_timestamp=NOW)
        limiter.change_wait_seconds(KEY, now_timestamp=NOW)
    limiter.forget_unless(lambda key: key != KEY)

    assert limiter.push_wait_seconds(KEY, now_timestamp=NOW) == 0
    assert limiter.change_wait_seconds(KEY, now_timestamp=NOW) == 0
