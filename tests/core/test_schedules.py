"""When the next push is due."""

from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.schedules import Every

moments = st.floats(0, 4e9)
periods = st.integers(1, 315_360_000)


@given(periods, moments)
def test_the_next_push_of_an_interval_is_due_that_long_after_the_base(
    seconds: int, base: float
) -> None:
    assert Every(seconds).due_timestamp(base) == base + seconds


@given(periods, moments)
def test_the_gap_until_the_next_push_is_not_rounded(seconds: int, base: float) -> None:
    assert Every(seconds).gap_seconds(base) == seconds


def test_a_schedule_says_in_words_when_pushes_are_due() -> None:
    assert str(Every(300)) == "every 300 s"
